package outcome_test

import (
	"bytes"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/outcome"
	"github.com/theeye/theeye/shared/outcome/outcometest"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

// personal returns rules whose pageviews hold a personal host, in two versions.
func personal(t *testing.T, policy schema.Policy) *schema.Set {
	t.Helper()
	s, faults := schema.Compile([]byte(`{"required": ["path"], "properties": {"host": {"x-eye-pii": "hash"}}}`))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	return schema.NewSet(9, policy, map[schema.Type]schema.Versioned{
		{Category: "page interaction", Name: "pageview"}: {
			Schema: s, Revision: 7, Earlier: []*schema.Version{schema.NewVersion(4, []byte(`{}`))},
		},
	}, bytes.Repeat([]byte{1}, 32))
}

// What a document keeps of an event with personal values depends on its outcome.
func TestDocumentKeepsPersonalValuesByPolicy(t *testing.T) {
	keeping := schema.DefaultPolicy()
	keeping.Originals.Types = map[schema.Type]string{{Category: "page interaction", Name: "pageview"}: schema.KeepOriginals}
	dropping := schema.DefaultPolicy()
	dropping.Originals.Default = schema.DropOriginals
	const valid, invalid = `{"path":"/","host":"secret.example"}`, `{"host":"secret.example"}`
	ordinary := outcometest.Samples(t, schema.DefaultPolicy())
	for name, tc := range map[string]struct {
		set            outcome.Rules
		data           string
		status         store.Status
		keeps, hasData bool
	}{
		"stored":                      {personal(t, schema.DefaultPolicy()), valid, store.Stored, false, true},
		"rejected":                    {personal(t, schema.DefaultPolicy()), invalid, store.Rejected, false, false},
		"stored, kept by policy":      {personal(t, keeping), valid, store.Stored, true, true},
		"rejected, kept by policy":    {personal(t, keeping), invalid, store.Rejected, true, true},
		"nothing personal":            {ordinary, invalid, store.Rejected, true, true},
		"nothing personal, dropped":   {outcometest.Samples(t, dropping), invalid, store.Rejected, false, false},
		"the validator panics":        {outcometest.Panicking{Rules: personal(t, schema.DefaultPolicy()), Mark: "secret"}, valid, store.Rejected, false, false},
		"the validator panics, kept":  {outcometest.Panicking{Rules: ordinary, Mark: "secret"}, valid, store.Rejected, true, false},
		"the validator always panics": {outcometest.Panicking{Rules: ordinary}, valid, store.Rejected, false, false},
	} {
		m := message(outcometest.Event("event_id", `"a"`, "data", tc.data))
		d := evaluate(m, tc.set, 5)
		if d.Status != tc.status || (d.Original != nil) != tc.keeps || (d.Data != nil) != tc.hasData {
			t.Errorf("%s: %s with data %s and original %s", name, d.Status, d.Data, d.Original)
		}
		if d.Original != nil && !bytes.Equal(d.Original, m.Payload) {
			t.Errorf("%s: another original: %s", name, d.Original)
		}
		if strings.Contains(string(d.Data), "secret") && tc.set != outcome.Rules(ordinary) {
			t.Errorf("%s: kept %s", name, d.Data)
		}
	}
}

// An event with a member that no event has is rejected with its original, and stored
// by a policy that drops such members: a replay after the change of the policy
// replaces the document.
func TestPolicyDecidesOnUnknownMembers(t *testing.T) {
	raw := strings.Replace(outcometest.Event(), "{", `{"user_id":"u1",`, 1)
	dropping := schema.DefaultPolicy()
	dropping.UnknownMembers = schema.DropUnknown
	rejected, stored := evaluate(message(raw), outcometest.Samples(t, schema.DefaultPolicy()), 5), evaluate(message(raw), outcometest.Samples(t, dropping), 5)
	if rejected.Status != store.Rejected || string(rejected.Original) != raw || rejected.Errors[0].Path != "/user_id" || rejected.Data == nil {
		t.Errorf("rejected: %+v", rejected)
	}
	if stored.Status != store.Stored || stored.ID != rejected.ID || stored.ContentHash != rejected.ContentHash {
		t.Errorf("stored: %+v", stored)
	}
}

// A corrected timestamp is that of the document; the identity is made of the event as
// it was sent, so that a retry with another sent_at is the same event.
func TestDocumentHasTheCorrectedClock(t *testing.T) {
	set := outcometest.Samples(t, schema.DefaultPolicy())
	fast := outcometest.ReceivedAt().Add(10 * time.Minute)
	plain := message(outcometest.Event("timestamp", `"`+event.FormatTime(fast)+`"`))
	batch := plain
	batch.Header = maps.Clone(plain.Header)
	batch.Header[stream.HeaderSentAt] = []string{event.FormatTime(fast)}

	rejected, stored := evaluate(plain, set, 5), evaluate(batch, set, 5)
	if rejected.Status != store.Rejected || !rejected.Timestamp.Equal(fast.Truncate(time.Microsecond)) || rejected.ClockOffsetMS != 0 {
		t.Errorf("without sent_at: %s at %s, moved by %d", rejected.Status, rejected.Timestamp, rejected.ClockOffsetMS)
	}
	moved := fast.Truncate(time.Microsecond).Add(-10 * time.Minute)
	if stored.Status != store.Stored || !stored.Timestamp.Equal(moved) || stored.ClockOffsetMS != -600_000 {
		t.Errorf("with sent_at: %s %v at %s, moved by %d", stored.Status, stored.Errors, stored.Timestamp, stored.ClockOffsetMS)
	}
	if stored.ContentHash != rejected.ContentHash || stored.EventID != rejected.EventID || stored.ID != rejected.ID {
		t.Errorf("sent_at changes the identity: %s, %s", stored.ID, rejected.ID)
	}
	// Also an event on which the validator panics.
	failed := evaluate(batch, outcometest.Panicking{Rules: set, Mark: ""}, 5)
	if failed.Status != store.Rejected || failed.Timestamp.IsZero() {
		t.Errorf("with a failed validator: %s at %s", failed.Status, failed.Timestamp)
	}
}

// A document has the version that the event names and the one that validated it.
func TestDocumentHasSentAndValidatingVersion(t *testing.T) {
	set := personal(t, schema.DefaultPolicy())
	for _, tc := range []struct {
		member           string
		sent, validated  int64
		code             string
		panics, complete bool
	}{
		{member: "absent", validated: 7, complete: true},
		{member: "7", sent: 7, validated: 7, complete: true},
		{member: "4", sent: 4, validated: 4, complete: true},
		{member: "5", sent: 5, code: event.CodeUnknownSchemaVersion},
		{member: "4", sent: 4, code: event.CodeValidatorFailed, panics: true},
		{member: `"4"`, validated: 7, code: event.CodeInvalidSchemaVersion},
	} {
		var rules outcome.Rules = set
		if tc.panics {
			rules = outcometest.Panicking{Rules: set, Mark: "www"}
		}
		d := evaluate(message(outcometest.Event("event_id", `"a"`, "schema_version", tc.member)), rules, 5)
		code := ""
		if len(d.Errors) > 0 {
			code = d.Errors[0].Code
		}
		if d.SentSchemaVersion != tc.sent || d.SchemaVersion != tc.validated || code != tc.code || (d.Status == store.Stored) != tc.complete {
			t.Errorf("schema_version %s: sent %d, validated by %d, %v", tc.member, d.SentSchemaVersion, d.SchemaVersion, d.Errors)
		}
	}
}
