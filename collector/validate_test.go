package collector

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
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
