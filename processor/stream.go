package processor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/processor/audit"
	"github.com/theeye/theeye/shared/retry"
	"github.com/theeye/theeye/shared/stream"
)

// streamGuard creates stream and consumer, and makes sure that the stream stays
// the same one while the processor runs.
type streamGuard struct {
	js     jetstream.JetStream
	conn   *nats.Conn
	config stream.Config
	health *readiness
	log    *slog.Logger

	// epoch is the creation time of the stream, set before the workers and the
	// jobs start.
	epoch int64
	// reconnects is how often the connection had been reestablished when the
	// epoch was last compared. The worker that holds the fetch lock uses it.
	reconnects uint64
}

func (g *streamGuard) currentEpoch() int64 { return g.epoch }

// ensureStream creates or updates the stream and its buckets, and notes the
// epoch.
func (g *streamGuard) ensureStream(ctx context.Context) error {
	before, err := g.js.Stream(ctx, stream.Name)
	if err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
		return fmt.Errorf("look up stream %s: %w", stream.Name, err)
	}
	if err := stream.Ensure(ctx, g.js, g.config); err != nil {
		return err
	}
	if before != nil {
		g.logResize(ctx, before.CachedInfo())
	}
	epoch, err := stream.Epoch(ctx, g.js)
	if err != nil {
		return err
	}
	g.epoch = epoch
	g.reconnects = g.conn.Stats().Reconnects
	return nil
}

// logResize says what a changed EYE_STREAM_MAX_BYTES does to the stream.
func (g *streamGuard) logResize(ctx context.Context, before *jetstream.StreamInfo) {
	was, is, held := before.Config.MaxBytes, g.config.MaxBytes, before.State.Bytes
	if was == is {
		return
	}
	sizes := []slog.Attr{slog.Int64("bytes_before", was), slog.Int64("bytes", is), slog.Uint64("bytes_held", held)}
	if held/purgeFrom <= uint64(max(is, 0))/100 {
		g.log.LogAttrs(ctx, slog.LevelInfo, "the stream is resized", sizes...)
		return
	}
	g.log.LogAttrs(ctx, slog.LevelWarn, "the stream is resized and holds more than it should: the oldest settled events are removed from it, "+
		"so replays cannot reach them. No event is accepted while unsettled ones fill it", sizes...)
}

// verifyConnection makes sure that a new connection leads to the same stream. No
// message is fetched over it before.
func (g *streamGuard) verifyConnection(ctx context.Context) error {
	reconnects := g.conn.Stats().Reconnects
	if reconnects == g.reconnects {
		return nil
	}
	if err := g.health.retryUntilDone(ctx, conditionNATS, g.compareEpoch); err != nil {
		return err
	}
	g.reconnects = reconnects
	return nil
}

// compareEpoch returns nil if the stream is the one that Run began with. A
// deleted stream is recreated first, so that the collector has one.
func (g *streamGuard) compareEpoch(ctx context.Context) error {
	epoch, err := stream.Epoch(ctx, g.js)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		if err = stream.Ensure(ctx, g.js, g.config); err == nil {
			epoch, err = stream.Epoch(ctx, g.js)
		}
	}
	if err == nil && epoch != g.epoch {
		return ErrReplaced
	}
	return err
}

// asReplaced turns the audit's error for a recreated stream into ErrReplaced.
func asReplaced(err error) error {
	if errors.Is(err, audit.ErrStream) {
		return ErrReplaced
	}
	return err
}

// refusedDelay is how long a worker waits after a request that the server
// turned down at once.
const refusedDelay = 20 * time.Millisecond

// restoreConsumer is called when no server answers for the consumer. In most
// cases the server is starting. A deleted consumer is recreated, and redelivers
// everything, which the write rule makes harmless.
func (g *streamGuard) restoreConsumer(ctx context.Context, cause error) error {
	g.health.record(conditionNATS, cause)
	if err := retry.SleepJitter(ctx, refusedDelay); err != nil {
		return err
	}
	return g.health.retryUntilDone(ctx, conditionNATS, func(ctx context.Context) error {
		if err := g.compareEpoch(ctx); err != nil {
			return err
		}
		_, err := g.js.Consumer(ctx, stream.Name, stream.Consumer)
		if errors.Is(err, jetstream.ErrConsumerNotFound) {
			return stream.Ensure(ctx, g.js, g.config)
		}
		return err
	})
}
