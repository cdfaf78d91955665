package collector

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/event"
)

// Validation answers with the outcome that the processor would decide, and
// stores nothing.
func TestValidatesLikeTheProcessor(t *testing.T) {
	f := newFixture(t)
	future := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	change := func(old, replacement string) string {
		return strings.Replace(string(click("v")), old, replacement, 1)
	}
	cases := []struct {
		event, status string
		codes         []string
	}{
		{string(click("v")), api.StatusStored, nil},
		{`{"a": 1, "a": 2}`, api.StatusRefused, []string{event.CodeDuplicateKey}},
		{`[1]`, api.StatusRefused, []string{event.CodeNotObject}},
		{`{"batch": [{}]}`, api.StatusRefused, []string{event.CodeNotAnEvent}},
		{change(`"v"`, `"v", "user_id": "u"`), api.StatusRejected, []string{event.CodeUnknownMember}},
		{change(`"/"`, `"\ud83d"`), api.StatusRejected, []string{event.CodeInvalidText}},
		{change(`"cta click"`, `"unheard of"`), api.StatusRejected, []string{event.CodeUnknownType}},
		{change(`"element": "chat bubble"`, `"element": 1`), api.StatusRejected, []string{event.CodeSchemaViolation}},
		{change(`2021-01-01 09:15:27.243860`, future), api.StatusRejected, []string{event.CodeTimestampInFuture}},
		{change(`"v"`, `7`), api.StatusRejected, []string{event.CodeInvalidEventID}},
		{`{}`, api.StatusRejected, []string{
			event.CodeInvalidSessionID, event.CodeInvalidCategory, event.CodeInvalidName, event.CodeInvalidData, event.CodeInvalidTimestamp,
		}},
		{`{"event_id": "` + strings.Repeat("x", 300) + `"}`, api.StatusRejected, nil},
	}
	var events []string
	for _, c := range cases {
		events = append(events, c.event)
	}
	r := f.send(api.PathValidate, []byte("["+strings.Join(events, ",")+"]"))
	if r.status != http.StatusOK || len(r.Results) != len(cases) {
		t.Fatalf("answer %d %s", r.status, r.text)
	}
	for i, c := range cases {
		got := r.Results[i]
		var codes []string
		for _, e := range got.Errors {
			codes = append(codes, e.Code)
			if e.Message == "" {
				t.Errorf("event %d: error %+v without a message", i, e)
			}
		}
		if c.status == api.StatusRefused {
			codes = []string{got.Code}
		}
		if got.Status != c.status || got.Index != i || (got.EventID == "") != (c.status == api.StatusRefused) ||
			c.codes != nil && fmt.Sprint(codes) != fmt.Sprint(c.codes) {
			t.Errorf("event %s: %+v, want %s %v", c.event, got, c.status, c.codes)
		}
	}
	if n := f.messageCount(); n != 0 {
		t.Errorf("%d events are stored", n)
	}
	if r := f.send(api.PathValidate, gzipped(click("z"))); r.status != http.StatusOK || r.Results[0].Status != api.StatusStored {
		t.Errorf("compressed: %d %s", r.status, r.text)
	}
}

// The answer is bounded for any number of faults.
func TestValidateIsBounded(t *testing.T) {
	f := newFixture(t)
	f.declareArray()
	body := `{"session_id": "e2085be5-9137-4e4e-80b5-f1ffddc25423", "category": "c", "name": "n", "timestamp": "2021-01-01 09:15:27", ` +
		`"data": {"a": [` + strings.Repeat("1,", 9000) + `1]}}`
	r := f.send(api.PathValidate, []byte(body))
	if r.status != http.StatusOK || r.Results[0].Status != api.StatusRejected {
		t.Fatalf("answer %d %.300s", r.status, r.text)
	}
	if n := len(r.Results[0].Errors); n == 0 || n > event.MaxFaults || len(r.text) > event.MaxFaultBytes+4096 {
		t.Errorf("%d errors in %d bytes", n, len(r.text))
	}
}

// A batch with sent_at is judged with its clock corrected, and the answer says by
// how much.
func TestValidateCorrectsTheClock(t *testing.T) {
	now := time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
	f := newFixture(t, func(c *Config) { c.Now = func() time.Time { return now } })
	fast := now.Add(10 * time.Minute).Format(time.RFC3339)
	event1 := strings.Replace(string(click("v")), "2021-01-01 09:15:27.243860", fast, 1)
	for body, want := range map[string]api.EventResult{
		`{"events": [` + event1 + `], "sent_at": "` + fast + `"}`: {EventID: "v", Status: api.StatusStored, ClockOffsetMS: -600_000},
		`{"events": [` + event1 + `], "sent_at": 1778051889}`:     {EventID: "v", Status: api.StatusRejected},
		`[` + event1 + `]`: {EventID: "v", Status: api.StatusRejected},
	} {
		r := f.send(api.PathValidate, []byte(body))
		if r.status != http.StatusOK || len(r.Results) != 1 {
			t.Fatalf("%s: %d %s", body, r.status, r.text)
		}
		got := r.Results[0]
		if got.Status != want.Status || got.ClockOffsetMS != want.ClockOffsetMS {
			t.Errorf("%s: %+v, want %+v", body, got, want)
		}
	}
}

