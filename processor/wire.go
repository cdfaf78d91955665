package processor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/shared/daemon/wiring"
	"github.com/theeye/theeye/shared/heartbeat"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/store/mongo"
	"github.com/theeye/theeye/shared/stream"
)

const (
	// memoryLimit is the soft limit of Go's memory, in bytes. The largest events
	// that the workers hold take about half of it.
	memoryLimit = 96 << 20
	// minStreamBytes is the least size of the stream: room for a few of the
	// largest events.
	minStreamBytes = 4 << 20
	// minRetention is the least retention of the stream.
	minRetention = time.Minute
)

// StreamSettings are the settings of a process with a processor about the
// stream and its continuous audit.
type StreamSettings struct {
	StreamMaxBytes  daemon.Bytes    `env:"EYE_STREAM_MAX_BYTES" default:"10GiB" placeholder:"SIZE" help:"Size of the stream: bytes, or a number of KiB, MiB, GiB or TiB (${default})."`
	StreamRetention daemon.Duration `env:"EYE_STREAM_RETENTION" default:"720h" placeholder:"DURATION" help:"How long settled events stay in the stream, as 90s, 15m or 30d (${default})."`
	AuditRate       daemon.Count    `env:"EYE_AUDIT_RATE" default:"0" placeholder:"N" help:"Events of the stream per second that the continuous audit accounts for; 0 turns it off (${default})."`
}

// Settings are the settings of a processor process.
type Settings struct {
	daemon.NATSSettings
	mongo.Settings
	StreamSettings
	StreamReplicas daemon.Count `env:"EYE_STREAM_REPLICAS" default:"1" placeholder:"N" help:"Replicas of the stream: 1, or 3 or 5 in a cluster (${default})."`
	daemon.Common
}

// Faults returns the faults of the connection string and of the stream's limits.
func (s *Settings) Faults() daemon.Faults {
	faults := s.Settings.Faults()
	if s.StreamMaxBytes.Value < minStreamBytes {
		faults = append(faults, fmt.Sprintf("EYE_STREAM_MAX_BYTES: must be at least %d", minStreamBytes))
	}
	if s.StreamRetention.Value < minRetention {
		faults = append(faults, fmt.Sprintf("EYE_STREAM_RETENTION: must be at least %s", minRetention))
	}
	if r := s.StreamReplicas.Value; r != 1 && r != 3 && r != 5 {
		faults = append(faults, "EYE_STREAM_REPLICAS: must be 1, 3 or 5")
	}
	return faults
}

// Run is a processor process: it processes until ctx ends. It waits for NATS
// and MongoDB where they are not available yet. An error that an operator must
// correct is of class daemon.ErrUsage: a store that refuses its configuration,
// NATS that
// refuses the stream's, or ErrRevision.
func Run(ctx context.Context, p *daemon.Process, s *Settings) error {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
	st, err := mongo.Open(ctx, mongo.Config{URI: s.MongoURI, Database: s.MongoDatabase})
	if err != nil {
		return err
	}
	err = serve(ctx, p, s, st)
	if IsMisconfigured(err) {
		err = fmt.Errorf("%w: %w", daemon.ErrUsage, err)
	}
	return errors.Join(err, wiring.CloseStore(ctx, st))
}

// IsMisconfigured reports whether an operator must correct what Service.Run ended
// with: a setting, or a store that does not belong to the stream.
func IsMisconfigured(err error) bool {
	return errors.Is(err, store.ErrConfiguration) || errors.Is(err, stream.ErrRefused) || errors.Is(err, ErrRevision)
}

// serve connects the processor and runs it until ctx ends.
func serve(ctx context.Context, p *daemon.Process, s *Settings, st store.Store) error {
	conn, js, err := wiring.Connect(p, s.NATSSettings)
	if err != nil {
		return err
	}
	defer conn.Close()
	b := wiring.New(registry.Config{JetStream: js, Needs: registry.NeedSchemas, Logger: p.Logger}, p.Metrics)
	cfg := stream.Config{
		MaxBytes: s.StreamMaxBytes.Value, Replicas: s.StreamReplicas.Value, Retention: s.StreamRetention.Value,
		NoRegistry: true, // the query API creates it
	}
	var service *Service
	h := b.AddHeartbeat(HeartbeatConfig(heartbeat.Config{Service: p.Name, Logger: p.Logger}, js, b.Registry, cfg,
		func() *Service { return service }))
	service, err = New(Config{
		JetStream: js, Conn: conn, Registry: b.Registry, Store: st, Heartbeat: h,
		Stream: cfg, AuditRate: s.AuditRate.Value, Logger: p.Logger, Metrics: p.Metrics,
	})
	if err != nil {
		return err
	}
	return b.Serve(ctx, p, s.Common, service)
}

// HeartbeatConfig adds to h what the heartbeat of a processor has beyond those of
// other services: it catches up with the registry, creates the bucket, and
// includes the oldest revision and why the service takes no events. service is
// called once the heartbeat runs.
func HeartbeatConfig(
	h heartbeat.Config, js jetstream.JetStream, reg *registry.Registry, s stream.Config, service func() *Service,
) heartbeat.Config {
	h.Oldest = func() uint64 { return service().OldestRevision() }
	h.Waiting = func() string { return service().Waiting() }
	h.CatchUp = CatchUp(js, reg)
	h.CreateBucket = func(ctx context.Context) error { return stream.EnsureServices(ctx, js, s) }
	return h
}
