package replays

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/heartbeat"
	"github.com/theeye/theeye/shared/stream"
)

// jetStream is a connection of the test's own.
func (s *site) jetStream() jetstream.JetStream {
	s.t.Helper()
	nc, err := s.NATS.Connect("processor", nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		s.t.Fatal(err)
	}
	return js
}

// quiet waits until every accepted event has an outcome and no processor has a
// batch in flight, by the state of NATS: no more documents will be written.
func (s *site) quiet(d time.Duration) {
	s.t.Helper()
	js, begun := s.jetStream(), time.Now()
	s.insist(d, "the processors come to their end", func(ctx context.Context) error {
		c, err := js.Consumer(ctx, stream.Name, stream.Consumer)
		if err != nil {
			return err
		}
		if i := c.CachedInfo(); i.NumPending != 0 || i.NumAckPending != 0 {
			return fmt.Errorf("%d events wait, %d are in work", i.NumPending, i.NumAckPending)
		}
		beats, err := heartbeat.List(ctx, js)
		if err != nil {
			return err
		}
		return idle(beats, begun, len(s.ProcessorAdmins))
	})
}

// idle returns nil if so many processors have reported since then that they have
// no batch in flight.
func idle(beats []heartbeat.Beat, since time.Time, processors int) error {
	found := 0
	for _, b := range beats {
		if b.Service != "processor" {
			continue
		}
		if b.OldestRevision != 0 {
			return fmt.Errorf("%s has events of revision %d in hand", b.Instance, b.OldestRevision)
		}
		if b.SeenAt.After(since) {
			found++
		}
	}
	if found < processors {
		return fmt.Errorf("%d of %d processors have said what they have in hand", found, processors)
	}
	return nil
}

// wrong returns the findings that time does not resolve: wrong outcomes. An event
// without an outcome may still get one.
func wrong(findings []string) (out []string) {
	for _, f := range findings {
		if !strings.HasPrefix(f, "missing") && !strings.HasPrefix(f, "conflict") {
			out = append(out, f)
		}
	}
	return out
}
