package audit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/time/rate"

	"github.com/theeye/theeye/processor/jobs"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/stream"
)

const (
	// keyShift is the key of the continuous audit in the bucket of jobs.
	keyShift = "audit"
	// passEvery is how long after its beginning a pass over the stream is
	// followed by the next one: a bit can flip, and a document vanish, at any
	// time.
	passEvery = 24 * time.Hour
	// handOverLimit bounds the giving back of the key.
	handOverLimit = 2 * time.Second
)

// shift is the value of the key: where the continuous audit is, and who does it.
type shift struct {
	Epoch int64 `json:"epoch"`
	// Next is the sequence where it goes on, Began when the pass began.
	Next  uint64    `json:"next"`
	Began time.Time `json:"began"`
	// Losses is up to when lost ends of the stream are told.
	Losses time.Time `json:"losses,omitzero"`
	// Runner is the process that does it, "" when nobody does.
	Runner string `json:"runner,omitzero"`
}

// follower is the continuous audit of one process.
type follower struct {
	*Auditor
	name  string
	limit *rate.Limiter
	lease time.Duration
	scan  *scan
	// revision of the key, as last seen or written, since when, and whether
	// the shift is this process's.
	revision uint64
	since    time.Time
	mine     bool
	shift    shift
}

// Follow accounts for what the processors have settled, again and again and at
// most so many sequences a second, until ctx ends; it returns nil. Of all
// processes that do, one is at work: it holds the key by writing it, and another
// takes it over when it was not written for job.LeaseTime. What is missing is
// counted and logged, once a pass.
func (a *Auditor) Follow(ctx context.Context, perSecond int) error {
	if perSecond <= 0 {
		return nil
	}
	return a.follower(perSecond, job.LeaseTime).followStream(ctx)
}

func (a *Auditor) follower(perSecond int, lease time.Duration) *follower {
	return &follower{
		Auditor: a, name: uuid.NewString(), lease: lease,
		limit: rate.NewLimiter(rate.Limit(perSecond), min(perSecond, probeSize)),
		scan:  a.newScan(&report{}),
	}
}

func (f *follower) followStream(ctx context.Context) error {
	failing := false
	for ctx.Err() == nil {
		err := f.followOnce(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			f.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "the continuous audit cannot go on", slog.Any("error", err))
		}
		failing = err != nil
		_ = jobs.Pause(ctx, min(time.Second, f.lease/3))
	}
	f.releaseLease(ctx)
	return nil
}

// followOnce takes the shift if it is free, and works until nothing is left.
func (f *follower) followOnce(ctx context.Context) error {
	kv, err := f.openBucket(ctx)
	if err != nil {
		return err
	}
	if !f.mine {
		if err := f.acquireLease(ctx, kv); err != nil || !f.mine {
			return err
		}
	}
	for {
		more, err := f.auditPortion(ctx, kv)
		if errors.Is(err, errRaced) {
			f.mine = false
			return nil
		}
		if err != nil || !more {
			return err
		}
	}
}

func (f *follower) openBucket(ctx context.Context) (jetstream.KeyValue, error) {
	ctx, cancel := context.WithTimeout(ctx, requestLimit)
	defer cancel()
	kv, err := f.cfg.JetStream.KeyValue(ctx, stream.BucketJobs)
	if err != nil {
		return nil, fmt.Errorf("open bucket %s: %w", stream.BucketJobs, err)
	}
	return kv, nil
}

// acquireLease makes the shift this process's, where nobody has it.
func (f *follower) acquireLease(ctx context.Context, kv jetstream.KeyValue) error {
	ctx, cancel := context.WithTimeout(ctx, requestLimit)
	defer cancel()
	var s shift
	revision, err := get(ctx, kv, keyShift, &s)
	if err != nil {
		return err
	}
	if revision != f.revision || f.since.IsZero() {
		f.revision, f.since = revision, time.Now()
	}
	if s.Runner != "" && time.Since(f.since) <= f.lease {
		return nil
	}
	s.Runner = f.name
	err = f.saveLease(ctx, kv, s)
	f.mine = err == nil
	if errors.Is(err, errRaced) {
		return nil
	}
	return err
}

func (f *follower) saveLease(ctx context.Context, kv jetstream.KeyValue, s shift) error {
	ctx, cancel := context.WithTimeout(ctx, requestLimit)
	defer cancel()
	revision, err := put(ctx, kv, keyShift, s, f.revision)
	if err != nil {
		return err
	}
	f.revision, f.since, f.shift = revision, time.Now(), s
	return nil
}

// auditPortion accounts for the next sequences, and reports whether others may
// follow at once. What it found counts only if the shift is still this
// process's: another one finds it again.
func (f *follower) auditPortion(ctx context.Context, kv jetstream.KeyValue) (bool, error) {
	s, l := f.shift, &report{}
	if err := f.scan.readFloor(ctx); err != nil {
		return false, err
	}
	if err := f.beginPass(ctx, &s, l); err != nil {
		return false, err
	}
	todo := span{s.Next, min(f.scan.floor, s.Next+uint64(f.limit.Burst())-1)}
	if !todo.empty() {
		f.scan.report = l
		if err := f.scan.accountFor(ctx, todo, func(uint64) error { return nil }); err != nil {
			return false, err
		}
		s.Next = todo.to + 1
	}
	if err := f.saveLease(ctx, kv, s); err != nil {
		return false, err
	}
	f.reportMissing(ctx, l)
	if todo.empty() {
		return false, nil
	}
	f.metrics.position.Set(float64(todo.to))
	return true, f.limit.WaitN(ctx, int(todo.to-todo.from+1))
}

// beginPass begins a pass when there is none or the last one is old, and puts what
// the stream lost at its end since into the ledger.
func (f *follower) beginPass(ctx context.Context, s *shift, l *report) error {
	ctx, cancel := context.WithTimeout(ctx, requestLimit)
	defer cancel()
	marks, err := f.marks.readRecord(ctx)
	if err != nil {
		return err
	}
	now := f.cfg.Now().UTC()
	if s.Epoch != marks.Epoch {
		*s = shift{Epoch: marks.Epoch, Began: now, Runner: s.Runner}
	}
	if s.Next > f.scan.floor && now.Sub(s.Began) >= passEvery {
		s.Next, s.Began = 0, now
	}
	s.Next = max(s.Next, marks.KeptFrom)
	for _, loss := range marks.Losses {
		if loss.At.After(s.Losses) {
			l.addLostTail([]Loss{loss}, 1, math.MaxUint64)
			s.Losses = loss.At
		}
	}
	return nil
}

// reportMissing counts and logs what is missing.
func (f *follower) reportMissing(ctx context.Context, l *report) {
	f.metrics.countMissing(l.Account)
	for _, r := range l.MissingRanges {
		f.cfg.Logger.LogAttrs(ctx, slog.LevelError, "accepted events are missing",
			slog.String("in", r.Reason), slog.Uint64("from_seq", r.From), slog.Uint64("to_seq", r.To))
	}
}

// releaseLease lets another process go on at once.
func (f *follower) releaseLease(ctx context.Context) {
	if !f.mine {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), handOverLimit)
	defer cancel()
	kv, err := f.openBucket(ctx)
	if err != nil {
		return // the lease ends by itself
	}
	s := f.shift
	s.Runner = ""
	_ = f.saveLease(ctx, kv, s)
}
