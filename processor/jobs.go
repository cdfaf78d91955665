package processor

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/theeye/theeye/processor/audit"
	"github.com/theeye/theeye/processor/jobs"
	"github.com/theeye/theeye/processor/replay"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

// openJobs makes what runs replays, dry runs and audits. None of it is at work
// before Run.
func (s *Service) openJobs() error {
	replayer := replay.New(replay.Config{
		JetStream: s.cfg.JetStream, Registry: s.cfg.Registry, Store: s.cfg.Store,
		Write: s.writeOf(s.newWriter()),
		Judge: func(m stream.Raw, set *schema.Set) *store.Document {
			return s.judgeOne(context.Background(), m, set)
		},
		Changed: s.metrics.replayedEvents, Logger: s.log,
	})
	epoch := func() int64 { return s.epoch }
	var err error
	s.auditor, err = audit.New(audit.Config{
		JetStream: s.cfg.JetStream, Registry: s.cfg.Registry, Store: s.cfg.Store,
		Write: s.writeOf(s.newWriter()), Epoch: epoch,
		Now: s.cfg.Now, Logger: s.log, Metrics: s.cfg.Metrics,
	})
	if err != nil {
		return err
	}
	s.marks = audit.NewMarks(s.cfg.JetStream, epoch, s.log)
	instance := uuid.NewString()
	if s.cfg.Heart != nil {
		instance = s.cfg.Heart.Instance()
	}
	tasks := map[job.Kind]jobs.Task{
		job.Replay: replayer.Replay, job.DryRun: replayer.DryRun, job.Audit: s.auditor.Audit,
	}
	for kind, task := range tasks {
		tasks[kind] = s.metrics.running(kind, task)
	}
	s.jobs = jobs.New(jobs.Config{
		JetStream: s.cfg.JetStream, Instance: instance, Tasks: tasks, Logger: s.log,
	})
	return nil
}

// newWriter returns a writer of its own: what it has learned of the store's
// documents serves one kind of work, and misleads the others.
func (s *Service) newWriter() *store.Writer {
	return store.NewWriter(store.WriterConfig{
		Backend: s.cfg.Store,
		Now:     s.cfg.Now,
		Alarm:   func(error) { s.metrics.alarms.Inc() },
	})
}

// writeOf returns what writes documents of a revision with a writer: the
// revision is recorded first, and every document has an outcome.
func (s *Service) writeOf(w *store.Writer) func(context.Context, uint64, []*store.Document) ([]store.WriteResult, error) {
	return func(ctx context.Context, revision uint64, docs []*store.Document) ([]store.WriteResult, error) {
		if err := s.raiseRevision(ctx, revision); err != nil {
			return nil, err
		}
		written, err := w.Write(ctx, docs)
		if err == nil && len(written) != len(docs) {
			return nil, fmt.Errorf("%w: %d outcomes for %d documents", store.ErrUnknown, len(written), len(docs))
		}
		return written, err
	}
}
