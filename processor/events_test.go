package processor

import (
	"fmt"

	"github.com/nats-io/nats.go"

	"github.com/theeye/theeye/shared/outcome/outcometest"
)

// Every event of a test was received at one time, on which no clock has a say.
// pageviews are n events with the ids <prefix>0000 and on.
func pageviews(prefix string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = outcometest.Pageview(fmt.Sprintf("%s%04d", prefix, i))
	}
	return out
}

// publishAll publishes many events at once.
func (w *world) publishAll(payloads []string) {
	w.t.Helper()
	msgs := make([]*nats.Msg, len(payloads))
	for i, p := range payloads {
		msgs[i] = outcometest.Message("demo", p)
	}
	w.publishMsg(msgs...)
}
