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
	// beatInterval is the time between two beats: several may be lost before a
	// process counts as dead.
	beatInterval = time.Second
	// waitingDivisor is how much more often beats are sent while the service waits.
	waitingDivisor = 10
	// beatTimeout bounds the sending of a beat.
	beatTimeout = 2 * time.Second
	// catchUpTimeout bounds one attempt to catch up. No beat is sent during it.
	catchUpTimeout = beatTimeout
	// removeTimeout bounds the removal of the last beat.
	removeTimeout = time.Second
)

// Config configures a Heartbeat. Instance, Oldest, Waiting, CatchUp, CreateBucket and
// Logger are optional.
type Config struct {
	JetStream jetstream.JetStream
	// Service is the name of the service.
	Service string
	// Instance is the name of the process; "" is a new UUID.
	Instance string
	// Revision returns the registry revision that the service works with. It is
	// called for every beat and must not block.
	Revision func() uint64
	// Oldest, where set, returns Beat.OldestRevision. It is called after
	// Revision: a message that is validated between the two calls is validated
	// with that revision or a later one.
	Oldest func() uint64
	// Waiting, where set, returns Beat.Waiting. It must not block.
	Waiting func() string
	// CatchUp, where set, is called after the first beat, and after the first
	// beat that follows an expiration. It returns once the service works with a
	// revision that is at least the newest one at the time of the call, and is
	// called again where it fails or does not return in time. See Liveness.
	CatchUp func(context.Context) error
	// Changed returns a channel that is closed when the revision changes next.
	Changed func() <-chan struct{}
	// CreateBucket is called when the bucket does not exist: a single server
	// loses it when it restarts. Only processors create it; the heartbeats of
	// other services wait for it.
	CreateBucket func(context.Context) error
	// Logger gets a warning when no beat has arrived for stream.HeartbeatTTL,
	// once until one arrives; nil is slog.Default.
	Logger *slog.Logger
}

// Heartbeat sends the beats of one service. Its methods are safe for concurrent
// use; Run is called once.
type Heartbeat struct {
	cfg      Config
	subject  string
	beat     Beat // without the revisions
	liveness liveness
	// interval is the time between two beats. After warnAfter without one a
	// warning is logged: the service counts as dead then.
	interval, warnAfter time.Duration
	// Only the goroutine of Run uses the following fields.
	lastArrival time.Time // of a beat; at first the start of Run
	warned      bool
	waiting     bool // by the last beat
}

// New returns a Heartbeat that has not started yet. The service counts as started
// now.
func New(cfg Config) *Heartbeat {
	if cfg.Instance == "" {
		cfg.Instance = uuid.NewString()
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	build := daemon.BuildInfo()
	return &Heartbeat{
		cfg:      cfg,
		subject:  subjectOf(cfg.Service, cfg.Instance),
		liveness: liveness{expiry: stream.HeartbeatTTL - beatInterval},
		interval: beatInterval, warnAfter: stream.HeartbeatTTL,
		beat: Beat{
			Service: cfg.Service, Instance: cfg.Instance, Version: build.Version, Commit: build.Commit,
			StartedAt: time.Now().UTC().Truncate(time.Millisecond),
		},
	}
}

// Instance is the name of the process.
func (h *Heartbeat) Instance() string { return h.cfg.Instance }

// Run sends beats until ctx ends, and then removes the last one. It survives
// everything that keeps beats from arriving; its result is always nil. A service
// must stop before its heartbeat does: others rely on a live beat for as long as
// the service may still act on its revision.
func (h *Heartbeat) Run(ctx context.Context) error {
	h.lastArrival = time.Now()
	tick := time.NewTicker(h.interval)
	defer tick.Stop()
	for {
		// Before the revision is read, so that no change is missed.
		changed := h.cfg.Changed()
		h.sendBeat(ctx)
		tick.Reset(h.untilNextBeat())
		select {
		case <-ctx.Done():
			h.removeBeat(ctx)
			return nil
		case <-tick.C:
		case <-changed:
		}
	}
}

// untilNextBeat is shorter while the service waits: that it works is shown soon.
func (h *Heartbeat) untilNextBeat() time.Duration {
	if h.waiting {
		return h.interval / waitingDivisor
	}
	return h.interval
}

// sendBeat sends one beat and lets the service catch up where that is due. It
// logs a warning when no beat has arrived for a long time.
func (h *Heartbeat) sendBeat(ctx context.Context) {
	bounded, cancel := context.WithTimeout(ctx, beatTimeout)
	defer cancel()
	begin := time.Now()
	err := h.deliverBeat(bounded)
	if err == nil {
		h.lastArrival, h.warned = time.Now(), false
		h.liveness.recordBeat(begin)
		h.catchUp(ctx)
		return
	}
	if !h.warned && time.Since(h.lastArrival) >= h.warnAfter {
		h.warned = true
		h.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "heartbeats do not arrive",
			slog.String("of", h.cfg.Service), slog.Any("error", err))
	}
}

