package api_test

import (
	jsonv1 "encoding/json"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/theeye/theeye/shared/api"
)

// marshal encodes v with both JSON packages, which must agree.
func marshal(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if old, err := jsonv1.Marshal(v); err != nil || string(old) != string(b) {
		t.Errorf("encoding/json: %s, %v; want %s", old, err, b)
	}
	return string(b)
}

func TestTimeIsEncodedToTheMicrosecond(t *testing.T) {
	at := time.Date(2026, 1, 31, 9, 0, 0, 120_000_999, time.FixedZone("", 3600))
	if got, want := marshal(t, api.TimeOf(at)), `"2026-01-31T08:00:00.120000Z"`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	var decoded api.Time
	if err := json.Unmarshal([]byte(`"2026-01-31T09:00:00.12+01:00"`), &decoded); err != nil || api.TimeOf(decoded.Time) != api.TimeOf(at) {
		t.Errorf("%v, %v", decoded, err)
	}
	if got := marshal(t, api.Selection{From: api.TimeOf(time.Time{})}); got != "{}" {
		t.Errorf("the zero time is not absent: %s", got)
	}
	if got := api.TimeOf(at); got.Location() != time.UTC || got.Nanosecond() != 120_000_000 {
		t.Errorf("TimeOf(%v) = %v", at, got.Time)
	}
}

// A time is written the same wherever a text is needed.
func TestTimeHasOneText(t *testing.T) {
	at := api.TimeOf(time.Date(2026, 1, 31, 9, 0, 0, 0, time.FixedZone("", 3600)))
	const want = "2026-01-31T08:00:00.000000Z"
	text, err := at.MarshalText()
	if err != nil || string(text) != want || at.String() != want {
		t.Errorf("%s, %v and %s, want %s", text, err, at, want)
	}
}

func TestCursorIsNullAtTheEnd(t *testing.T) {
	if got := marshal(t, api.Page[api.Event]{Events: []api.Event{}}); got != `{"events":[],"next_cursor":null}` {
		t.Error(got)
	}
	page := api.Page[api.Event]{NextCursor: "stale"}
	if err := json.Unmarshal([]byte(`{"events":[],"next_cursor":null}`), &page); err != nil || page.NextCursor != "" {
		t.Errorf("%q, %v", page.NextCursor, err)
	}
	if err := json.Unmarshal([]byte(`{"next_cursor":"AQ_-"}`), &page); err != nil || page.NextCursor != "AQ_-" {
		t.Errorf("%q, %v", page.NextCursor, err)
	}
}

