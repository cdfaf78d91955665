package schema

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/format/native"
)

var (
	pageview = Type{"page interaction", "pageview"}
	received = time.Date(2026, 1, 2, 3, 4, 5, 6007, time.UTC)
)

const pageviewSchema = `{"type": "object", "required": ["host", "path"], "properties": {"host": {"type": "string"}, "path": {"type": "string"}}}`

func set(t testing.TB, p Policy) *Set {
	return NewSet(7, p, map[Type]Versioned{
		pageview:           {Schema: compile(t, pageviewSchema), Revision: 3},
		{"broken", "here"}: {Revision: 5},
	}, nil)
}

// sent is an event as a site sends it.
func sent(t testing.TB, category, name, data, timestamp string) *event.Event {
	t.Helper()
	raw := fmt.Sprintf(`{"session_id": "e2085be5-9137-4e4e-80b5-f1ffddc25423", "category": %s, "name": %s, "data": %s, "timestamp": %s}`, category, name, data, timestamp)
	ev, refusal := native.Decode([]byte(raw))
	if refusal != nil {
		t.Fatalf("%s: %v", raw, refusal)
	}
	return ev
}

func TestSetValidatesEvents(t *testing.T) {
	const (
		good = `{"host": "www.example.com", "path": "/"}`
		now  = `"2026-01-02T03:04:05Z"`
	)
	standard := DefaultPolicy()
	standard.OldestAge = time.Hour
	standard.Retention = Retention{Stored: 3 * time.Hour, Rejected: 2 * time.Hour, Types: map[Type]time.Duration{pageview: time.Hour}, RejectedTypes: map[Type]time.Duration{{"broken", "here"}: 9 * time.Hour}}
	lenient := standard
	lenient.UnknownTypes, lenient.OldestAge = StoreUnknown, 0
	for name, tc := range map[string]struct {
		policy                          Policy
		category, name, data, timestamp string
		want                            []string // "<code> <path>"
		version                         uint64
		retention                       time.Duration
	}{
		"stored":                   {standard, `"page interaction"`, `"pageview"`, good, now, nil, 3, time.Hour},
		"schema":                   {standard, `"page interaction"`, `"pageview"`, `{"host": 1}`, now, []string{"schema_violation /data/host", "schema_violation /data/path"}, 3, 2 * time.Hour},
		"at the skew":              {standard, `"page interaction"`, `"pageview"`, good, `"2026-01-02T03:09:05.000006Z"`, nil, 3, time.Hour},
		"in the future":            {standard, `"page interaction"`, `"pageview"`, good, `"2026-01-02T03:09:05.000007Z"`, []string{"timestamp_in_future /timestamp"}, 3, 2 * time.Hour},
		"at the oldest age":        {standard, `"page interaction"`, `"pageview"`, good, `"2026-01-02T02:04:05.000007Z"`, nil, 3, time.Hour},
		"too old":                  {standard, `"page interaction"`, `"pageview"`, good, `"2026-01-02T02:04:05.000006Z"`, []string{"timestamp_too_old /timestamp"}, 3, 2 * time.Hour},
		"no oldest age":            {lenient, `"page interaction"`, `"pageview"`, good, `"0001-01-01T00:00:00.000001Z"`, nil, 3, time.Hour},
		"unknown":                  {standard, `"page interaction"`, `"Pageview"`, good, now, []string{"unknown_type "}, 0, 2 * time.Hour},
		"unknown, stored":          {lenient, `"x"`, `"y"`, good, now, nil, 0, 3 * time.Hour},
		"no name":                  {standard, `"page interaction"`, `""`, good, now, []string{"invalid_name /name"}, 0, 2 * time.Hour},
		"no name, lenient":         {lenient, `"page interaction"`, `1`, good, now, []string{"invalid_name /name"}, 0, 2 * time.Hour},
		"no data":                  {standard, `"page interaction"`, `"pageview"`, `[]`, now, []string{"invalid_data /data"}, 3, 2 * time.Hour},
		"bad time is not compared": {standard, `"page interaction"`, `"pageview"`, good, `"Feb 30"`, []string{"invalid_timestamp /timestamp"}, 3, 2 * time.Hour},
		"everything":               {standard, `"page interaction"`, `"pageview"`, `{"path": 1}`, `"2027-01-02T03:04:05Z"`, []string{"timestamp_in_future /timestamp", "schema_violation /data/host", "schema_violation /data/path"}, 3, 2 * time.Hour},
		"unusable schema":          {standard, `"broken"`, `"here"`, `{}`, now, []string{"validator_failed /data"}, 5, 9 * time.Hour},
		"envelope before the law":  {standard, `null`, `"pageview"`, `{"host": 1}`, `"2027-01-02T03:04:05Z"`, []string{"invalid_category /category", "timestamp_in_future /timestamp"}, 0, 2 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			ev := sent(t, tc.category, tc.name, tc.data, tc.timestamp)
			envelope := len(ev.Faults)
			s := set(t, tc.policy)
			v := s.Validate(ev, received, "demo")
			var got []string
			for _, f := range v.Faults {
				got = append(got, f.Code+" "+f.Path)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("faults (-want +got):\n%s%v", diff, v.Faults)
			}
			if v.SchemaVersion != tc.version || v.Retention != tc.retention {
				t.Errorf("version %d, retention %s; want %d, %s", v.SchemaVersion, v.Retention, tc.version, tc.retention)
			}
			if diff := cmp.Diff(v, s.Validate(ev, received, "demo")); diff != "" || len(ev.Faults) != envelope {
				t.Errorf("validated again, or the event was changed:\n%s", diff)
			}
		})
	}
}