// costlyClick is an event that takes a fifth of the work of one request to validate.
func costlyClick(id string) []byte {
	return fmt.Appendf(nil, `{"event_id": %q, "session_id": "e2085be5-9137-4e4e-80b5-f1ffddc25423", "category": "costly", "name": "text",
		"data": {"text": %q}, "timestamp": "2026-01-02T03:04:05Z"}`, id, strings.Repeat("a", 40_000)+"c")
}

func (f *fixture) declareCostly() {
	f.applyFiles(fstest.MapFS{"schemas/costly/text.json": {Data: []byte(`{"properties": {"text": {"pattern": "[ab]{140}c"}}}`)}})
	f.waitUntil("the service knows the type", func() bool {
		return f.service.registry.Snapshot().Schemas.Known("costly", "text")
	})
}

// Costly validations take turns: one of an application at a time, others wait for
// their turn, and what costs little waits for none.
func TestCostlyValidationsTakeTurns(t *testing.T) {
	f := newFixture(t)
	f.declareCostly()
	free := cap(f.service.turns.turns)
	for range free { // other applications are validating
		f.noError(f.service.turns.take(f.ctx(), fmt.Sprint("busy", free)))
		f.service.turns.leave(fmt.Sprint("busy", free))
	}
	answers := make(chan answer, 1)
	go func() {
		a, err := f.trySend(api.PathValidate, costlyClick("a"))
		if err != nil {
			t.Error(err)
		}
		answers <- a
	}()
	f.waitUntil("it waits for its turn", func() bool {
		f.service.turns.mu.Lock()
		defer f.service.turns.mu.Unlock()
		return len(f.service.turns.applications) == 1
	})
	if r := f.send(api.PathValidate, costlyClick("b")); r.status != http.StatusTooManyRequests || r.header.Get("Retry-After") == "" {
		t.Errorf("a second one of the application: %d %s", r.status, r.text)
	}
	if r := f.send(api.PathValidate, click("c")); r.status != http.StatusOK {
		t.Errorf("one that costs little: %d %s", r.status, r.text)
	}
	if r := f.send(api.PathEvents, costlyClick("d")); r.status != http.StatusAccepted {
		t.Errorf("an event is not accepted: %d %s", r.status, r.text)
	}
	for range free {
		<-f.service.turns.turns
	}
	if a := <-answers; a.status != http.StatusOK || a.Results[0].Status != api.StatusStored {
		t.Errorf("after its turn: %d %s", a.status, a.text)
	}
	if n := len(f.service.turns.turns) + len(f.service.turns.applications); n != 0 {
		t.Errorf("%d turns are taken still", n)
	}
}

// A request has a bound of work; one event of any cost has its outcome.
func TestValidateIsBoundedInWork(t *testing.T) {
	f := newFixture(t)
	f.declareCostly()
	many := "[" + strings.TrimSuffix(strings.Repeat(string(costlyClick("a"))+",", 9), ",") + "]"
	r := f.send(api.PathValidate, []byte(many))
	if r.status != http.StatusRequestEntityTooLarge || !strings.Contains(r.text, api.CodeTooCostly) || !strings.Contains(r.text, "send fewer") {
		t.Errorf("many costly events: %d %.300s", r.status, r.text)
	}
	long := strings.Replace(string(costlyClick("b")), "aaaa", strings.Repeat("a", 900_000), 1)
	if r := f.send(api.PathValidate, []byte(long)); r.status != http.StatusOK || r.Results[0].Errors[0].Code != event.CodeTooCostly {
		t.Errorf("an event that costs too much: %d %.300s", r.status, r.text)
	}
	if n := len(f.service.turns.turns) + len(f.service.turns.applications); n != 0 {
		t.Errorf("%d turns are taken still", n)
	}
}

