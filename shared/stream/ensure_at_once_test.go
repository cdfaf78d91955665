package stream_test

import (
	"sync"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/theeye/theeye/shared/natsd/natstest"
	"github.com/theeye/theeye/shared/stream"
)

// Processes that start at one moment on a new server all succeed, also where it has
// no more space than the streams need once.
func TestProcessesEnsureStreamsAtOnce(t *testing.T) {
	c := stream.Config{MaxBytes: 10 << 30}
	n := natstest.Start(t, func(o *server.Options) { o.JetStreamMaxStore = c.StoreBytes() })
	var processes sync.WaitGroup
	for range 8 {
		js := n.JetStream()
		processes.Go(func() {
			if err := stream.Ensure(t.Context(), js, c); err != nil {
				t.Error(err)
			}
		})
	}
	processes.Wait()
}
