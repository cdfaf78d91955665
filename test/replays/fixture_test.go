package replays

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/api/client"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/test/chaos"
	"github.com/theeye/theeye/test/harness"
)

// pageviews is where the schema is that the tests change.
const pageviews = "/v1/schemas/page%20interaction/pageview"

// mistake is a schema of pageviews that rejects a quarter of the sound ones, by
// the last digit of the marker, and stores those that lack a path.
const mistake = `{"$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "required": ["host"],
 "properties": {"host": {"type": "string"}, "marker": {"type": "string", "pattern": "[4-9a-f]$"}}}`

// rules are one of the two schemas with the outcomes that it leads to.
type rules struct {
	name, schema string
	code         func(*chaos.Entry) string
}

// byMistake is what the mistake makes of an event.
func byMistake(e *chaos.Entry) string {
	switch {
	case e.Kind == chaos.Unregistered:
		return "unknown_type"
	case e.Want.Name == "pageview" && strings.ContainsAny(e.Marker[len(e.Marker)-1:], "0123"):
		return "schema_violation"
	}
	return ""
}

// bothRules returns the mistake and its correction, the sample schema.
func bothRules(t *testing.T) (mistaken, fixed rules) {
	t.Helper()
	sample, err := os.ReadFile(filepath.Join("..", "..", "shared", "registry", "declare", "sample", "schemas", "page=20interaction", "pageview.json"))
	if err != nil {
		t.Fatal(err)
	}
	return rules{"mistaken", mistake, byMistake}, rules{"fixed", string(sample), nil}
}

// site is a running pipeline and the record of the events sent to it.
type site struct {
	*harness.Pipeline
	t      *testing.T
	ledger *chaos.Ledger
	loads  uint64
}

// split is a site of apart services over MongoDB that begins with the mistake.
// change, where set, changes the processes before they start.
func split(t *testing.T, change func(*harness.Pipeline)) *site {
	t.Helper()
	dir := t.TempDir()
	p, err := harness.Split(build(t), dir)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "config", "schemas", "page=20interaction", "pageview.json")
	if err := os.WriteFile(file, []byte(mistake), 0o600); err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(p)
	}
	return started(t, p)
}

func build(t *testing.T) harness.Binaries {
	t.Helper()
	bin, err := harness.Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return bin
}

func started(t *testing.T, p *harness.Pipeline) *site {
	t.Helper()
	s := &site{Pipeline: p, t: t, ledger: chaos.NewLedger()}
	t.Cleanup(func() {
		p.Stop()
		if err := p.DropDatabase(context.Background()); err != nil {
			t.Error(err)
		}
	})
	if err := p.Start(s.within(time.Minute)); err != nil {
		t.Fatal(err)
	}
	return s
}

// within is a context for one step.
func (s *site) within(d time.Duration) context.Context {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), d)
	s.t.Cleanup(cancel)
	return ctx
}

// insist fails the test if do does not succeed in time.
func (s *site) insist(d time.Duration, what string, do func(context.Context) error) {
	s.t.Helper()
	ctx := s.within(d)
	if err := harness.Poll(ctx, func() error { return do(ctx) }); err != nil {
		s.lastWords()
		s.t.Fatalf("%s: %v", what, err)
	}
}

// lastWords logs what those said last that run jobs.
func (s *site) lastWords() {
	s.t.Helper()
	for _, p := range s.jobProcesses() {
		text := p.Output()
		s.t.Logf("%s said last:\n%s", p.Name, text[max(0, len(text)-2000):])
	}
}

// traffic sends events until the returned function is called, which waits until
// every one of them is accepted.
func (s *site) traffic(clients, perSecond int) (end func()) {
	s.t.Helper()
	s.loads++
	load := &chaos.Load{URL: s.Collector, Key: s.Key, Clients: clients, PerSecond: perSecond, Seed: s.loads, Ledger: s.ledger}
	ctx, stop := context.WithCancel(s.t.Context())
	done := make(chan error, 1)
	go func() { done <- load.Run(ctx, s.t.Context()) }()
	ended := false
	end = func() {
		stop()
		if ended {
			return
		}
		ended = true
		if err := <-done; err != nil {
			s.t.Errorf("an answer broke the contract: %v", err)
		}
	}
	s.t.Cleanup(end)
	return end
}

// fill sends until so many contents were accepted.
func (s *site) fill(n int) {
	s.t.Helper()
	end := s.traffic(8, 1000)
	s.insist(2*time.Minute, "the load is accepted", func(context.Context) error {
		if have := s.ledger.Accepted(); have < n {
			return fmt.Errorf("%d of %d events are accepted", have, n)
		}
		return nil
	})
	end()
}

