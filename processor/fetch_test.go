package processor

import (
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A server that has just started answers before JetStream does: that is a
// consumer to wait for, not a reason to end.
func TestPullBeforeJetStreamIsThere(t *testing.T) {
	srv, err := server.NewServer(&server.Options{DontListen: true, NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	t.Cleanup(func() { srv.Shutdown(); srv.WaitForShutdown() })
	if !srv.ReadyForConnections(patience) {
		t.Fatal("nats-server is not ready")
	}
	nc, err := nats.Connect("", nats.InProcessServer(srv), nats.Timeout(10*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
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
