package standalone_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/test/harness"
)

// The load: types whose schema is put again and again, while events of them
// arrive and are processed.
const (
	loadTypes   = 4
	putsOfType  = 500
	loadSenders = 2
	// eventsOfBatch is how many events come in one request, putsOfBatch how many
	// versions of a type for each request.
	eventsOfBatch = 50
	putsOfBatch   = 10
	// leastRevisions is how many revisions must have validated events: with fewer the
	// test would show nothing.
	leastRevisions = 100
)

// members are what an event may have, and a version of a schema require.
var members = []string{"a", "b", "c", "d"}

// put is a version of a schema: its revision and the member that it requires.
type put struct {
	revision uint64
	requires string
}

// While the registry changes, the outcome of each event is that of the revision
// which its document names.
func TestOutcomesFollowTheRevisionTheyName(t *testing.T) {
	p := start(t, config(t, t.TempDir()))
	puts := make([][]put, loadTypes)
	for i := range puts {
		puts[i] = []put{p.putVersion(i, members[0], 0)}
	}
	p.awaitServices(float64(puts[loadTypes-1][0].revision)) // no event comes before its type
	var putting, sending sync.WaitGroup
	var sent atomic.Int64
	turns := make(chan int) // of the senders
	for i := range puts {
		putting.Go(func() {
			for n := range putsOfType - 1 {
				last := puts[i][len(puts[i])-1]
				puts[i] = append(puts[i], p.putVersion(i, members[(n+1)%len(members)], last.revision))
				if n%putsOfBatch == 0 {
					turns <- n
				}
			}
		})
	}
	for s := range loadSenders {
		sending.Go(func() {
			for n := range turns {
				sent.Add(int64(p.sendLoad(fmt.Sprintf("%d-%d-%d", s, n, sent.Load()))))
			}
		})
	}
	putting.Wait()
	close(turns)
	sending.Wait()
	p.awaitNoLag()

	revisions, events := map[uint64]bool{}, int64(0)
	p.eachOutcome(func(o outcomeOf) {
		events++
		revisions[o.Revision] = true
		if err := o.check(puts); err != nil {
			t.Error(err)
		}
	})
	t.Logf("%d puts, %d events validated by %d revisions", loadTypes*putsOfType, events, len(revisions))
	if events != sent.Load() || len(revisions) < leastRevisions {
		t.Errorf("%d of %d events have an outcome, by %d revisions", events, sent.Load(), len(revisions))
	}
}

// awaitNoLag waits until every accepted event has its outcome.
func (p *app) awaitNoLag() {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), time.Minute)
	defer cancel()
	if err := harness.Poll(ctx, func() error {
		code, answer := p.call(http.MethodGet, "/v1/status", registry.DevOperatorToken, "")
		lag, _ := answer["lag"].(map[string]any)
		if code != http.StatusOK || lag["events"] != 0.0 {
			return fmt.Errorf("status %d: %v", code, lag)
		}
		return nil
	}); err != nil {
		p.t.Fatal(err)
	}
}

// putVersion puts the schema of a type that requires one member.
func (p *app) putVersion(i int, requires string, replaces uint64) put {
	p.t.Helper()
	schema := fmt.Sprintf(`{"type": "object", "required": [%q]}`, requires)
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodPut,
		fmt.Sprintf("http://%s/v1/schemas/load/%d", p.Addr(), i), strings.NewReader(schema))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+registry.DevOperatorToken)
	if replaces > 0 {
		req.Header.Set("If-Match", fmt.Sprintf("%q", fmt.Sprint(replaces)))
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Error(err)
		return put{replaces, requires}
	}
	defer func() { _ = resp.Body.Close() }()
	var answer struct {
		Revision uint64 `json:"revision"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || resp.StatusCode >= http.StatusMultipleChoices {
		p.t.Errorf("putting answers %d, %v", resp.StatusCode, err)
	}
	return put{answer.Revision, requires}
}

// sendLoad sends a batch of events, with any of the members each, and returns
// how many.
func (p *app) sendLoad(id string) int {
	var body bytes.Buffer
	for n := range eventsOfBatch {
		data := map[string]int{}
		for _, m := range members {
			if rand.IntN(2) == 0 {
				data[m] = n
			}
		}
		raw, err := json.Marshal(data)
		if err != nil {
			p.t.Error(err)
		}
		fmt.Fprintf(&body, `{"event_id": "%s-%d", "session_id": "e2085be5-9137-4e4e-80b5-f1ffddc25423", "category": "load",
			"name": "%d", "data": %s, "timestamp": "2021-01-01 09:15:27"}%s`, id, n, n%loadTypes, raw, ",")
	}
	code, answer := p.call(http.MethodPost, "/v1/events", registry.DevWriteKey, "["+strings.TrimSuffix(body.String(), ",")+"]")
	if code != http.StatusAccepted {
		p.t.Errorf("sending answers %d %v", code, answer)
		return 0
	}
	return eventsOfBatch
}

// outcomeOf is what the test needs of an answer's event.
type outcomeOf struct {
	EventID       string         `json:"event_id"`
	Name          string         `json:"name"`
	Status        string         `json:"status"`
	Data          map[string]int `json:"data"`
	Revision      uint64         `json:"revision"`
	SchemaVersion uint64         `json:"schema_version"`
}

// check compares an outcome with the version that was newest at its revision.
func (o outcomeOf) check(puts [][]put) error {
	var typ int
	if _, err := fmt.Sscan(o.Name, &typ); err != nil {
		return fmt.Errorf("event %s is of type %q", o.EventID, o.Name)
	}
	versions := puts[typ]
	i, found := slices.BinarySearchFunc(versions, o.Revision, func(v put, r uint64) int { return cmp.Compare(v.revision, r) })
	if !found {
		i--
	}
	if i < 0 {
		return fmt.Errorf("event %s was validated by revision %d, before its type was known", o.EventID, o.Revision)
	}
	want := "rejected"
	if _, has := o.Data[versions[i].requires]; has {
		want = "stored"
	}
	if o.Status != want || o.SchemaVersion != versions[i].revision {
		return fmt.Errorf("event %s is %s by revision %d and schema %d; that is %s by schema %d",
			o.EventID, o.Status, o.Revision, o.SchemaVersion, want, versions[i].revision)
	}
	return nil
}

// eachOutcome reads all events of the load, stored and rejected ones.
func (p *app) eachOutcome(use func(outcomeOf)) {
	p.t.Helper()
	for _, path := range []string{"/v1/events", "/v1/rejected"} {
		cursor := ""
		for {
			query := url.Values{"category": {"load"}, "limit": {"1000"}}
			if cursor != "" {
				query.Set("cursor", cursor)
			}
			page := p.page(path + "?" + query.Encode())
			for _, o := range page.Events {
				use(o)
			}
			if cursor = page.NextCursor; cursor == "" {
				break
			}
		}
	}
}

type outcomePage struct {
	Events     []outcomeOf `json:"events"`
	NextCursor string      `json:"next_cursor"`
}

func (p *app) page(path string) (page outcomePage) {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, "http://"+p.Addr().String()+path, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+registry.DevOperatorToken)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if err := json.NewDecoder(resp.Body).Decode(&page); err != nil || resp.StatusCode != http.StatusOK {
		p.t.Fatalf("%s answers %d, %v", path, resp.StatusCode, err)
	}
	return page
}
