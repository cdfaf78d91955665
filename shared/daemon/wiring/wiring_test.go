package wiring_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/shared/daemon/wiring"
	"github.com/theeye/theeye/shared/heartbeat"
	"github.com/theeye/theeye/shared/natsd/natstest"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/stream"
)

func TestMain(m *testing.M) { natstest.VerifyTestMain(m) }

// service runs until its context ends. Then it returns the beats that are live.
type service struct {
	live   func() ([]heartbeat.Beat, error)
	last   []heartbeat.Beat
	closed bool
}

func (s *service) Ready() []daemon.Check { return nil }

func (s *service) Close() error { s.closed = true; return nil }

func (s *service) Run(ctx context.Context) (err error) {
	<-ctx.Done()
	s.last, err = s.live()
	return err
}

// newProcess returns a process with a backbone over a server with all buckets.
func newProcess(t *testing.T) (*daemon.Process, *wiring.Backbone, *service) {
	t.Helper()
	p := daemon.NewProcess("collector", io.Discard, slog.LevelInfo)
	srv := natstest.Start(t, natstest.Listening())
	conn, js, err := wiring.Connect(p, daemon.NATSSettings{NATSURL: daemon.ServerURL{Value: srv.ClientURL()}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	for !conn.IsConnected() {
		if err := conn.FlushTimeout(time.Second); ctx.Err() != nil {
			t.Fatal(err)
		}
	}
	if err := stream.Ensure(ctx, js, stream.Config{MaxBytes: 1 << 20}); err != nil {
		t.Fatal(err)
	}
	b := wiring.New(registry.Config{JetStream: js, Needs: registry.NeedSchemas, Logger: p.Logger}, p.Metrics)
	s := &service{live: func() ([]heartbeat.Beat, error) { return heartbeat.List(ctx, js) }}
	return p, b, s
}

// adminAt returns settings with an address of the admin listener.
func adminAt(address string) daemon.Common {
	return daemon.Common{AdminListen: daemon.Address{Value: address}}
}

// The heartbeat of a service is live until the service has stopped, and is
// removed then.
func TestHeartbeatStopsAfterTheService(t *testing.T) {
	p, b, s := newProcess(t)
	b.AddHeartbeat(heartbeat.Config{Service: p.Name, Logger: p.Logger})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	waitForBeat := daemon.Step{Name: "wait", Run: func(ctx context.Context) error {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			if beats, err := s.live(); err != nil || len(beats) == 1 {
				cancel()
				<-ctx.Done()
				return err
			}
			<-tick.C
		}
	}}
	if err := b.Serve(ctx, p, adminAt("127.0.0.1:0"), s, waitForBeat); err != nil {
		t.Fatal(err)
	}
	if len(s.last) != 1 || s.last[0].Service != "collector" {
		t.Errorf("at the end of the service the live beats are %+v", s.last)
	}
	if beats, err := s.live(); err != nil || len(beats) != 0 {
		t.Errorf("after the end of the process the live beats are %+v, %v", beats, err)
	}
	if s.closed {
		t.Error("a service that ran is closed")
	}
}

// A service that cannot be run because the admin address is in use is closed.
func TestServeClosesServiceWithoutAdminListener(t *testing.T) {
	p, b, s := newProcess(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	err = b.Serve(t.Context(), p, adminAt(l.Addr().String()), s)
	if err == nil || !strings.Contains(err.Error(), l.Addr().String()) || !s.closed {
		t.Errorf("Serve = %v, closed %t", err, s.closed)
	}
}

func TestConnectRejectsInvalidURL(t *testing.T) {
	p := daemon.NewProcess("collector", io.Discard, slog.LevelInfo)
	_, _, err := wiring.Connect(p, daemon.NATSSettings{NATSURL: daemon.ServerURL{Value: "nats://%zz"}})
	if !errors.Is(err, daemon.ErrUsage) || !strings.Contains(err.Error(), "EYE_NATS_URL") {
		t.Errorf("Connect = %v", err)
	}
}

// hangingStore closes only when its context ends.
type hangingStore struct{}

func (hangingStore) Close(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }

// A store is closed also after the end of the process's context, and the wait is
// bounded.
func TestCloseStoreIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		began := time.Now()
		err := wiring.CloseStore(ended, hangingStore{})
		if waited := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || waited != 2*time.Second {
			t.Errorf("CloseStore = %v after %s", err, waited)
		}
	})
}
