//go:build scenarios

package replays

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/api/client"
	"github.com/theeye/theeye/test/chaos"
	"github.com/theeye/theeye/test/faultproxy"
	"github.com/theeye/theeye/test/harness"
)

// Each scenario sets the one processor into the place where a part of the protocol
// alone keeps its old validation from the store, and runs with and without
// that part. Without it the fault must be found; with it there must be none.
func TestScenarios(t *testing.T) {
	for _, scenario := range []struct {
		name string
		run  func(*stage) (findings []string)
		// finding is the prefix of the finding that the planted bug causes.
		finding string
		bugs    []string
	}{
		{"stops between validate and write", stopsBeforeWrite, "old", []string{"no guard"}},
		{"wakes up with an old registry", wakesUpBehind, "old", []string{"no fence", "no catching up"}},
		{"is behind", isBehind, "old", []string{"no barrier"}},
		{"writes late what the selection had passed", writesLate, "event", []string{"hides its batches in flight"}},
	} {
		for _, planted := range append([]string{noBug}, scenario.bugs...) {
			t.Run(scenario.name+", "+planted, func(t *testing.T) {
				t.Parallel()
				s := newStage(t, planted)
				findings := scenario.run(s)
				if planted == noBug {
					s.reportFindings("without a bug", findings)
					return
				}
				s.requireFinding(findings, scenario.finding)
			})
		}
	}
}

// requireFinding fails the test unless one of the findings is the one that a
// bug must have.
func (s *stage) requireFinding(findings []string, want string) {
	s.t.Helper()
	s.t.Logf("%d findings", len(findings))
	if !slices.ContainsFunc(findings, func(f string) bool { return strings.HasPrefix(f, want) }) {
		s.reportFindings("others", findings)
		s.t.Errorf("the bug was not found: want a finding that begins with %q", want)
	}
}

// stage is a site of which processor 1 has the bug, a gate before its store, and
// a registry that can be held back.
type stage struct {
	*site
	first, second *harness.Process
	gate          string
	registry      *faultproxy.Proxy
	target        uint64
}

