package audit

import (
	"context"
	"log/slog"
	"math"
	"time"

	"github.com/google/uuid"
	"golang.org/x/time/rate"

	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/kv"
	"github.com/theeye/theeye/shared/retry"
	"github.com/theeye/theeye/shared/stream"
)

const (
	// keyLease is the key of the continuous audit in the bucket of jobs.
	keyLease = "audit"
	// passEvery is the time from the beginning of a pass over the stream to the
	// beginning of the next one. Passes are repeated because a bit can flip, and a
	// document vanish, at any time.
	passEvery = 24 * time.Hour
	// releaseLimit bounds the release of the lease.
	releaseLimit = 2 * time.Second
)

// leaseState is the value of the key: the position of the continuous audit, and
// the process that runs it.
type leaseState struct {
	Epoch int64 `json:"epoch"`
	// Next is the sequence where it continues, Began when the pass began.
	Next  uint64    `json:"next"`
	Began time.Time `json:"began"`
	// Losses is the time up to which lost tails of the stream are reported.
	Losses time.Time `json:"losses,omitzero"`
	// Runner is the process that holds the lease, "" without one.
	Runner string `json:"runner,omitzero"`
}

// follower is the continuous audit of one process.
type follower struct {
	*Auditor
	limit    *rate.Limiter
	interval time.Duration // between two attempts to acquire the lease, or to go on
	lease    *kv.Lease[leaseState]
	scan     *scan
}

// Follow accounts for everything that the processors have settled, again and
// again and at most so many sequences a second, until ctx ends; it returns nil. Of
// all processes that call it, one is active: it holds a lease by saving its
// position, and another process takes the lease over after job.LeaseTime without a
// save. Missing events are counted and logged, once in each pass.
func (a *Auditor) Follow(ctx context.Context, perSecond int) error {
	if perSecond <= 0 {
		return nil
	}
	return a.newFollower(perSecond, job.LeaseTime).followStream(ctx)
}

func (a *Auditor) newFollower(perSecond int, leaseTime time.Duration) *follower {
	return &follower{
		Auditor:  a,
		limit:    rate.NewLimiter(rate.Limit(perSecond), min(perSecond, probeSize)),
		interval: min(time.Second, leaseTime/3),
		lease: kv.NewLease(kv.LeaseConfig[leaseState]{
			Bucket: kv.New(a.cfg.JetStream, stream.BucketJobs), Key: keyLease,
			Holder: uuid.NewString(), Duration: leaseTime,
			HolderOf: func(s *leaseState) *string { return &s.Runner },
		}),
		scan: a.newScan(&report{}),
	}
}

func (f *follower) followStream(ctx context.Context) error {
	failing := false
	for ctx.Err() == nil {
		err := f.auditSettled(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			f.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "the continuous audit is interrupted; retrying", slog.Any("error", err))
		}
		failing = err != nil
		_ = retry.Sleep(ctx, f.interval)
	}
	// Another process can go on at once. Without the release the lease expires.
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseLimit)
	defer cancel()
	_ = f.lease.Release(bounded)
	return nil
}

// auditSettled acquires the lease if it is free, and audits until no settled
// message is left or the lease is lost.
func (f *follower) auditSettled(ctx context.Context) error {
	if held, err := f.acquireLease(ctx); err != nil || !held {
		return err
	}
	for {
		more, err := f.auditPortion(ctx)
		if !f.lease.Held() {
			return nil
		}
		if err != nil || !more {
			return err
		}
	}
}

func (f *follower) acquireLease(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, requestLimit)
	defer cancel()
	return f.lease.Acquire(ctx)
}

func (f *follower) saveLease(ctx context.Context, s leaseState) error {
	ctx, cancel := context.WithTimeout(ctx, requestLimit)
	defer cancel()
	return f.lease.Save(ctx, s)
}

// auditPortion accounts for the next sequences, and reports whether others may
// follow at once. Its results count only if this process still holds the lease
// after it: otherwise another process finds them again.
func (f *follower) auditPortion(ctx context.Context) (bool, error) {
	s, r := f.lease.Value(), &report{}
	if err := f.scan.readFloor(ctx); err != nil {
		return false, err
	}
	if err := f.beginPass(ctx, &s, r); err != nil {
		return false, err
	}
	todo := span{s.Next, min(f.scan.floor, s.Next+uint64(f.limit.Burst())-1)}
	if !todo.empty() {
		f.scan.report = r
		if err := f.scan.accountFor(ctx, todo, func(uint64) error { return nil }); err != nil {
			return false, err
		}
		s.Next = todo.to + 1
	}
	if err := f.saveLease(ctx, s); err != nil {
		return false, err
	}
	f.reportMissing(ctx, r)
	if todo.empty() {
		return false, nil
	}
	f.metrics.position.Set(float64(todo.to))
	return true, f.limit.WaitN(ctx, int(todo.to-todo.from+1))
}

// beginPass begins a pass if none has begun or the last one is old, and adds the
// tails that the stream has lost since to the report.
func (f *follower) beginPass(ctx context.Context, s *leaseState, r *report) error {
	ctx, cancel := context.WithTimeout(ctx, requestLimit)
	defer cancel()
	marks, err := f.marks.readRecord(ctx)
	if err != nil {
		return err
	}
	now := f.cfg.Now().UTC()
	if s.Epoch != marks.Epoch {
		*s = leaseState{Epoch: marks.Epoch, Began: now, Runner: s.Runner}
	}
	if s.Next > f.scan.floor && now.Sub(s.Began) >= passEvery {
		s.Next, s.Began = 0, now
	}
	s.Next = max(s.Next, marks.KeptFrom)
	for _, loss := range marks.Losses {
		if loss.At.After(s.Losses) {
			r.addLostTail([]Loss{loss}, 1, math.MaxUint64)
			s.Losses = loss.At
		}
	}
	return nil
}

// reportMissing counts and logs missing events.
func (f *follower) reportMissing(ctx context.Context, r *report) {
	f.metrics.countMissing(r.Account)
	for _, missing := range r.MissingRanges {
		f.cfg.Logger.LogAttrs(ctx, slog.LevelError, "accepted events are missing",
			slog.String("in", missing.Reason), slog.Uint64("from_seq", missing.From), slog.Uint64("to_seq", missing.To))
	}
}
