// Package outcometest makes events, messages and rules for tests of packages that
// evaluate them.
package outcometest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/format/native"
	"github.com/theeye/theeye/shared/outcome"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/stream"
)

// ReceivedAt returns the received time of every Message.
func ReceivedAt() time.Time { return time.Date(2026, 5, 6, 7, 8, 9, 123456789, time.UTC) }

// Event returns the JSON of a pageview. Pairs of name and JSON replace its members;
// the JSON "absent" removes one.
func Event(members ...string) string {
	all := map[string]string{
		"session_id": `"e2085be5-9137-4e4e-80b5-f1ffddc25423"`,
		"category":   `"page interaction"`,
		"name":       `"pageview"`,
		"data":       `{"host":"www.example.com","path":"/"}`,
		"timestamp":  `"2026-05-06 07:08:09.123456"`,
	}
	order := []string{"event_id", "session_id", "category", "name", "data", "timestamp", "schema_version"}
	for pair := range slices.Chunk(members, 2) {
		all[pair[0]] = pair[1]
	}
	var b strings.Builder
	for _, name := range order {
		if text := all[name]; text != "" && text != "absent" {
			fmt.Fprintf(&b, `,%q:%s`, name, text)
		}
	}
	return "{" + b.String()[1:] + "}"
}

// Pageview returns the JSON of a pageview with an id.
func Pageview(id string) string { return Event("event_id", fmt.Sprintf("%q", id)) }

// Message returns an event as a collector publishes it when the registry does not
// know its type.
func Message(application, payload string) *nats.Msg {
	m := stream.Message{
		Application: application, ReceivedAt: ReceivedAt(), Format: native.Name, Payload: []byte(payload),
	}
	if head, refusal := native.Inspect(m.Payload); refusal == nil && head.Derived {
		m.DerivedID = head.EventID
	}
	return m.Msg(stream.Unregistered(application))
}

// Samples returns rules with two of the sample types and a policy, at revision 9.
// It needs no registry.
func Samples(t testing.TB, policy schema.Policy) *schema.Set {
	t.Helper()
	types := map[schema.Type]schema.Versioned{}
	for typ, text := range map[schema.Type]string{
		{Category: "page interaction", Name: "pageview"}: `{"type":"object","required":["host","path"],
			"properties":{"host":{"type":"string"},"path":{"type":"string"}}}`,
		{Category: "form interaction", Name: "submit"}: `{"type":"object","required":["host","path","form"],
			"properties":{"form":{"type":"object","additionalProperties":{"type":"string"}}}}`,
	} {
		s, faults := schema.Compile([]byte(text))
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		types[typ] = schema.Versioned{Schema: s, Revision: 7}
	}
	return schema.NewSet(9, policy, types, nil)
}

// Panicking validates by the rules that it wraps, and panics on events whose data
// contain Mark.
type Panicking struct {
	outcome.Rules
	Mark string
}

// ValidateWithin implements outcome.Rules.
func (p Panicking) ValidateWithin(
	ev *event.Event, received time.Time, application string, limit schema.Work,
) (schema.Verdict, bool) {
	if strings.Contains(string(ev.Data), p.Mark) {
		panic(p.Mark)
	}
	return p.Rules.ValidateWithin(ev, received, application, limit)
}
