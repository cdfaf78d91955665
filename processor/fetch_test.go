package processor

import (
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/natsd/natstest"
)

// A server that is starting answers before its JetStream does. The processor waits for
// the consumer then, and does not stop.
func TestPullBeforeJetStreamStartsIsARetryableError(t *testing.T) {
	srv := natstest.Start(t, func(o *server.Options) { o.JetStream = false })
	nc := srv.Connect(nats.Timeout(10 * time.Second))
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	p, err := newPuller(nc, js, 10, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if msgs, err := p.pullBatch(t.Context()); !errors.Is(err, errNoConsumer) || len(msgs) != 0 {
		t.Errorf("pull = %d messages, %v, want errNoConsumer", len(msgs), err)
	}
}
