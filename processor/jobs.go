package processor

import (
	"context"

	"github.com/google/uuid"

	"github.com/theeye/theeye/processor/audit"
	"github.com/theeye/theeye/processor/jobs"
	"github.com/theeye/theeye/processor/replay"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

// jobRunners run replays, dry runs and audits beside the workers.
type jobRunners struct {
	runner  *jobs.Runner
	auditor *audit.Auditor
	marks   *audit.Marks
}

func newJobRunners(
	cfg Config, epoch func() int64, validator *validator, writers *storeWriters, m *metrics,
) (*jobRunners, error) {
	resources := func() jobs.Resources {
		return jobs.Resources{
			JetStream: cfg.JetStream, Registry: cfg.Registry, Store: cfg.Store, Write: writers.newWriteFunc(), Logger: cfg.Logger,
		}
	}
	replayer := replay.New(replay.Config{
		Resources: resources(),
		Evaluate: func(m stream.Raw, set *schema.Set) *store.Document {
			return validator.evaluate(context.Background(), m, set)
		},
		OnChange: m.countReplayed,
	})
	auditor, err := audit.New(audit.Config{
		Resources: resources(), Epoch: epoch, Now: cfg.Now, Metrics: cfg.Metrics,
	})
	if err != nil {
		return nil, err
	}
	instance := uuid.NewString()
	if cfg.Heartbeat != nil {
		instance = cfg.Heartbeat.Instance()
	}
	tasks := map[job.Kind]jobs.Task{
		job.Replay: replayer.Replay, job.DryRun: replayer.DryRun, job.Audit: auditor.Audit,
	}
	for kind, task := range tasks {
		tasks[kind] = m.instrumentTask(kind, task)
	}
	return &jobRunners{
		runner: jobs.New(jobs.Config{
			JetStream: cfg.JetStream, Instance: instance, Tasks: tasks, Logger: cfg.Logger, LeaseTime: cfg.jobLease,
		}),
		auditor: auditor,
		marks:   audit.NewMarks(cfg.JetStream, epoch, cfg.Logger),
	}, nil
}