func TestPathsEscapeTheirSegments(t *testing.T) {
	for got, want := range map[string]string{
		api.EventPath("a/b?c"):                     "/v1/events/a%2Fb%3Fc",
		api.EventPath("a+b c"):                     "/v1/events/a+b%20c",
		api.TracePath("a"):                         "/v1/events/a/trace",
		api.SessionPath("a#b"):                     "/v1/sessions/a%23b",
		api.SchemaPath("a/b", ".."):                "/v1/schemas/a%2Fb/..",
		api.SchemaHistoryPath("page view", "a%2F"): "/v1/schemas/page%20view/a%252F/history",
		api.ApplicationPath("shop"):                "/v1/applications/shop",
		api.KeysPath("shop"):                       "/v1/applications/shop/keys",
		api.KeyPath("shop", "0123"):                "/v1/applications/shop/keys/0123",
		api.TokenPath("é"):                         "/v1/tokens/%C3%A9",
		api.JobPath(api.PathAudits, "1"):           "/v1/audits/1",
		api.JobPath(api.PathReplays, "1/2"):        "/v1/replays/1%2F2",
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestETagHoldsARevision(t *testing.T) {
	for _, revision := range []uint64{0, 12, 1<<64 - 1} {
		if got := api.ParseETag(api.ETag(revision)); got != revision {
			t.Errorf("%s is revision %d", api.ETag(revision), got)
		}
	}
	for _, other := range []string{
		"", `"`, `""`, `"x"`, `"-1"`, `W/"1"`, `1`, `"1`, `1"`, `""1""`, `"01"`, ` "1"`,
		`"18446744073709551616"`, `"99999999999999999999"`,
	} {
		if got := api.ParseETag(other); got != 0 {
			t.Errorf("%q is revision %d", other, got)
		}
	}
}

func TestLastStatesOfAJobAreFinal(t *testing.T) {
	for state, want := range map[api.JobState]bool{
		api.JobQueued: false, api.JobRunning: false, api.JobDone: true, api.JobCancelled: true, api.JobFailed: true, "": false,
	} {
		if got := state.Final(); got != want {
			t.Errorf("%q is final: %t", state, got)
		}
	}
}

// A list of applications that is empty grants nothing, an absent one everything.
func TestNoApplicationsDiffersFromAllApplications(t *testing.T) {
	for want, applications := range map[string][]string{
		`{"id":"a","role":"analyst"}`:                      nil,
		`{"id":"a","role":"analyst","applications":[]}`:    {},
		`{"id":"a","role":"analyst","applications":["x"]}`: {"x"},
	} {
		if got := marshal(t, api.NewToken{ID: "a", Role: api.RoleAnalyst, Applications: applications}); got != want {
			t.Errorf("%s, want %s", got, want)
		}
		var decoded api.NewToken
		if err := json.Unmarshal([]byte(want), &decoded); err != nil || (decoded.Applications == nil) != (applications == nil) {
			t.Errorf("%s became %+v, %v", want, decoded, err)
		}
	}
}

// The members that a client can rely on: those of a value without content. Lists
// among them are empty, never null.
func TestMembersThatAreAlwaysPresent(t *testing.T) {
	const zeroTime = `"0001-01-01T00:00:00.000000Z"`
	for _, c := range []struct {
		v    any
		want string
	}{
		{api.AcceptResponse{}, `{"accepted":0,"refused":0,"results":[]}`},
		{api.EventResult{}, `{"index":0,"status":""}`},
		{api.Event{}, `{"event_id":"","application":"","received_at":` + zeroTime + `,"status":"","content_hash":"","origin":{"epoch":0,"seq":0},"revision":0}`},
		{api.PendingEvent{}, `{"event_id":"","application":"","received_at":` + zeroTime + `,"status":"","origin":{"epoch":0,"seq":0}}`},
		{api.Timeline[api.Event]{}, `{"session_id":"","first":` + zeroTime + `,"last":` + zeroTime + `,"duration_ms":0,"count":0,"entry":null,"exit":null,"events":[],"next_cursor":null}`},
		{api.TypeList{}, `{"from":` + zeroTime + `,"to":` + zeroTime + `,"as_of":` + zeroTime + `,"types":[]}`},
		{api.TypeSummary{}, `{"registered":false,"stored":0,"rejected":0,"share_rejected":0,"series":[]}`},
		{api.Trace{}, `{"application":"","event_id":"","received_at":` + zeroTime + `,"origin":{"epoch":0,"seq":0},"message":"","outcomes":[]}`},
		{api.TracedOutcome{}, `{"basis":"","revision":0,"status":""}`},
		{api.Job{}, `{"id":"","state":"","dry_run":false,"target_revision":0,"selection":{},"done":0,"total":0,"rate":0,"author":"","created_at":` + zeroTime + `}`},
		{api.ReplayRequest{}, `{}`},
		{api.AuditRequest{}, `{}`},
		{api.ReportSample{}, `{"application":"","event_id":"","seq":0,"before":[],"after":[]}`},
		{api.Status{}, `{"stream":{"messages":0,"bytes":0,"max_bytes":0,"first_seq":0,"last_seq":0},"lag":{"events":0,"seconds":0},"processing":{"active":false},"store":{"ready":false},"registry":{"revision":0}}`},
		{api.Problem{}, `{"type":"","title":"","status":0,"code":"","detail":""}`},
		{api.VersionPage{}, `{"versions":[],"next_cursor":null}`},
		{api.TypeVersion{}, `{"category":"","name":"","revision":0,"time":` + zeroTime + `,"author":"","note":""}`},
		{api.ChangedApplication{}, `{"name":"","revision":0}`},
		{api.NewKey{}, `{"id":"","kind":"","secret":""}`},
	} {
		if got, err := json.Marshal(c.v); err != nil || string(got) != c.want {
			t.Errorf("%T: %v\n got %s\nwant %s", c.v, err, got, c.want)
		}
	}
}

// A revision 0 and a missing one are different answers.
func TestRevisionZeroIsPresent(t *testing.T) {
	zero := uint64(0)
	for want, v := range map[string]any{
		`{"type":"","title":"","status":0,"code":"","detail":"","revision":0}`: api.Problem{Revision: &zero},
		`{"ready":true,"revision":0}`:                                          api.StoreStatus{Ready: true, Revision: &zero},
	} {
		if got := marshal(t, v); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
