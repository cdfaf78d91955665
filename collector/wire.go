package collector

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/shared/heartbeat"
	"github.com/theeye/theeye/shared/registry"
)

// settings are what a collector process reads from its environment.
type settings struct {
	natsURL, listen, adminListen string
}

func readSettings(env *daemon.Env) (settings, error) {
	s := settings{
		natsURL:     env.Required("EYE_NATS_URL"),
		listen:      env.Address("EYE_LISTEN", "127.0.0.1:8080"),
		adminListen: env.Address("EYE_ADMIN_LISTEN", daemon.DefaultAdminListen("collector")),
	}
	return s, env.Err()
}

// Run is a collector process: it connects the service to a separate NATS and
// serves until ctx ends. Stream and registry need not be there yet; until they
// are, requests are answered 503.
func Run(ctx context.Context, p *daemon.Process) error {
	set, err := readSettings(p.Env)
	if err != nil {
		return err
	}
	// No buffer for the time without a connection: what would be in it is
	// answered 503 anyway.
	conn, err := daemon.ConnectNATS(set.natsURL, p.Name, p.Logger, nats.ReconnectBufSize(-1))
	if err != nil {
		return fmt.Errorf("%w: EYE_NATS_URL: %w", daemon.ErrUsage, err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		return fmt.Errorf("open JetStream: %w", err)
	}
	reg := registry.New(registry.Config{
		JetStream: js, Needs: registry.NeedSchemas | registry.NeedApplications, Logger: p.Logger,
	})
	service, err := New(Config{ //nolint:contextcheck // binding needs none
		Listen: set.listen, JetStream: js, Conn: conn, Registry: reg, Logger: p.Logger, Metrics: p.Metrics,
	})
	if err != nil {
		return err
	}
	admin, err := daemon.Admin(daemon.AdminConfig{
		Listen: set.adminListen, Metrics: p.Metrics, Ready: service.Ready, Logger: p.Logger,
	})
	if err != nil {
		return err
	}
	group := daemon.Group{Logger: p.Logger}
	group.Add("admin", admin.Run)
	group.Add("registry", reg.Run)
	// It ends after the service: a beat says that the service may be at work.
	group.Add("heartbeat", heartbeat.New(heartbeat.Config{
		JetStream: js, Service: p.Name, Revision: reg.Revision, Changed: reg.Changed, Logger: p.Logger,
	}).Run)
	group.Add("collector", service.Run)
	return group.Run(ctx)
}
