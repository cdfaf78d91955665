package collector

import (
	"context"

	"github.com/nats-io/nats.go"

	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/shared/daemon/wiring"
	"github.com/theeye/theeye/shared/heartbeat"
	"github.com/theeye/theeye/shared/registry"
)

// Settings are the settings of a collector process.
type Settings struct {
	Listen daemon.Address `env:"EYE_LISTEN" default:"127.0.0.1:8080" placeholder:"HOST:PORT" help:"Address on which events are accepted (${default})."`
	daemon.NATSSettings
	daemon.BodySettings
	daemon.Common
}

// Run is a collector process: it connects the service to a separate NATS server
// and serves until ctx ends. Stream and registry need not exist yet; until they
// do, requests are answered 503.
func Run(ctx context.Context, p *daemon.Process, s *Settings) error {
	// Without a connection nothing is buffered: its requests are answered 503.
	conn, js, err := wiring.Connect(p, s.NATSSettings, nats.ReconnectBufSize(-1))
	if err != nil {
		return err
	}
	defer conn.Close()
	b := wiring.New(registry.Config{
		JetStream: js, Needs: registry.NeedSchemas | registry.NeedApplications, Logger: p.Logger,
	}, p.Metrics)
	service, err := New(Config{ //nolint:contextcheck // binding needs none
		Listen: s.Listen.Value, JetStream: js, Conn: conn, Registry: b.Registry, Logger: p.Logger, Metrics: p.Metrics,
		Limits: Limits{BodyPace: s.Pace()},
	})
	if err != nil {
		return err
	}
	b.AddHeartbeat(heartbeat.Config{Service: p.Name, Logger: p.Logger})
	return b.Serve(ctx, p, s.Common, service)
}