// Events of every format are validated as the routes of that format take them, enabled or
// not, and each result says what the event became.
func TestValidateTranslatesOtherFormats(t *testing.T) {
	f := newFixture(t)
	const session = `"session_id":"e2085be5-9137-4e4e-80b5-f1ffddc25423"`
	violation := event.CodeSchemaViolation
	for name, c := range map[string]struct {
		format, body string
		headers      []string
		status       string
		event, code  string
	}{
		"structured": {
			"cloudevents", `{"specversion":"1.0","id":"1","source":"/a","sessionid":"e2085be5-9137-4e4e-80b5-f1ffddc25423","type":"page interaction.pageview","time":"2026-05-06T07:08:08Z"}`,
			nil, api.StatusRejected, `{` + session + `,"category":"page interaction","name":"pageview","data":{"id":"1","source":"/a"},"timestamp":"2026-05-06T07:08:08.000000Z"}`, violation,
		},
		"binary": {
			"cloudevents", `{"host":"a"}`,
			[]string{"Ce-Specversion", "1.0", "Ce-Id", "1", "Ce-Source", "/a", "Ce-Type", "x.y", "Ce-Time", "2026-05-06T07:08:08Z", "Ce-Sessionid", "e2085be5-9137-4e4e-80b5-f1ffddc25423"},
			api.StatusRejected, `{` + session + `,"category":"x","name":"y","data":{"id":"1","source":"/a","data":{"host":"a"}},"timestamp":"2026-05-06T07:08:08.000000Z"}`, event.CodeUnknownType,
		},
		"segment": {
			"segment", `{"batch":[{"type":"track","event":"e","messageId":"m","context":{"sessionId":"e2085be5-9137-4e4e-80b5-f1ffddc25423"},"timestamp":"2026-05-06T07:08:08Z"}],"writeKey":"` + serverKey + `"}`,
			[]string{"X-Write-Key", "-"},
			api.StatusRejected,
			`{` + session + `,"category":"track","name":"e","data":{"messageId":"m","context":{"sessionId":"e2085be5-9137-4e4e-80b5-f1ffddc25423"}},"timestamp":"2026-05-06T07:08:08.000000Z"}`, event.CodeUnknownType,
		},
		"snowplow": {
			"snowplow", `{"data":[{"e":"se","se_ca":"page interaction","se_ac":"pageview","sid":"e2085be5-9137-4e4e-80b5-f1ffddc25423","host":"a","path":"/","dtm":"1778051288000"}]}`, nil,
			api.StatusStored, `{` + session + `,"category":"page interaction","name":"pageview","data":{"e":"se","host":"a","path":"/"},"timestamp":"2026-05-06T07:08:08.000000Z"}`, "",
		},
		"snowplow in a query": {
			"snowplow&e=pv&dtm=1778051288000&sid=e2085be5-9137-4e4e-80b5-f1ffddc25423&aid=" + serverKey, ``,
			[]string{"X-Write-Key", "-"},
			api.StatusRejected, `{` + session + `,"category":"com.snowplowanalytics.snowplow","name":"page_view","data":{"e":"pv"},"timestamp":"2026-05-06T07:08:08.000000Z"}`, event.CodeUnknownType,
		},
		"pixel": {
			"pixel&category=page%20interaction&name=pageview&d.host=a&d.path=/&session_id=e2085be5-9137-4e4e-80b5-f1ffddc25423&timestamp=2026-05-06", ``, nil,
			api.StatusRejected, `{` + session + `,"category":"page interaction","name":"pageview","data":{"host":"a","path":"/"}}`, event.CodeInvalidTimestamp,
		},
		"faults": {"snowplow", `{"data":[{"e":"xx"}]}`, nil, api.StatusRejected, "", event.CodeInvalidSessionID},
		"broken": {"snowplow", `{"data":[{"e":"xx","e":"xx"}]}`, nil, api.StatusRefused, "", ""},
		"native": {"native", string(click("a")), nil, api.StatusStored, "", ""},
	} {
		r := f.send(api.PathValidate+"?format="+c.format, []byte(c.body), c.headers...)
		if r.status != http.StatusOK || len(r.Results) != 1 || r.Results[0].Status != c.status {
			t.Errorf("%s: answer %d %s", name, r.status, r.text)
			continue
		}
		if c.event != "" && !strings.Contains(r.text, `"event":`+c.event+`}`) {
			t.Errorf("%s became %s", name, r.text)
		}
		if c.code != "" && (len(r.Results[0].Errors) == 0 || r.Results[0].Errors[0].Code != c.code) {
			t.Errorf("%s has the errors %v", name, r.Results[0].Errors)
		}
	}
	f.send(api.PathValidate+"?format=avro", click("a")).wantProblem(t, http.StatusBadRequest, api.CodeInvalidParameter)
	if r := f.send(api.PathValidate+"?format=segment", []byte(`{"batch":[`+trackMessage+`]}`), "X-Write-Key", otherKey); r.status != http.StatusOK {
		t.Errorf("an application without the adapter is answered %d %s", r.status, r.text)
	}
	if n := f.messageCount(); n != 0 {
		t.Errorf("%d messages are stored", n)
	}
}