func newStage(t *testing.T, planted string) *stage {
	t.Helper()
	st := &stage{gate: filepath.Join(t.TempDir(), "gate")}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	st.site = split(t, func(p *harness.Pipeline) {
		proxy, err := faultproxy.New(strings.TrimPrefix(p.NATS.URL, "nats://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = proxy.Close() })
		st.registry = proxy
		direct := p.NATS.URLOf("processor")
		through := strings.Replace(direct, strings.TrimPrefix(p.NATS.URL, "nats://"), proxy.Addr(), 1)
		for i, processor := range p.FindProcesses("processor") {
			own := []string{roleVariable + "=" + noBug, registryVariable + "=" + direct}
			if i == 0 {
				st.first = processor
				own = []string{roleVariable + "=" + planted, registryVariable + "=" + through, gateVariable + "=" + st.gate}
			} else {
				st.second = processor
			}
			processor.Path, processor.Env = self, append(processor.Env, own...)
		}
	})
	mistaken, _ := bothRules(t)
	st.ledger.Code = mistaken.code
	return st
}

// more waits until so many more events were accepted.
func (s *stage) more(n int) {
	s.t.Helper()
	want := s.ledger.Accepted() + n
	s.insist(time.Minute, "more is accepted", func(context.Context) error {
		if have := s.ledger.Accepted(); have < want {
			return fmt.Errorf("%d of %d", have, want)
		}
		return nil
	})
}

func (s *stage) closeGate() {
	s.t.Helper()
	if err := os.WriteFile(s.gate, nil, 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) openGate() {
	s.t.Helper()
	if err := os.Remove(s.gate); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) awaitHeld() {
	s.t.Helper()
	s.insist(time.Minute, "a write waits at the gate", func(context.Context) error {
		_, err := os.Stat(heldBy(s.gate))
		return err
	})
}

// fix publishes the correction and starts a replay to it.
func (s *stage) fix(body map[string]any) api.Job {
	s.t.Helper()
	_, fixed := bothRules(s.t)
	s.publish(fixed)
	j := s.start(api.PathReplays, body)
	s.target = j.TargetRevision
	return j
}

func (s *stage) awaitRunning(j api.Job) {
	s.t.Helper()
	s.insist(time.Minute, "the replay is taken up", func(ctx context.Context) error {
		now, err := s.Job(ctx, api.PathReplays, j.ID)
		if err == nil && now.State == "queued" {
			err = errors.New(string(now.State))
		}
		return err
	})
}

// awaitWaiting waits until the phase of a replay begins with phase, or until it is
// done already, as with a bug.
func (s *stage) awaitWaiting(j api.Job, phase string) {
	s.t.Helper()
	s.insist(time.Minute, "the replay is "+phase, func(ctx context.Context) error {
		now, err := s.Job(ctx, api.PathReplays, j.ID)
		if err != nil || now.State == "done" || strings.HasPrefix(now.Phase, phase) {
			return err
		}
		return errors.New(string(now.State) + " " + now.Phase)
	})
}

// everything are the findings once nothing is in work any more.
func (s *stage) everything() []string {
	s.t.Helper()
	s.quiet(time.Minute)
	docs := s.documents()
	return append(below(docs, s.target), s.ledger.Check(docs)...)
}

// Its batch is validated and the write is under way when it stops. All other processes
// take it for gone, and the replay ends without it. Then the write arrives.
func stopsBeforeWrite(s *stage) []string {
	end := s.traffic(4, 20)
	s.more(300)
	s.closeGate()
	s.awaitHeld()
	s.stop(s.first)
	s.finish(api.PathReplays, s.fix(map[string]any{}), time.Minute)
	end()
	s.openGate()
	s.wake(s.first)
	return s.everything()
}

// It sleeps through the replay, and goes on with new events before it has heard
// of the new schema.
func wakesUpBehind(s *stage) []string {
	end := s.traffic(4, 20)
	s.more(300)
	s.registry.Hold()
	s.stop(s.first)
	s.finish(api.PathReplays, s.fix(map[string]any{}), time.Minute)
	s.wake(s.first)
	s.more(1500)
	end()
	s.registry.Restore()
	return s.everything()
}

// The processor receives the new schema late. The replay waits for it: events that
// arrive until then are in the range, and afterwards no process validates by the
// old schema.
func isBehind(s *stage) []string {
	end := s.traffic(4, 20)
	s.more(300)
	s.registry.Hold()
	_, fixed := bothRules(s.t)
	s.publish(fixed)
	// The other processor runs the replay, since the bug does not deceive its own
	// process. The stop is too short for this one to count as gone.
	s.stop(s.first)
	j := s.fix(map[string]any{})
	s.awaitRunning(j)
	s.wake(s.first)
	s.awaitWaiting(j, "waiting until every processor")
	s.more(1500)
	s.registry.Restore()
	s.finish(api.PathReplays, j, time.Minute)
	s.more(300)
	end()
	return s.everything()
}

// The processor has the first copy of an event in flight, validated by the mistaken
// schema, when the second copy is stored by the corrected one. A replay of rejected
// events skips the event; then the first copy is written, which precedes the second
// and is rejected.
func writesLate(s *stage) []string {
	r := rand.New(rand.NewPCG(1, 2))
	e := s.ledger.New(r)
	for byMistake(e) == "" {
		e = s.ledger.New(r)
	}
	s.closeGate()
	s.stop(s.second)
	s.send(e)
	s.awaitHeld()
	s.wake(s.second)
	_, fixed := bothRules(s.t)
	s.publish(fixed)
	s.insist(time.Minute, "a copy is stored", func(ctx context.Context) error {
		s.send(e)
		var found struct {
			Status string `json:"status"`
		}
		_, err := s.Call(ctx, client.Request{
			Method: http.MethodGet, Path: api.EventPath(e.EventID), Query: url.Values{"application": {"demo"}},
		}, &found)
		if err == nil && found.Status != "stored" {
			err = errors.New("the event is " + found.Status)
		}
		return err
	})
	j := s.fix(map[string]any{"only": "rejected"})
	s.awaitWaiting(j, "waiting until every batch validated before the replay is settled")
	s.openGate()
	s.finish(api.PathReplays, j, time.Minute)
	s.quiet(time.Minute)
	return s.ledger.Check(s.documents())
}

// send posts one event, once more at each call.
func (s *stage) send(e *chaos.Entry) {
	s.t.Helper()
	s.insist(time.Minute, "the event is accepted", func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.Collector+"/v1/events", strings.NewReader(string(e.Body)))
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer "+s.Key)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		defer func() { _ = resp.Body.Close() }()
		if resp.StatusCode != http.StatusAccepted {
			return fmt.Errorf("answer %d", resp.StatusCode)
		}
		return nil
	})
	s.ledger.Accept(e)
}
