package processor

import (
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// Every event of a test was received at one time, on which no clock has a say.
var receivedAt = time.Date(2026, 5, 6, 7, 8, 9, 123456789, time.UTC)

// with is a valid page view with members replaced; null removes one.
func with(members ...string) string {
	all := map[string]string{
		"session_id": `"e2085be5-9137-4e4e-80b5-f1ffddc25423"`,
		"category":   `"page interaction"`,
		"name":       `"pageview"`,
		"data":       `{"host":"www.example.com","path":"/"}`,
		"timestamp":  `"2026-05-06 07:08:09.123456"`,
	}
	order := []string{"event_id", "session_id", "category", "name", "data", "timestamp"}
	for i := 0; i < len(members); i += 2 {
		all[members[i]] = members[i+1]
	}
	var b strings.Builder
	for _, name := range order {
		if text := all[name]; text != "" && text != "absent" {
			fmt.Fprintf(&b, `,%q:%s`, name, text)
		}
	}
	return "{" + b.String()[1:] + "}"
}

// pageview is a valid event with an id.
func pageview(id string) string { return with("event_id", fmt.Sprintf("%q", id)) }

// pageviews are n events with the ids <prefix>0000 and on.
func pageviews(prefix string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = pageview(fmt.Sprintf("%s%04d", prefix, i))
	}
	return out
}

// publishAll publishes many events at once.
func (w *world) publishAll(payloads []string) {
	w.t.Helper()
	msgs := make([]*nats.Msg, len(payloads))
	for i, p := range payloads {
		msgs[i] = accepted("demo", p)
	}
	w.publishMsg(msgs...)
}
