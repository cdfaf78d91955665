package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/theeye/theeye/test/harness"
)

// sender posts events to a pipeline.
type sender struct {
	pipeline *harness.Pipeline
	client   *http.Client
	// duplicates is the share of events that were sent before, 0 to 1.
	duplicates float64
	// answers, if set, gets the time until the answer of each body.
	answers *latencies

	sent atomic.Int64
	done atomic.Int64 // as the processors count, read now and then
}

func newSender(p *harness.Pipeline) *sender {
	return &sender{pipeline: p, client: &http.Client{
		Timeout:   time.Minute,
		Transport: &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true},
	}}
}

// maxBacklog is how many events may be accepted and not yet queryable before
// the senders pause, so that a run measures the slowest part and not a queue.
const maxBacklog = 50_000

// The load of a sustained run.
const (
	connections = 8
	perBatch    = 100
	// largeBatch is that of a load that is no measurement.
	largeBatch = 1000
)

// sustainedRate sends batches from several connections for d, waits until every
// event is queryable and returns events a second over the whole time.
func (s *sender) sustainedRate(ctx context.Context, d time.Duration) (float64, error) {
	before, err := s.processedCount(ctx)
	if err != nil {
		return 0, err
	}
	s.sent.Store(0)
	s.done.Store(0)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go s.showProgress(ctx, before)

	start := time.Now()
	var wg sync.WaitGroup
	errs := make(chan error, connections)
	for range connections {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if err := s.sendUntil(ctx, start.Add(d)); err != nil {
				errs <- err
			}
		}()
	}
	wg.Wait()
	close(errs)
	if err := <-errs; err != nil {
		return 0, err
	}
	err = harness.Poll(ctx, func() error {
		if done := s.done.Load(); done < s.sent.Load() {
			return fmt.Errorf("%d of %d events have an outcome", done, s.sent.Load())
		}
		return nil
	})
	return float64(s.sent.Load()) / time.Since(start).Seconds(), err
}

// loadEvents sends n events in batches of largeBatch from several connections, and
// waits until every one of them is queryable.
func (s *sender) loadEvents(ctx context.Context, n int) error {
	before, err := s.processedCount(ctx)
	if err != nil {
		return err
	}
	s.sent.Store(0)
	s.done.Store(0)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go s.showProgress(ctx, before)
	group, sending := errgroup.WithContext(ctx)
	for range connections {
		group.Go(func() error {
			src, body := &source{}, []byte(nil)
			for sending.Err() == nil && s.sent.Add(largeBatch) <= int64(n) {
				body = src.appendBatch(body[:0], largeBatch, nil)
				if err := s.postBody(sending, body); err != nil {
					return err
				}
				for s.sent.Load()-s.done.Load() > maxBacklog && sending.Err() == nil {
					time.Sleep(5 * time.Millisecond)
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return harness.Poll(ctx, func() error {
		if done := s.done.Load(); done < int64(n) {
			return fmt.Errorf("%d of %d events have an outcome", done, n)
		}
		return nil
	})
}

// showProgress keeps s.done current.
func (s *sender) showProgress(ctx context.Context, before float64) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if now, err := s.processedCount(ctx); err == nil {
				s.done.Store(int64(now - before))
			}
		}
	}
}

// processedCount counts the events with an outcome, over all processors.
func (s *sender) processedCount(ctx context.Context) (float64, error) {
	sum := 0.0
	for _, admin := range s.pipeline.ProcessorAdmins {
		n, err := harness.Metric(ctx, admin, "eye_processor_events_total")
		if errors.Is(err, harness.ErrNoMetric) {
			err = nil // nothing was counted yet
		}
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

func (s *sender) sendUntil(ctx context.Context, end time.Time) error {
	src := &source{}
	var body []byte
	var recent [][]byte
	again := func() []byte {
		if len(recent) == 0 || rand.Float64() >= s.duplicates { //nolint:gosec // a choice of load
			return nil
		}
		return recent[rand.IntN(len(recent))] //nolint:gosec // a choice of load
	}
	for time.Now().Before(end) && ctx.Err() == nil {
		if s.sent.Load()-s.done.Load() > maxBacklog {
			time.Sleep(5 * time.Millisecond)
			continue
		}
		body = src.appendBatch(body[:0], perBatch, again)
		if err := s.postBody(ctx, body); err != nil {
			return err
		}
		s.sent.Add(perBatch)
		if s.duplicates > 0 && len(recent) < 1000 {
			recent = append(recent, src.appendEvent(nil))
			if err := s.postBody(ctx, recent[len(recent)-1]); err != nil {
				return err
			}
			s.sent.Add(1)
		}
	}
	return nil
}

var errOverloaded = errors.New("the collector is overloaded")

// postBody sends one body until it is accepted.
func (s *sender) postBody(ctx context.Context, body []byte) error {
	for {
		err := s.postOnce(ctx, body)
		if !errors.Is(err, errOverloaded) {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func (s *sender) postOnce(ctx context.Context, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.pipeline.Collector+"/v1/events", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+s.pipeline.Key)
	if s.answers != nil {
		sent := time.Now()
		defer func() { s.answers.addSample(time.Since(sent)) }()
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return err
	case resp.StatusCode == http.StatusServiceUnavailable:
		return errOverloaded
	case resp.StatusCode != http.StatusAccepted:
		return fmt.Errorf("the collector answers %d: %s", resp.StatusCode, text)
	}
	return nil
}
