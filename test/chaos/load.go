package chaos

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Load sends events from concurrent clients. A client whose request fails for
// any reason sends the same bytes again until they are accepted, as real
// clients do.
type Load struct {
	// URL is the collector's base address, Key a write key.
	URL, Key string
	// Clients is the number of concurrent clients.
	Clients int
	// PerSecond bounds the requests a second of each client.
	PerSecond int
	// Seed makes the events' shapes repeatable; their ids are always new.
	Seed   uint64
	Ledger *Ledger

	requests, failures atomic.Int64
}

// Run sends until ctx ends; requests begun before then have until the end of
// finish to be accepted. It returns an error for an answer that breaks the
// contract, but not for a request that is still unanswered.
func (l *Load) Run(ctx, finish context.Context) error {
	var wg sync.WaitGroup
	errs := make(chan error, l.Clients)
	for i := range l.Clients {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if err := l.runClient(ctx, finish, rand.New(rand.NewPCG(l.Seed, uint64(i)))); err != nil { //nolint:gosec // a test's choice of events
				errs <- err
			}
		}()
	}
	wg.Wait()
	close(errs)
	return <-errs
}

// Requests returns how many requests were sent and how many of them failed.
func (l *Load) Requests() (sent, failed int64) { return l.requests.Load(), l.failures.Load() }

func (l *Load) runClient(ctx, finish context.Context, r *rand.Rand) error {
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for ctx.Err() == nil {
		batch := make([]*Entry, 1+r.IntN(1+r.IntN(30)))
		for i := range batch {
			batch[i] = l.Ledger.nextEntry(r)
		}
		if err := l.deliverBatch(finish, client, batch); err != nil {
			return err
		}
		pause(ctx, time.Second/time.Duration(l.PerSecond))
	}
	return nil
}

// deliverBatch sends one request until it is accepted or ctx ends.
func (l *Load) deliverBatch(ctx context.Context, client *http.Client, batch []*Entry) error {
	body := join(batch)
	for ctx.Err() == nil {
		l.requests.Add(1)
		results, err := l.postBatch(ctx, client, body)
		if err == nil {
			return l.recordResults(batch, results)
		}
		l.failures.Add(1)
		pause(ctx, 20*time.Millisecond)
	}
	return nil
}

func join(batch []*Entry) []byte {
	var b bytes.Buffer
	b.WriteByte('[')
	for i, e := range batch {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(e.Body)
	}
	b.WriteByte(']')
	return b.Bytes()
}

// result is one entry of the collector's answer.
type result struct {
	Index   int    `json:"index"`
	EventID string `json:"event_id"`
	Status  string `json:"status"`
}

// postBatch sends a body once. A missing answer and every status but 202 is an
// error.
func (l *Load) postBatch(ctx context.Context, client *http.Client, body []byte) ([]result, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.URL+"/v1/events", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+l.Key)
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusAccepted {
		return nil, fmt.Errorf("answer %d: %s", resp.StatusCode, text)
	}
	var answer struct {
		Results []result `json:"results"`
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return nil, err
	}
	return answer.Results, nil
}

func (l *Load) recordResults(batch []*Entry, results []result) error {
	if len(results) != len(batch) {
		return fmt.Errorf("%d results for %d events", len(results), len(batch))
	}
	for i, e := range batch {
		r := results[i]
		if r.Index != i || r.Status != "accepted" {
			return fmt.Errorf("result %d of a sound event is %+v", i, r)
		}
		if e.EventID != "" && r.EventID != e.EventID {
			return fmt.Errorf("event %s was answered under the id %s", e.EventID, r.EventID)
		}
		l.Ledger.markAccepted(e)
	}
	return nil
}

// pause waits for d or the end of ctx.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
