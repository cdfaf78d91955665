package retention

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/schema"
)

const (
	// followLimit bounds the requests of one comparison.
	followLimit = 20 * time.Second
	// followRetry is the wait before the next attempt of a comparison that failed.
	followRetry = time.Second
)

// Follower starts a job for each change of the retention.
type Follower struct {
	js       jetstream.JetStream
	registry *registry.Registry
	history  *registry.History
	log      *slog.Logger
}

// NewFollower returns a Follower. The registry must be running.
func NewFollower(js jetstream.JetStream, reg *registry.Registry, log *slog.Logger) *Follower {
	return &Follower{js: js, registry: reg, history: registry.NewHistory(js), log: log}
}

// Follow starts jobs until ctx ends, and then returns nil. Any number of processes
// may do so side by side.
func (f *Follower) Follow(ctx context.Context) error {
	var followed uint64 // the registry revision up to which no job is missing
	failing := false
	for {
		changed := f.registry.Changed()
		var again <-chan time.Time
		if revision := f.registry.Revision(); revision > followed {
			err := f.startMissing(ctx)
			switch {
			case err == nil:
				followed = revision
			case ctx.Err() == nil && !failing:
				f.log.LogAttrs(ctx, slog.LevelWarn, "cannot compare the retention with the last job's; retrying", slog.Any("error", err))
			}
			if failing = err != nil; failing {
				again = time.After(followRetry)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-again:
		}
	}
}

// startMissing creates a job if the retention has changed since the last one.
func (f *Follower) startMissing(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, followLimit)
	defer cancel()
	bucket, err := job.Open(ctx, f.js)
	if err != nil {
		return err
	}
	all, err := bucket.List(ctx)
	if err != nil {
		return err
	}
	applied, err := newestApplied(all)
	if err != nil {
		return err
	}
	missing, err := f.changeSince(ctx, applied)
	if err != nil || missing == nil {
		return err
	}
	e, err := bucket.CreateOnce(ctx, *missing, missing.CreatedAt, missing.TargetRevision)
	if err != nil {
		return fmt.Errorf("create a job for the changed retention: %w", err)
	}
	f.log.LogAttrs(ctx, slog.LevelInfo, "the retention has changed; a job applies it to the documents that are there",
		slog.String("job", e.ID), slog.Uint64("revision", e.TargetRevision))
	return nil
}

// appliedPolicy is the policy that the newest job applies. The zero value is that of
// a store without a job, whose documents are kept for ever.
type appliedPolicy struct {
	revision  uint64
	retention schema.Retention
}

// newestApplied returns the policy of the newest job, whatever became of it: one
// that was cancelled is not started again.
func newestApplied(all []job.Entry) (p appliedPolicy, err error) {
	for _, e := range all {
		if e.Kind != job.Retention || e.TargetRevision < p.revision || p.revision > 0 && e.TargetRevision == p.revision {
			continue
		}
		p.revision = e.TargetRevision
		if p.retention, err = parseRetention(e.Retention); err != nil {
			return p, fmt.Errorf("read job %s: %w", e.ID, err)
		}
	}
	return p, nil
}

// parseRetention reads the retention of a job.
func parseRetention(raw jsontext.Value) (schema.Retention, error) {
	if len(raw) == 0 {
		return schema.Retention{}, nil
	}
	policy, err := json.Marshal(map[string]jsontext.Value{"retention": raw})
	if err != nil {
		return schema.Retention{}, fmt.Errorf("read a retention: %w", err)
	}
	p, faults := schema.ParsePolicy(policy)
	if len(faults) > 0 {
		return schema.Retention{}, fmt.Errorf("read a retention: %s", faults[0].Message)
	}
	return p.Retention, nil
}

// policyVersion is a version of the policy with its retention.
type policyVersion struct {
	registry.Version
	raw       jsontext.Value
	retention schema.Retention
}

// changeSince returns the job that applies the present policy, nil if no version
// since the applied one has another retention. A retention that was changed and
// changed back counts: documents may have been written in between.
func (f *Follower) changeSince(ctx context.Context, applied appliedPolicy) (*job.Job, error) {
	versions, err := f.history.PolicyHistory(ctx, 0, registry.MaxPage)
	if errors.Is(err, registry.ErrNotFound) {
		return nil, nil //nolint:nilnil // no policy, hence no job
	}
	if err != nil {
		return nil, fmt.Errorf("read the versions of the policy: %w", err)
	}
	var newest *policyVersion
	differs := false
	for _, v := range versions {
		if v.Revision <= applied.revision {
			break
		}
		read, err := f.readVersion(ctx, v)
		if err != nil {
			return nil, err
		}
		if read == nil {
			continue // unreadable: the version before it is in force
		}
		if newest == nil {
			newest = read
		}
		differs = differs || !read.retention.Equal(applied.retention)
	}
	if !differs {
		return nil, nil //nolint:nilnil // every version since keeps the same
	}
	return &job.Job{
		Kind: job.Retention, TargetRevision: newest.Revision, Retention: newest.raw,
		Author: newest.Author, Note: newest.Note, CreatedAt: newest.Time,
	}, nil
}

// readVersion reads the retention of a version, nil if its record is unreadable.
func (f *Follower) readVersion(ctx context.Context, v registry.Version) (*policyVersion, error) {
	read := &policyVersion{Version: v, raw: jsontext.Value("{}")}
	if v.Removed {
		return read, nil
	}
	full, err := f.history.Policy(ctx, v.Revision)
	var syntax *jsontext.SyntacticError
	var semantic *json.SemanticError
	if errors.As(err, &syntax) || errors.As(err, &semantic) {
		return nil, nil //nolint:nilnil // as documented
	}
	if err != nil {
		return nil, fmt.Errorf("read revision %d of the policy: %w", v.Revision, err)
	}
	policy, faults := schema.ParsePolicy(full.Value)
	if len(faults) > 0 {
		return nil, nil //nolint:nilnil // as documented
	}
	var members struct {
		Retention jsontext.Value `json:"retention"`
	}
	if err := json.Unmarshal(full.Value, &members); err == nil && len(members.Retention) > 0 {
		read.raw = members.Retention
	}
	read.retention = policy.Retention
	return read, nil
}
