package replays

import (
	"context"
	"errors"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/test/harness"
)

// The kills come with short pauses, in which a job is taken over again and again,
// and some longer ones, in which a replay makes progress.
const (
	// shortKills is the number of kills by default; `make chaos` sets
	// EYE_CHAOS_KILLS.
	shortKills    = 20
	eventsPerKill = 200
	shortPause    = 200 * time.Millisecond
	longPause     = 3 * time.Second
	// burst is the number of consecutive kills of NATS: a replay waits for the
	// processors' heartbeats for some seconds before it takes the list for
	// complete.
	burst = 2
)

// pause returns the time until the next fault.
func pause(r *rand.Rand) time.Duration {
	if r.IntN(4) == 0 {
		return time.Duration(r.Int64N(int64(longPause)))
	}
	return time.Duration(r.Int64N(int64(shortPause)))
}

// One replay follows the other, to the fixed schema and back to the mistake,
// while events arrive, processors and NATS are killed, and processors stop for
// up to some seconds with batches of an older revision in flight. After each
// replay no document may be below its target, or have another outcome than by its
// schema; in the end no event may be missing, and the audit agrees.
func TestReplaysInAStorm(t *testing.T) {
	kills := number(t, "EYE_CHAOS_KILLS", shortKills)
	s, r := split(t, nil), choices(t)
	mistaken, fixed := bothRules(t)
	s.ledger.Code = mistaken.code
	events := kills * eventsPerKill
	s.fill(events * 8 / 10)
	endTraffic := s.traffic(2, 4)

	stormy, calm := context.WithTimeout(t.Context(), time.Minute+time.Duration(kills)*2*time.Second)
	defer calm()
	result := make(chan storm, 1)
	go func() { result <- s.injectFaults(stormy, r, kills, max(kills/5, 1)) }()

	var ended *storm
	rounds, both := 0, []rules{fixed, mistaken}
	for ended == nil {
		select {
		case done := <-result:
			ended = &done
		default:
			s.round(both[rounds%2])
			rounds++
		}
	}
	if ended.err != nil {
		t.Fatal(ended.err)
	}
	s.insist(time.Minute, "everything is back", s.AwaitReady)
	s.insist(time.Minute, "enough is accepted", func(context.Context) error {
		if s.ledger.Accepted() < events {
			return errors.New("the load goes on")
		}
		return nil
	})
	s.round(fixed)
	endTraffic()
	s.quiet(time.Minute)
	docs := s.documents()
	s.reportFindings("in the end", s.ledger.Check(docs))
	account := s.audit(time.Minute)
	if err := clean(account); err != nil {
		t.Error(err)
	}
	s.reportFindings("alarms", s.Alarms())
	t.Logf("%d processors and %d servers killed, %d processors stopped for a while; %d replays during that; "+
		"%d contents accepted, %d documents; audit: %d stored, %d rejected, %d duplicates",
		ended.processors, ended.servers, ended.stops, rounds, s.ledger.Accepted(), len(docs),
		account.Stored, account.Rejected, account.Duplicate)
}

// round publishes rules and replays everything by them, and looks at the store
// when the replay says that it is done.
func (s *site) round(by rules) {
	s.t.Helper()
	s.publish(by)
	j := s.replay(4 * time.Minute)
	docs := s.documents()
	s.reportFindings("after the replay to "+by.name, below(docs, j.TargetRevision))
	s.reportFindings("after the replay to "+by.name, wrong(s.ledger.Check(docs)))
	c := s.changes(j)
	s.t.Logf("replay to %s, revision %d: %d newly valid, %d newly rejected, %d still rejected, %d unchanged, %d copies, in %s, by %d processes",
		by.name, j.TargetRevision, c.NewlyValid, c.NewlyRejected, c.StillRejected, c.Unchanged, c.Duplicates,
		j.EndedAt.Sub(j.StartedAt.Time), s.runs(j))
}

// runs is how often a process took a job up.
func (s *site) runs(j api.Job) (n int) {
	s.t.Helper()
	js := s.jetStream()
	s.insist(time.Minute, "read the record of the job", func(ctx context.Context) error {
		bucket, err := job.Open(ctx, js)
		if err != nil {
			return err
		}
		e, err := bucket.Get(ctx, j.ID)
		n = e.Runs
		return err
	})
	return n
}

// storm counts the faults that were injected.
type storm struct {
	processors, servers, stops int
	err                        error
}

// injectFaults kills and stops processes at random moments and starts those killed again
// at once.
func (s *site) injectFaults(ctx context.Context, r *rand.Rand, processors, servers int) (done storm) {
	victims := s.FindProcesses("processor")
	for done.err == nil && (done.processors < processors || done.servers < servers) {
		rest(ctx, pause(r))
		if ctx.Err() != nil {
			done.err = ctx.Err()
			return done
		}
		left := processors - done.processors + servers - done.servers
		victim := victims[r.IntN(len(victims))]
		switch {
		case r.IntN(left) < servers-done.servers && r.IntN(burst) == 0:
			for range min(burst, servers-done.servers) {
				done.err = errors.Join(done.err, restart(s.NATS.Process))
				done.servers++
				rest(ctx, time.Duration(r.Int64N(int64(300*time.Millisecond))))
			}
		case r.IntN(8) == 0:
			if victim.Signal(syscall.SIGSTOP) == nil {
				done.stops++
			}
			time.AfterFunc(time.Duration(r.Int64N(int64(8*time.Second))), func() { _ = victim.Signal(syscall.SIGCONT) })
		case done.processors < processors:
			done.err = restart(victim)
			done.processors++
		}
	}
	for _, victim := range victims {
		_ = victim.Signal(syscall.SIGCONT)
	}
	return done
}

func restart(p *harness.Process) error {
	if err := p.Kill(); err != nil {
		return err
	}
	return p.Launch()
}

// rest waits for d or the end of ctx.
func rest(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