// The faults of an envelope and of a schema are bounded together, and counted
// once.
func TestValidateBoundsFaults(t *testing.T) {
	s := NewSet(1, DefaultPolicy(), map[Type]Versioned{
		pageview: {Schema: compile(t, `{"required": [`+list(30, `"m%d"`)+`]}`), Revision: 1},
	}, nil)
	v := s.Validate(sent(t, `"page interaction"`, `"pageview"`, `{}`, `null`), received, "demo")
	if len(v.Faults) != event.MaxFaults || v.Faults[0].Code != event.CodeInvalidTimestamp {
		t.Fatalf("%d faults: %v", len(v.Faults), v.Faults)
	}
	if last := v.Faults[event.MaxFaults-1]; last.Message != "12 more faults are not listed" {
		t.Errorf("the last fault says %q", last.Message)
	}
}

func TestSet(t *testing.T) {
	types := map[Type]Versioned{pageview: {Schema: compile(t, pageviewSchema), Revision: 3}, {"a", "b"}: {}}
	s := NewSet(9, DefaultPolicy(), types, nil)
	delete(types, pageview)
	if !s.Known("page interaction", "pageview") || s.Known("page interaction", "") || s.Revision() != 9 || s.Version(pageview) != 3 {
		t.Error("the set is not what was given")
	}
	if diff := cmp.Diff([]Type{{"a", "b"}, pageview}, s.Types()); diff != "" {
		t.Errorf("types (-want +got):\n%s", diff)
	}
}

// Skew and age are inclusive, to the microsecond.
func TestTimestampMayLieAtTheLimits(t *testing.T) {
	p := DefaultPolicy()
	p.FutureSkew, p.OldestAge = time.Minute, time.Hour
	now := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	for at, want := range map[time.Time]string{
		now.Add(time.Minute):                     "",
		now.Add(time.Minute + time.Microsecond):  event.CodeTimestampInFuture,
		now.Add(-time.Hour):                      "",
		now.Add(-time.Hour - time.Microsecond):   event.CodeTimestampTooOld,
		now.In(time.FixedZone("", 3600)):         "",
		time.Date(1, 1, 1, 0, 0, 1, 0, time.UTC): event.CodeTimestampTooOld,
	} {
		ev := sent(t, `"page interaction"`, `"pageview"`, `{"host": "h", "path": "/"}`, `"`+event.FormatTime(at)+`"`)
		got := ""
		for _, f := range set(t, p).Validate(ev, now, "demo").Faults {
			got += f.Code
		}
		if got != want {
			t.Errorf("%s is %q, want %q", at, got, want)
		}
	}
}

// The outcome is a pure function: the event stays as it was, also behind the end
// of its faults, where another Validate may write.
func TestValidateChangesNoEvent(t *testing.T) {
	s := set(t, DefaultPolicy())
	ev := sent(t, `"page interaction"`, `"pageview"`, `{"host": 1}`, `"yesterday"`)
	ev.Faults = append(make([]event.Fault, 0, 8), ev.Faults...)
	data := string(ev.Data)
	first := s.Validate(ev, received, "demo")
	if len(first.Faults) != 3 {
		t.Fatalf("%d faults", len(first.Faults))
	}
	if beside := ev.Faults[:2][1]; beside != (event.Fault{}) || len(ev.Faults) != 1 || string(ev.Data) != data {
		t.Errorf("the event was changed: %v, %v, %s", ev.Faults, beside, ev.Data)
	}
}

// A stored event may still be rejected, as one whose id another content holds.
func TestVerdictHasTheRetentionOfARejection(t *testing.T) {
	p := DefaultPolicy()
	p.Retention = Retention{Stored: time.Hour, Rejected: time.Minute}
	for data, want := range map[string]time.Duration{`{"host": "h", "path": "/"}`: time.Hour, `{}`: time.Minute} {
		v := set(t, p).Validate(sent(t, `"page interaction"`, `"pageview"`, data, `"2026-01-02T03:04:05Z"`), received, "demo")
		if v.Retention != want || v.RejectedRetention != time.Minute {
			t.Errorf("%s is kept %s, and %s when it is rejected", data, v.Retention, v.RejectedRetention)
		}
	}
}
