package processor

import (
	"context"
	"errors"
	"fmt"

	"github.com/theeye/theeye/shared/retry"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/processor/audit"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

// ErrRevision is returned by Run when the store holds a revision above the
// registry's: a wiped NATS beside an old store. Going on would write documents
// that look older than they are.
var ErrRevision = errors.New("the store has seen a later registry revision than this registry has: " +
	"a wiped NATS beside an old store; restore NATS, or begin with an empty database")

// ErrReplaced is returned by Run when the stream was recreated while the
// processor ran: its sequences no longer compare with those of the documents
// written so far. Starting again is safe, and processes everything from the
// beginning.
var ErrReplaced = errors.New("the stream was recreated under the processor")

// prepare makes everything that processing needs, in this order: stream and
// buckets, without which there is no registry; the first snapshot; the store;
// and the comparison of the two. It waits for unavailable dependencies.
func (s *Service) prepare(ctx context.Context) error {
	for _, step := range []struct {
		condition condition
		run       func(context.Context) error
	}{
		{conditionNATS, s.stream.ensureStream},
		{conditionNATS, s.checkStreamTail},
		{conditionRegistry, s.awaitRegistry},
		{conditionStore, s.prepareStore},
		{conditionStore, s.compareRevisions},
	} {
		if err := s.health.retryUntilDone(ctx, step.condition, step.run); err != nil {
			return err
		}
	}
	return nil
}

// isPermanent reports whether retrying cannot help: the store or the stream
// refuses its configuration, the registry or the stream is not the one that the
// store knows, or the connection was closed under the processor.
func isPermanent(err error) bool {
	var api *jetstream.APIError
	return errors.Is(err, nats.ErrConnectionClosed) || errors.Is(err, ErrRevision) || errors.Is(err, ErrReplaced) || errors.Is(err, store.ErrConfiguration) ||
		errors.As(err, &api) && api.Code == 400
}

// checkStreamTail notes which events the stream lost at its end while no
// processor ran: their sequences are about to be assigned to other messages.
func (s *Service) checkStreamTail(ctx context.Context) error {
	return asReplaced(s.jobs.marks.CheckTail(ctx))
}

// asReplaced turns the audit's error for a recreated stream into ErrReplaced.
func asReplaced(err error) error {
	if errors.Is(err, audit.ErrStream) {
		return ErrReplaced
	}
	return err
}

// awaitRegistry waits for the first complete snapshot: with half a registry,
// good events would be rejected.
func (s *Service) awaitRegistry(ctx context.Context) error {
	s.health.record(conditionRegistry, errNoSnapshot)
	select {
	case <-s.cfg.Registry.Ready():
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Service) prepareStore(ctx context.Context) error {
	if err := s.cfg.Store.Prepare(ctx); err != nil {
		return fmt.Errorf("prepare the store: %w", err)
	}
	s.metrics.storeUp.Set(1)
	return nil
}

// compareRevisions compares the store's revision with the bucket's own: the
// snapshot of a healthy registry may be some milliseconds behind that of another
// processor.
func (s *Service) compareRevisions(ctx context.Context) error {
	inStore, err := s.cfg.Store.HighestRevision(ctx)
	if err != nil {
		return fmt.Errorf("read the store's revision: %w", err)
	}
	inRegistry, err := stream.NewestRevision(ctx, s.cfg.JetStream, stream.BucketSchemas)
	if err != nil {
		return err
	}
	if inStore > inRegistry {
		return fmt.Errorf("%w (store %d, registry %d)", ErrRevision, inStore, inRegistry)
	}
	return nil
}

// streamGuard creates stream and consumer, and makes sure that the stream stays
// the same one while the processor runs.
type streamGuard struct {
	js     jetstream.JetStream
	conn   *nats.Conn
	config stream.Config
	health *readiness

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
	if err := stream.Ensure(ctx, g.js, g.config); err != nil {
		return err
	}
	epoch, err := stream.Epoch(ctx, g.js)
	if err != nil {
		return err
	}
	g.epoch = epoch
	g.reconnects = g.conn.Stats().Reconnects
	return nil
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
