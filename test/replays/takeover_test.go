package replays

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/test/harness"
)

// takeoverEvents are enough for a job to be killed in the middle, and more than
// one of a replay's or an audit's portions.
const takeoverEvents = 8_000

// The one process that runs everything is killed; it goes on with the job when
// it is back.
func TestSingleIsKilledAtItsJob(t *testing.T) {
	t.Parallel()
	p, err := harness.Single(build(t), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s := started(t, p)
	s.killAtEachJob(func(victim *harness.Process) {
		if err := restart(victim); err != nil {
			t.Fatal(err)
		}
	})
	s.insist(time.Minute, "everything has its outcome", s.CheckIdle)
	s.examine()
}

// One of two processors is killed and stays away; the other one takes its job
// over.
func TestProcessorIsKilledAtItsJob(t *testing.T) {
	t.Parallel()
	s := split(t, nil)
	_, fixed := bothRules(t)
	s.publish(fixed)
	s.killAtEachJob(func(victim *harness.Process) {
		if err := victim.Kill(); err != nil {
			t.Fatal(err)
		}
	})
	s.quiet(time.Minute)
	s.examine()
}

// killAtEachJob runs each kind of job twice: undisturbed, and with kill called
// for the process that runs it. Both must report the same.
func (s *site) killAtEachJob(kill func(*harness.Process)) {
	s.t.Helper()
	mistaken, fixed := bothRules(s.t)
	s.fill(takeoverEvents)
	s.insist(2*time.Minute, "everything has its outcome", s.CheckIdle)
	dryRun := map[string]any{"dry_run": true, "schemas": []any{map[string]any{
		"category": "page interaction", "name": "pageview", "schema": json.RawMessage(mistaken.schema),
	}}}

	undisturbed := s.changes(s.finish(api.PathReplays, s.start(api.PathReplays, dryRun), time.Minute))
	killed := s.changes(s.killedAt(api.PathReplays, dryRun, kill))
	if diff := cmp.Diff(undisturbed, killed); diff != "" {
		s.t.Errorf("the dry run that was taken over reports otherwise (-undisturbed +taken over):\n%s", diff)
	}
	if killed.NewlyRejected == 0 || killed.NewlyValid == 0 || killed.Unchanged == 0 {
		s.t.Errorf("the dry run saw no change: %+v", killed)
	}

	before := s.audit(time.Minute)
	after := s.account(s.killedAt(api.PathAudits, map[string]any{}, kill))
	if diff := cmp.Diff(before, after); diff != "" {
		s.t.Errorf("the audit that was taken over reports otherwise (-undisturbed +taken over):\n%s", diff)
	}
	if err := clean(after); err != nil {
		s.t.Error(err)
	}

	s.publish(mistaken)
	there := s.killedAt(api.PathReplays, map[string]any{}, kill)
	s.complete("there", there, after.ToSeq)
	s.reportFindings("there", below(s.documents(), there.TargetRevision))
	s.reportFindings("there", s.ledger.Check(s.documents()))
	s.publish(fixed)
	s.complete("and back", s.killedAt(api.PathReplays, map[string]any{"rate": takeoverEvents / 5}, kill), after.ToSeq)
}

// complete checks that a report counts every message of the stream once.
func (s *site) complete(which string, j api.Job, messages uint64) {
	s.t.Helper()
	c := s.changes(j)
	if sum := counted(c); sum != messages {
		s.t.Errorf("%s: the replay accounts for %d of %d events: %+v", which, sum, messages, c)
	}
}

func counted(c job.Changes) uint64 {
	return c.NewlyValid + c.NewlyRejected + c.StillRejected + c.Unchanged + c.Pending + c.Duplicates + c.Expired
}

// examine looks at everything once more.
func (s *site) examine() {
	s.t.Helper()
	s.reportFindings("in the end", s.ledger.Check(s.documents()))
	if err := clean(s.audit(time.Minute)); err != nil {
		s.t.Error(err)
	}
}

// killedAt runs a job whose process is killed after it has saved how far it is.
// The processes run slowly until then.
func (s *site) killedAt(path string, body map[string]any, kill func(*harness.Process)) api.Job {
	s.t.Helper()
	processes := s.jobProcesses()
	slow, fast := context.WithCancel(s.t.Context())
	defer fast()
	slowed := make(chan struct{})
	go func() { defer close(slowed); slowDown(slow, processes) }()

	j := s.start(path, body)
	s.insist(time.Minute, "the job is in the middle", func(ctx context.Context) error {
		now, err := s.Job(ctx, path, j.ID)
		switch {
		case err != nil:
			return err
		case now.State.Final():
			return harness.Final(errors.New("the job was over before it could be killed"))
		case now.Done == 0:
			return fmt.Errorf("it is %s, %s", now.State, now.Phase)
		}
		j = now
		return nil
	})
	fast()
	<-slowed
	i := slices.IndexFunc(processes, func(p *harness.Process) bool { return runs(p, j.ID) })
	if i < 0 {
		s.t.Fatalf("no process says that it runs job %s", j.ID)
	}
	kill(processes[i])
	s.t.Logf("%s killed at %d of %d", processes[i].Name, j.Done, j.Total)
	done := s.finish(path, j, time.Minute)
	if done.Done != done.Total {
		s.t.Errorf("the job is done at %d of %d", done.Done, done.Total)
	}
	for _, p := range processes {
		if err := p.Kill(); err != nil && !errors.Is(err, harness.ErrExited) {
			s.t.Fatal(err)
		}
		if err := p.Start(s.within(time.Minute)); err != nil {
			s.t.Fatal(err)
		}
	}
	return done
}

// jobProcesses are those that may run jobs.
func (s *site) jobProcesses() []*harness.Process {
	if found := s.FindProcesses("processor"); len(found) > 0 {
		return found
	}
	return s.FindProcesses("theeye")
}

// runs reports whether the last line that a process logged of a job says that it runs it.
func runs(p *harness.Process, id string) bool {
	taken := false
	for line := range strings.Lines(p.Output()) {
		if strings.Contains(line, id) {
			taken = strings.Contains(line, "job started")
		}
	}
	return taken
}

// slowDown lets processes run a fifth of the time, until ctx ends.
func slowDown(ctx context.Context, processes []*harness.Process) {
	for ctx.Err() == nil {
		for _, p := range processes {
			_ = p.Signal(syscall.SIGSTOP)
		}
		rest(ctx, 80*time.Millisecond)
		for _, p := range processes {
			_ = p.Signal(syscall.SIGCONT)
		}
		rest(ctx, 20*time.Millisecond)
	}
}
