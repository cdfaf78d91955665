// Package wiring composes what every process of The Eye has around its services:
// the connection to NATS, the registry, the heartbeats and the admin listener.
package wiring

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/shared/heartbeat"
	"github.com/theeye/theeye/shared/registry"
)

const (
	// FollowInterval is how often a directory of declarations is read.
	FollowInterval = time.Second
	// closeTimeout bounds the closing of a store: a process ends within 15 s, and
	// the drain of a processor takes up to 11 of them.
	closeTimeout = 2 * time.Second
	// operatorTokenID names the operator token of the settings in the history
	// of the registry.
	operatorTokenID = "EYE_OPERATOR_TOKEN"
)

// Backbone is what the services of one process share.
type Backbone struct {
	JetStream jetstream.JetStream
	Registry  *registry.Registry

	heartbeats []*heartbeat.Heartbeat
}

// New returns a backbone with the registry of c, whose metrics it registers.
func New(c registry.Config, metrics prometheus.Registerer) *Backbone {
	b := &Backbone{JetStream: c.JetStream, Registry: registry.New(c)}
	metrics.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "eye_registry_unreadable_records",
		Help: "Keys of the registry whose newest record cannot be read; the record before it is in force.",
	}, func() float64 { return float64(b.Registry.Unreadable()) }))
	return b
}

// AddHeartbeat adds the heartbeat of a service. JetStream, Revision and Changed
// are those of the backbone where c does not set them.
func (b *Backbone) AddHeartbeat(c heartbeat.Config) *heartbeat.Heartbeat {
	if c.JetStream == nil {
		c.JetStream = b.JetStream
	}
	if c.Revision == nil {
		c.Revision = b.Registry.Revision
	}
	if c.Changed == nil {
		c.Changed = b.Registry.Changed
	}
	h := heartbeat.New(c)
	b.heartbeats = append(b.heartbeats, h)
	return h
}

// AddSteps adds the registry and the heartbeats to a group. The steps of the
// services must follow: a heartbeat says that its service may be working, so it
// stops after the service.
func (b *Backbone) AddSteps(g *daemon.Group) {
	g.Add("registry", b.Registry.Run)
	for _, h := range b.heartbeats {
		g.Add("heartbeat", h.Run)
	}
}

// Connect connects a process to a separate NATS server, which need not run yet.
// The caller closes the connection.
func Connect(p *daemon.Process, s daemon.NATSSettings, opts ...nats.Option) (*nats.Conn, jetstream.JetStream, error) {
	if s.NATSCreds != "" {
		opts = append(opts, nats.UserCredentials(s.NATSCreds))
	}
	conn, err := daemon.ConnectNATS(s.NATSURL.Value, p.Name, p.Logger, opts...)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: EYE_NATS_URL, EYE_NATS_CREDS: %w", daemon.ErrUsage, err)
	}
	js, err := jetstream.New(conn)
	if err != nil {
		conn.Close()
		return nil, nil, fmt.Errorf("use JetStream: %w", err)
	}
	return conn, js, nil
}

// Service is a service of a process.
type Service interface {
	Run(ctx context.Context) error
	Ready() []daemon.Check
}

// Serve runs a service of a process of its own until ctx ends, with the admin
// listener, the backbone and further steps, which stop after the service. It
// closes a service that it cannot run.
func (b *Backbone) Serve(ctx context.Context, p *daemon.Process, c daemon.Common, s Service, more ...daemon.Step) error {
	admin, err := daemon.Admin(daemon.AdminConfig{
		Listen: c.AdminListen.Value, Hosts: c.AllowedHosts.Value, Metrics: p.Metrics, Ready: s.Ready, Logger: p.Logger,
	})
	if err != nil {
		if c, ok := s.(io.Closer); ok {
			err = errors.Join(err, c.Close())
		}
		return err
	}
	group := daemon.Group{Logger: p.Logger}
	group.Add("admin", admin.Run)
	b.AddSteps(&group)
	for _, step := range more {
		group.Add(step.Name, step.Run)
	}
	group.Add(p.Name, s.Run)
	return group.Run(ctx)
}

// CheckOperatorToken returns why an operator token of the settings is not accepted
// outside --dev, nil for "". The error does not show it.
func CheckOperatorToken(secret string) error {
	if registry.DigestOf(secret).IsPublic() {
		return errors.New("must not be a key or token of --dev, which everybody knows: set it to what openssl rand -hex 24 prints")
	}
	return nil
}

// OperatorCredentials returns the operator token of the settings, which is valid
// in this process and never stored; no token for "".
func OperatorCredentials(secret string) registry.Credentials {
	if secret == "" {
		return registry.Credentials{}
	}
	return registry.Credentials{Tokens: []registry.StaticToken{{
		Secret: secret, Token: registry.Token{ID: operatorTokenID, Role: registry.Operator},
	}}}
}

// CloseStore closes a store, also after ctx has ended, and bounds the wait.
func CloseStore(ctx context.Context, store interface {
	Close(ctx context.Context) error
},
) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	if err := store.Close(ctx); err != nil {
		return fmt.Errorf("close the store: %w", err)
	}
	return nil
}
