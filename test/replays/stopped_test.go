package replays

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/heartbeat"
	"github.com/theeye/theeye/test/faultproxy"
	"github.com/theeye/theeye/test/harness"
)

// One of two processors is stopped during a replay to the fixed schema and one
// back to the mistake, each time with a batch in
// flight, while events arrive. Its validation by the earlier revision is not
// stored.
func TestProcessorSleepsThroughReplays(t *testing.T) {
	t.Parallel()
	s := split(t, nil)
	mistaken, fixed := bothRules(t)
	s.ledger.Code = mistaken.code
	sleeper := s.FindProcesses("processor")[0]
	for _, by := range []rules{fixed, mistaken} {
		end := s.traffic(4, 20)
		s.awaitHeartbeats("one of them has a batch in flight", func(beats []heartbeat.Beat) bool { return len(beats) > 0 })
		s.stop(sleeper)
		s.publish(by)
		j := s.replay(time.Minute)
		s.wake(sleeper)
		end()
		s.quiet(time.Minute)
		docs := s.documents()
		s.reportFindings("after it woke up", append(below(docs, j.TargetRevision), s.ledger.Check(docs)...))
	}
}

// A processor is stopped while the write of a validated batch is on its way to the
// database. The write arrives after the replay has ended.
func TestWriteArrivesAfterTheReplay(t *testing.T) {
	t.Parallel()
	var wire *faultproxy.Proxy
	s := split(t, func(p *harness.Pipeline) { wire = databaseOf(t, p, p.FindProcesses("processor")[0]) })
	mistaken, fixed := bothRules(t)
	s.ledger.Code = mistaken.code
	sleeper := s.FindProcesses("processor")[0]
	end := s.traffic(4, 20)
	wire.Hold()
	seen := map[string]heartbeat.Beat{}
	s.awaitHeartbeats("its write is on the way", func(beats []heartbeat.Beat) bool {
		for _, b := range beats {
			if before, ok := seen[b.Instance]; ok && b.SeenAt.Sub(before.SeenAt) > 3*time.Second {
				return true // the other one is done within a moment
			} else if !ok {
				seen[b.Instance] = b
			}
		}
		for instance := range seen {
			if !has(beats, instance) {
				delete(seen, instance)
			}
		}
		return false
	})
	s.stop(sleeper)
	s.publish(fixed)
	j := s.replay(time.Minute)
	wire.Restore()
	s.wake(sleeper)
	end()
	s.quiet(time.Minute)
	docs := s.documents()
	s.reportFindings("after the write arrived", append(below(docs, j.TargetRevision), s.ledger.Check(docs)...))
}

// stop stops a process; it goes on before the test ends.
func (s *site) stop(p *harness.Process) {
	s.t.Helper()
	if err := p.Signal(syscall.SIGSTOP); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = p.Signal(syscall.SIGCONT) })
}

func (s *site) wake(p *harness.Process) {
	s.t.Helper()
	if err := p.Signal(syscall.SIGCONT); err != nil {
		s.t.Fatal(err)
	}
}

// awaitHeartbeats waits until the batches in flight that the processors' heartbeats
// report are as wanted.
func (s *site) awaitHeartbeats(what string, wanted func([]heartbeat.Beat) bool) {
	s.t.Helper()
	js := s.jetStream()
	s.insist(time.Minute, what, func(ctx context.Context) error {
		all, err := heartbeat.List(ctx, js)
		if err != nil {
			return err
		}
		var busy []heartbeat.Beat
		for _, b := range all {
			if b.Service == "processor" && b.OldestRevision != 0 {
				busy = append(busy, b)
			}
		}
		if !wanted(busy) {
			return errors.New("not yet")
		}
		return nil
	})
}

func has(beats []heartbeat.Beat, instance string) bool {
	for _, b := range beats {
		if b.Instance == instance {
			return true
		}
	}
	return false
}

// databaseOf puts a proxy before the database of one process.
func databaseOf(t *testing.T, p *harness.Pipeline, of *harness.Process) *faultproxy.Proxy {
	t.Helper()
	uri, _ := p.Database()
	parsed, err := url.Parse(uri)
	if err != nil {
		t.Fatal(err)
	}
	proxy, err := faultproxy.New(parsed.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = proxy.Close() })
	parsed.Host = proxy.Addr()
	for i, setting := range of.Env {
		if strings.HasPrefix(setting, "EYE_MONGO_URI=") {
			of.Env[i] = "EYE_MONGO_URI=" + parsed.String()
		}
	}
	return proxy
}
