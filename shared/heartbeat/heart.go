package heartbeat

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/shared/stream"
)

const (
	// beatEvery is the pause between two beats: several may be lost before a
	// process counts as gone.
	beatEvery = time.Second
	// beatLimit bounds one beat.
	beatLimit = 2 * time.Second
	// catchUpLimit bounds one attempt to catch up. No beat is sent meanwhile.
	catchUpLimit = beatLimit
	// farewellLimit bounds the removal of the last one.
	farewellLimit = time.Second
)

// Config is what a Heart needs. Instance, Oldest, CatchUp, MakeBucket and Logger
// may be missing.
type Config struct {
	JetStream jetstream.JetStream
	// Service is the name of the service.
	Service string
	// Instance is the name of the process; "" is a new UUID.
	Instance string
	// Revision is asked at every beat. It must not block.
	Revision func() uint64
	// Oldest, where set, is asked for Beat.OldestRevision, after the revision:
	// what is judged between the two is judged by that revision or a later one.
	Oldest func() uint64
	// CatchUp, where set, is called after the first beat, and after the first
	// one behind a lapse. It returns once the service works by a revision that
	// is at least the newest at the moment of the call, and is asked again
	// when it fails or does not return in time. See Liveness.
	CatchUp func(context.Context) error
	// Changed returns a channel that is closed when the revision changes next.
	Changed func() <-chan struct{}
	// MakeBucket is called when the bucket is not there: a server alone loses
	// it when it restarts. It is the processor's to make; the hearts of other
	// services wait for it.
	MakeBucket func(context.Context) error
	// Logger hears when no beat has arrived for stream.HeartbeatTTL, once until
	// one does; slog.Default when nil.
	Logger *slog.Logger
}

// Heartbeat sends the beats of one service. Its methods are safe for concurrent
// use; Run is called once.
type Heartbeat struct {
	cfg     Config
	subject string
	beat    Beat // but for the revisions
	pulse   pulse
	// every is the pause between two beats, and tellAfter how long none may
	// arrive until that is told: the service counts as gone then.
	every, tellAfter time.Duration
	// What Run's goroutine alone uses.
	arrived time.Time // the last beat, or Run's start
	told    bool
}

// New returns a Heart that has not started yet. The service starts now.
func New(cfg Config) *Heartbeat {
	if cfg.Instance == "" {
		cfg.Instance = uuid.NewString()
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	build := daemon.BuildInfo()
	return &Heartbeat{
		cfg:     cfg,
		subject: subjectOf(cfg.Service, cfg.Instance),
		pulse:   pulse{lapse: stream.HeartbeatTTL - beatEvery},
		every:   beatEvery, tellAfter: stream.HeartbeatTTL,
		beat: Beat{
			Service: cfg.Service, Instance: cfg.Instance, Version: build.Version, Commit: build.Commit,
			StartedAt: time.Now().UTC().Truncate(time.Millisecond),
		},
	}
}

// Instance is the name of the process.
func (h *Heartbeat) Instance() string { return h.cfg.Instance }

// Run sends beats until ctx ends, and then removes the last one. It waits out
// whatever keeps beats from arriving; its result is always nil. A service must
// have stopped before its heart does: others rely on a live beat for as long as
// something may still be done by its revision.
func (h *Heartbeat) Run(ctx context.Context) error {
	h.arrived = time.Now()
	tick := time.NewTicker(h.every)
	defer tick.Stop()
	for {
		// Before the revision is read, so that no change is missed.
		changed := h.cfg.Changed()
		h.send(ctx)
		select {
		case <-ctx.Done():
			h.farewell(ctx)
			return nil
		case <-tick.C:
		case <-changed:
		}
	}
}

// send sends one beat, sees to it that the service catches up where that is
// due, and says when no beat has arrived for long.
func (h *Heartbeat) send(ctx context.Context) {
	bounded, cancel := context.WithTimeout(ctx, beatLimit)
	defer cancel()
	begin := time.Now()
	err := h.arrive(bounded)
	if err == nil {
		h.arrived, h.told = time.Now(), false
		h.pulse.arrived(begin)
		h.catchUp(ctx)
		return
	}
	if !h.told && time.Since(h.arrived) >= h.tellAfter {
		h.told = true
		h.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "heartbeats do not arrive",
			slog.String("of", h.cfg.Service), slog.Any("error", err))
	}
}

// arrive brings a beat into the bucket, which it makes where that is due.
func (h *Heartbeat) arrive(ctx context.Context) error {
	err := h.put(ctx)
	if errors.Is(err, jetstream.ErrNoStreamResponse) && h.cfg.MakeBucket != nil {
		if err = h.cfg.MakeBucket(ctx); err == nil {
			err = h.put(ctx)
		}
	}
	return err
}

// catchUp makes the heart steady, unless it is. The beat comes first: whoever
// looked before it did not count on this service, and what was put into the
// registry until then CatchUp gets to know; whoever looks after it sees what
// revision the service is at.
func (h *Heartbeat) catchUp(ctx context.Context) {
	if h.pulse.isCaughtUp() {
		return
	}
	if h.cfg.CatchUp != nil {
		ctx, cancel := context.WithTimeout(ctx, catchUpLimit)
		defer cancel()
		if err := h.cfg.CatchUp(ctx); err != nil {
			h.cfg.Logger.LogAttrs(ctx, slog.LevelDebug, "not caught up with the registry yet",
				slog.String("of", h.cfg.Service), slog.Any("error", err))
			return
		}
	}
	h.pulse.caughtUp()
}

func (h *Heartbeat) put(ctx context.Context) error {
	beat := h.beat
	beat.Revision = h.cfg.Revision()
	if h.cfg.Oldest != nil {
		beat.OldestRevision = h.cfg.Oldest()
	}
	raw, err := json.Marshal(beat)
	if err != nil {
		return fmt.Errorf("encode heartbeat: %w", err)
	}
	return h.publish(ctx, &nats.Msg{Subject: h.subject, Data: raw})
}

// publish needs no right but that to its subject. While there is no connection
// it does nothing: what waits in the client's buffer would be stale.
func (h *Heartbeat) publish(ctx context.Context, m *nats.Msg) error {
	if !h.cfg.JetStream.Conn().IsConnected() {
		return nats.ErrDisconnected
	}
	// No attempts of its own: the next beat is one.
	if _, err := h.cfg.JetStream.PublishMsg(ctx, m, jetstream.WithRetryAttempts(0)); err != nil {
		return fmt.Errorf("send heartbeat: %w", err)
	}
	return nil
}

// farewell removes the beat. Where that fails, it expires.
func (h *Heartbeat) farewell(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewellLimit)
	defer cancel()
	err := h.publish(ctx, &nats.Msg{
		Subject: h.subject, Header: nats.Header{headerOperation: {operationDelete}},
	})
	if err != nil {
		h.cfg.Logger.LogAttrs(ctx, slog.LevelDebug, "the last heartbeat was not removed", slog.Any("error", err))
	}
}