// publish puts the schema of pageviews. Doing it twice changes nothing.
func (s *site) publish(r rules) {
	s.t.Helper()
	s.insist(time.Minute, "put the "+r.name+" schema", func(ctx context.Context) error {
		var now json.RawMessage
		resp, err := s.Call(ctx, client.Request{Method: http.MethodGet, Path: pageviews}, &now)
		if err != nil {
			return err
		}
		if same(now, []byte(r.schema)) {
			return nil
		}
		_, err = s.Call(ctx, client.Request{
			Method: http.MethodPut, Path: pageviews, Body: []byte(r.schema), IfMatch: client.Match(resp.Revision()),
		}, nil)
		return err
	})
	s.ledger.Code = r.code
}

// same compares two documents as JSON.
func same(a, b []byte) bool {
	var x, y any
	if errors.Join(json.Unmarshal(a, &x), json.Unmarshal(b, &y)) != nil {
		return false
	}
	m, _ := json.Marshal(x)
	n, _ := json.Marshal(y)
	return string(m) == string(n)
}

// start starts a job. While services come and go, an answer may be lost, and
// another job of the kind be made.
func (s *site) start(path string, body map[string]any) api.Job {
	s.t.Helper()
	var j api.Job
	s.insist(time.Minute, "start a job", func(ctx context.Context) (err error) {
		j, err = s.StartJob(ctx, path, body)
		var answer *client.ProblemError
		if errors.As(err, &answer) && answer.Status == http.StatusUnprocessableEntity {
			return harness.Final(err)
		}
		return err
	})
	return j
}

// finish waits for the end of a job.
func (s *site) finish(path string, j api.Job, d time.Duration) api.Job {
	s.t.Helper()
	ctx := s.within(d)
	j, err := s.AwaitJob(ctx, path, j.ID)
	if err != nil {
		s.lastWords()
		s.t.Fatal(err)
	}
	return j
}

// replay runs a replay of everything to its end.
func (s *site) replay(d time.Duration) api.Job {
	s.t.Helper()
	return s.finish(api.PathReplays, s.start(api.PathReplays, map[string]any{}), d)
}

// documents reads everything that the store holds.
func (s *site) documents() []*chaos.Document {
	s.t.Helper()
	var docs []*chaos.Document
	s.insist(time.Minute, "read the outcomes", func(ctx context.Context) (err error) {
		docs, err = chaos.ReadAll(ctx, s.Query, s.Token)
		return err
	})
	return docs
}

// below are findings of documents that are below a revision. A conflict is
// final: no replay changes it, and it stays at the revision that found it.
func below(docs []*chaos.Document, revision uint64) (findings []string) {
	for _, d := range docs {
		if d.Revision < revision && !conflict(d) {
			findings = append(findings, fmt.Sprintf("old: event %s at %d is of revision %d, below %d",
				d.EventID, d.Origin.Seq, d.Revision, revision))
		}
	}
	return findings
}

func conflict(d *chaos.Document) bool {
	for _, e := range d.Errors {
		if e.Code == "id_conflict" {
			return true
		}
	}
	return false
}

// reportFindings fails the test with the findings, the first few in full.
func (s *site) reportFindings(when string, findings []string) {
	s.t.Helper()
	for i, f := range findings {
		if i == 10 {
			s.t.Errorf("%s: and %d more", when, len(findings)-i)
			return
		}
		s.t.Errorf("%s: %s", when, f)
	}
}

// audit runs an audit of everything and returns its account.
func (s *site) audit(d time.Duration) job.Account {
	s.t.Helper()
	return s.account(s.finish(api.PathAudits, s.start(api.PathAudits, map[string]any{}), d))
}

func (s *site) account(j api.Job) job.Account {
	s.t.Helper()
	var a job.Account
	if err := json.Unmarshal(j.Report, &a); err != nil {
		s.t.Fatalf("the report of audit %s: %v", j.ID, err)
	}
	return a
}

func (s *site) changes(j api.Job) job.Changes {
	s.t.Helper()
	var c job.Changes
	if err := json.Unmarshal(j.Report, &c); err != nil {
		s.t.Fatalf("the report of job %s: %v", j.ID, err)
	}
	return c
}

// clean holds an account against what a stream must hold of which nothing is
// missing.
func clean(a job.Account) error {
	if a.Missing != 0 || a.LostInStream != 0 || a.LostTail != 0 || a.Pending != 0 {
		return fmt.Errorf("the audit is not clean: %+v", a)
	}
	if sum := a.Stored + a.Rejected + a.Duplicate + a.Expired + a.Purged; sum != a.ToSeq-a.FromSeq+1 {
		return fmt.Errorf("the audit accounts for %d of the sequences %d to %d", sum, a.FromSeq, a.ToSeq)
	}
	return nil
}