// deliverBeat puts a beat into the bucket. It creates a missing bucket if the
// configuration allows it.
func (h *Heartbeat) deliverBeat(ctx context.Context) error {
	err := h.putBeat(ctx)
	if errors.Is(err, jetstream.ErrNoStreamResponse) && h.cfg.CreateBucket != nil {
		if err = h.cfg.CreateBucket(ctx); err == nil {
			err = h.putBeat(ctx)
		}
	}
	return err
}

// catchUp lets the service catch up with the registry, unless it has since the
// last expiration. The beat comes first: a reader who listed the beats before it
// does not wait for this service, and CatchUp sees the changes of the registry
// until then; a reader who lists them later sees the service's revision.
func (h *Heartbeat) catchUp(ctx context.Context) {
	if h.liveness.isCaughtUp() {
		return
	}
	if h.cfg.CatchUp != nil {
		ctx, cancel := context.WithTimeout(ctx, catchUpTimeout)
		defer cancel()
		if err := h.cfg.CatchUp(ctx); err != nil {
			h.cfg.Logger.LogAttrs(ctx, slog.LevelDebug, "not caught up with the registry yet",
				slog.String("of", h.cfg.Service), slog.Any("error", err))
			return
		}
	}
	h.liveness.recordCatchUp()
}

func (h *Heartbeat) putBeat(ctx context.Context) error {
	beat := h.beat
	beat.Revision = h.cfg.Revision()
	if h.cfg.Oldest != nil {
		beat.OldestRevision = h.cfg.Oldest()
	}
	if h.cfg.Waiting != nil {
		beat.Waiting = h.cfg.Waiting()
	}
	h.waiting = beat.Waiting != ""
	raw, err := json.Marshal(beat)
	if err != nil {
		return fmt.Errorf("encode heartbeat: %w", err)
	}
	return h.publishMsg(ctx, &nats.Msg{Subject: h.subject, Data: raw})
}

// publishMsg needs no permission but that for its subject. It fails while there
// is no connection: a message in the client's buffer would become stale.
func (h *Heartbeat) publishMsg(ctx context.Context, m *nats.Msg) error {
	if !h.cfg.JetStream.Conn().IsConnected() {
		return nats.ErrDisconnected
	}
	// No retries: the next beat is one.
	if _, err := h.cfg.JetStream.PublishMsg(ctx, m, jetstream.WithRetryAttempts(0)); err != nil {
		return fmt.Errorf("send heartbeat: %w", err)
	}
	return nil
}

// removeBeat removes the last beat. Where that fails, the beat expires.
func (h *Heartbeat) removeBeat(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeTimeout)
	defer cancel()
	err := h.publishMsg(ctx, &nats.Msg{
		Subject: h.subject, Header: nats.Header{headerOperation: {operationDelete}},
	})
	if err != nil {
		h.cfg.Logger.LogAttrs(ctx, slog.LevelDebug, "the last heartbeat was not removed", slog.Any("error", err))
	}
}
