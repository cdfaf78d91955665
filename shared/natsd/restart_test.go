package natsd

import (
	"net"
	"strings"
	"testing"
)

// A server that does not start again at once is tried until it does: here its
// port is taken meanwhile.
func TestRestartIsTriedAgain(t *testing.T) {
	s := start(t, Config{Dir: t.TempDir(), Listen: "127.0.0.1:0"})
	nc, err := s.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	publish(t, nc, 3)
	addr := strings.TrimPrefix(s.ClientURL(), "nats://")

	srv := s.running()
	s.mu.Lock()
	s.current = nil
	s.mu.Unlock()
	if err := stop(srv); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.restart(); err != nil {
		t.Fatalf("restart gives up: %v", err)
	}
	if err := s.Guard(); err == nil {
		t.Error("a server that is down may be published to")
	}
	if s.ClientURL() != "" {
		t.Error("a server that is down has an address")
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	run(t, s)
	await(t, "Guard", s.Guard)
	await(t, "publishing", func() error { return tryPublish(nc) })
	if got := stored(t, nc); got < 4 {
		t.Errorf("%d of 4 messages", got)
	}
}
