package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/theeye/theeye/test/harness"
)

// quantile returns the q-quantile of d, which it sorts.
func quantile(d []time.Duration, q float64) time.Duration {
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	return d[min(len(d)-1, int(q*float64(len(d))))]
}

// latencies gathers durations. It is safe for concurrent use.
type latencies struct {
	mu sync.Mutex
	d  []time.Duration
}

func (l *latencies) addSample(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.d = append(l.d, d)
}

func (l *latencies) sampleCount() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.d)
}

func (l *latencies) quantile(q float64) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return quantile(l.d, q)
}

// openLoop calls do at a steady rate for d, whatever the earlier calls do, and
// waits for all of them. At most 1,000 calls run at once; a call beyond waits
// and its wait counts, for do gets the moment it was due.
func openLoop(ctx context.Context, perSecond int, d time.Duration, do func(context.Context, time.Time) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	slots := make(chan struct{}, 1000)
	var wg sync.WaitGroup
	start := time.Now()
	for i := range int(d.Seconds() * float64(perSecond)) {
		due := start.Add(time.Duration(i) * time.Second / time.Duration(perSecond))
		time.Sleep(time.Until(due))
		slots <- struct{}{}
		if ctx.Err() != nil {
			break
		}
		wg.Add(1)
		go func() {
			defer func() { <-slots; wg.Done() }()
			if err := do(ctx, due); err != nil {
				cancel(err)
			}
		}()
	}
	wg.Wait()
	return context.Cause(ctx)
}

// untilQueryable posts one event and measures the answer; each sampled one is
// then asked for by id until it is found.
type untilQueryable struct {
	*sender
	answer, queryable latencies
	n                 int
	mu                sync.Mutex
}

// every is how many events share one sample of the time until queryable, so
// that asking does not become the load.
const every = 20

func (u *untilQueryable) measureOne(ctx context.Context, due time.Time) error {
	u.mu.Lock()
	u.n++
	sampled := u.n%every == 0
	u.mu.Unlock()
	id := uuid.Must(uuid.NewV7()).String()
	body := fmt.Appendf(nil, `{"event_id":%q,"session_id":"e2085be5-9137-4e4e-80b5-f1ffddc25423","category":"page interaction",`+
		`"name":"pageview","data":{"host":"www.example.com","path":"/"},"timestamp":%q}`, id, due.UTC().Format(time.RFC3339Nano))
	if err := u.postBody(ctx, body); err != nil {
		return err
	}
	u.answer.addSample(time.Since(due))
	if !sampled {
		return nil
	}
	err := harness.Poll(ctx, func() error { return u.awaitStored(ctx, id) })
	u.queryable.addSample(time.Since(due))
	return err
}

func (u *untilQueryable) awaitStored(ctx context.Context, id string) error {
	var answer struct {
		Status string `json:"status"`
	}
	if err := u.getJSON(ctx, "/v1/events/"+id+"?application=demo", &answer); err != nil {
		return err
	}
	if answer.Status != "stored" {
		return fmt.Errorf("event %s is %s", id, answer.Status)
	}
	return nil
}

// getJSON asks the query API and decodes its answer into to, or drops it.
func (s *sender) getJSON(ctx context.Context, path string, to any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.pipeline.Query+path, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+s.pipeline.Token)
	resp, err := s.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %d", path, resp.StatusCode)
	}
	if to == nil {
		_, err = io.Copy(io.Discard, resp.Body)
		return err
	}
	return json.NewDecoder(resp.Body).Decode(to)
}
