package processor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/processor/audit"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

// ErrRevision is returned by Run when the store holds a revision above the
// registry's: a wiped NATS beside an old store. Judging on would write
// documents that look older than they are.
var ErrRevision = errors.New("the store has seen a later registry revision than this registry has: " +
	"a wiped NATS beside an old store; restore NATS, or begin with an empty database")

// ErrReplaced is returned by Run when the stream was made anew while the
// processor ran: places in it no longer compare with those it has written.
// Starting again is safe, and looks at everything from the beginning.
var ErrReplaced = errors.New("the stream was made anew under the processor")

// prepare makes everything that processing needs, in this order: stream and
// buckets, without which there is no registry; the first snapshot; the store;
// and the guard that compares the two. What is away is waited for.
func (s *Service) prepare(ctx context.Context) error {
	for _, step := range []struct {
		part part
		do   func(context.Context) error
	}{
		{partNATS, s.ensureStream},
		{partNATS, s.checkStream},
		{partRegistry, s.awaitRegistry},
		{partStore, s.prepareStore},
		{partStore, s.guard},
	} {
		if err := s.untilDone(ctx, step.part, step.do); err != nil {
			return err
		}
	}
	return nil
}

// untilDone repeats a step until it succeeds, ctx ends, or the failure is one
// that waiting does not mend. A failure is logged once.
func (s *Service) untilDone(ctx context.Context, p part, do func(context.Context) error) error {
	logged := false
	for wait := firstRetry; ; wait = min(2*wait, lastRetry) {
		err := do(ctx)
		s.state.set(p, err)
		if err == nil || permanent(err) || ctx.Err() != nil {
			return err
		}
		if !logged {
			logged = true
			s.log.LogAttrs(ctx, slog.LevelWarn, "waiting to start", slog.String("for", string(p)), slog.Any("error", err))
		}
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// permanent reports whether waiting does not mend an error: the store or the
// stream refuses its configuration, a guard has tripped, or the connection was
// closed under the processor.
func permanent(err error) bool {
	var api *jetstream.APIError
	return errors.Is(err, nats.ErrConnectionClosed) || errors.Is(err, ErrRevision) || errors.Is(err, ErrReplaced) || errors.Is(err, store.ErrConfiguration) ||
		errors.As(err, &api) && api.Code == 400
}

func (s *Service) ensureStream(ctx context.Context) error {
	if err := stream.Ensure(ctx, s.cfg.JetStream, s.cfg.Stream); err != nil {
		return err
	}
	epoch, err := stream.Epoch(ctx, s.cfg.JetStream)
	if err != nil {
		return err
	}
	s.epoch = epoch
	s.reconnects = s.cfg.Conn.Stats().Reconnects
	return nil
}

// checkStream notes what the stream lost at its end while nobody looked: its
// sequences are about to be given to other messages.
func (s *Service) checkStream(ctx context.Context) error {
	err := s.marks.Check(ctx)
	if errors.Is(err, audit.ErrStream) {
		return ErrReplaced
	}
	return err
}

// awaitRegistry waits for the first complete snapshot: half a registry would
// reject good events.
func (s *Service) awaitRegistry(ctx context.Context) error {
	s.state.set(partRegistry, errNoSnapshot)
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

// guard compares the store's revision with the bucket's own: the snapshot of a
// healthy registry may be some milliseconds behind another processor's.
func (s *Service) guard(ctx context.Context) error {
	known, err := s.cfg.Store.Revision(ctx)
	if err != nil {
		return fmt.Errorf("read the store's revision: %w", err)
	}
	bucket, err := s.cfg.JetStream.Stream(ctx, "KV_"+stream.BucketSchemas)
	if err != nil {
		return fmt.Errorf("look up bucket %s: %w", stream.BucketSchemas, err)
	}
	if has := bucket.CachedInfo().State.LastSeq; known > has {
		return fmt.Errorf("%w (store %d, registry %d)", ErrRevision, known, has)
	}
	return nil
}

// sameStream makes sure that a new connection leads to the same stream. Nothing
// is fetched over it before.
func (s *Service) sameStream(ctx context.Context) error {
	reconnects := s.cfg.Conn.Stats().Reconnects
	if reconnects == s.reconnects {
		return nil
	}
	if err := s.untilDone(ctx, partNATS, s.compareEpoch); err != nil {
		return err
	}
	s.reconnects = reconnects
	return nil
}

// compareEpoch returns nil if the stream is the one that Run began with. One
// that is gone is made again first, so that the collector has one.
func (s *Service) compareEpoch(ctx context.Context) error {
	epoch, err := stream.Epoch(ctx, s.cfg.JetStream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		if err = stream.Ensure(ctx, s.cfg.JetStream, s.cfg.Stream); err == nil {
			epoch, err = stream.Epoch(ctx, s.cfg.JetStream)
		}
	}
	if err == nil && epoch != s.epoch {
		return ErrReplaced
	}
	return err
}

// restoreConsumer is called when nobody answers for the consumer. Mostly the
// server is starting; a consumer that was deleted is made again, and delivers
// everything again, which the write rule makes harmless.
func (s *Service) restoreConsumer(ctx context.Context, cause error) error {
	s.state.set(partNATS, cause)
	if err := sleep(ctx, again); err != nil {
		return err
	}
	return s.untilDone(ctx, partNATS, func(ctx context.Context) error {
		if err := s.compareEpoch(ctx); err != nil {
			return err
		}
		_, err := s.cfg.JetStream.Consumer(ctx, stream.Name, stream.Consumer)
		if errors.Is(err, jetstream.ErrConsumerNotFound) {
			return stream.Ensure(ctx, s.cfg.JetStream, s.cfg.Stream)
		}
		return err
	})
}
