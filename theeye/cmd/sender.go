package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"golang.org/x/sync/errgroup"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/api/client"
)

const (
	// maxInFlight is how many requests are in flight at once. A collector with two cores
	// takes a fifth more events a second of four than of two.
	maxInFlight = 4
	// minBackoff and maxBackoff bound the delay between attempts if the answer
	// asks for none.
	minBackoff = 250 * time.Millisecond
	maxBackoff = 5 * time.Second
)

// maxListedRefusals bounds how many refused lines are listed.
const maxListedRefusals = 20

// sender sends batches to a collector. It repeats an attempt that failed, or
// whose answer was lost, with the same bytes: the collector guarantees that
// this is safe.
type sender struct {
	client   *client.Client
	retryFor time.Duration
	now      func() time.Time
	// onProgress gets the number of lines and the size of the input of each batch
	// that is done.
	// onPause gets the reason of each delay, and "" when sending continues.
	onProgress func(lines, size int64)
	onPause    func(reason string)
	// follower gets the events that were accepted; nil follows none.
	follower *outcomeFollower

	mu    sync.Mutex
	done  sendResult
	early map[int64]*batch // done before a batch that precedes them
	next  int64            // the first batch that is not done
}

// sendAll sends the whole input. It returns after the last answer, at the first
// batch that fails permanently, or with errInterrupted when ctx ends; done is
// valid in all cases. A read of the input that blocks continues in the
// background.
func (s *sender) sendAll(ctx context.Context, in *batcher) error {
	group, ctx := errgroup.WithContext(ctx)
	batches, produced := make(chan *batch), make(chan error, 1)
	go func() {
		defer close(batches)
		produced <- produceBatches(ctx, in, batches)
	}()
	for range maxInFlight {
		group.Go(func() error { return s.sendBatches(ctx, batches) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return <-produced
}

// produceBatches reads batches until the input ends.
func produceBatches(ctx context.Context, in *batcher, batches chan<- *batch) error {
	for {
		b, err := in.nextBatch()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		select {
		case batches <- b:
		case <-ctx.Done():
			return errInterrupted
		}
	}
}

func (s *sender) sendBatches(ctx context.Context, batches <-chan *batch) error {
	for {
		select {
		case b, ok := <-batches:
			if !ok {
				return nil
			}
			refused, err := s.deliverBatch(ctx, b)
			if err != nil {
				return err
			}
			s.completeBatch(b, append(b.refused, refused...))
		case <-ctx.Done():
			return errInterrupted
		}
	}
}

// completeBatch counts a batch in which every line is accepted or refused.
func (s *sender) completeBatch(b *batch, refused []refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	lines := int64(len(b.lines) + len(b.refused))
	s.done.addBatch(lines-int64(len(refused)), refused)
	if s.early == nil {
		s.early = make(map[int64]*batch, maxInFlight)
	}
	b.body, b.lines, b.refused = nil, nil, nil
	s.early[b.seq] = b
	for first := s.early[s.next]; first != nil; first = s.early[s.next] {
		delete(s.early, s.next)
		s.done.lines = max(s.done.lines, first.last)
		s.next++
	}
	s.onProgress(lines, b.size)
}

// deliverBatch sends a batch until it is answered. It fails with an answer that
// a repetition cannot change, or when no events were accepted for retryFor.
func (s *sender) deliverBatch(ctx context.Context, b *batch) ([]refusal, error) {
	if len(b.lines) == 0 {
		return nil, nil
	}
	backoff, since := minBackoff, s.now()
	for {
		refused, err := s.postBatch(ctx, b)
		if err == nil {
			s.onPause("")
			return refused, nil
		}
		after, retriable := retryDelay(err)
		if !retriable {
			return nil, err
		}
		delay := max(after, backoff+rand.N(backoff)) //nolint:gosec // jitter, not a secret
		if client.Status(err) == http.StatusTooManyRequests {
			since = s.now().Add(delay) // the collector works and says when it accepts more
		} else {
			left := s.retryFor - s.now().Sub(since)
			if left <= 0 || after > left {
				return nil, err
			}
			delay = min(delay, left)
		}
		s.onPause(err.Error())
		if err := s.client.Sleep(ctx, delay); err != nil {
			return nil, err
		}
		backoff = min(2*backoff, maxBackoff)
	}
}

// retryDelay reports whether the same request can succeed later, and after
// which delay.
func retryDelay(err error) (after time.Duration, retriable bool) {
	var unreachable *client.UnreachableError
	if errors.As(err, &unreachable) {
		return 0, true
	}
	var p *client.ProblemError
	if !errors.As(err, &p) {
		return 0, false
	}
	switch p.Status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusServiceUnavailable,
		http.StatusBadGateway, http.StatusGatewayTimeout:
		return p.RetryAfter, true
	}
	return 0, false
}

// postBatch sends one request and returns the refused lines.
func (s *sender) postBatch(ctx context.Context, b *batch) ([]refusal, error) {
	resp, err := s.client.DoOnce(ctx, client.Request{Method: http.MethodPost, Path: api.PathEvents, Body: b.body})
	var p *client.ProblemError
	switch {
	case err == nil && resp.Status == http.StatusAccepted:
		return s.readAnswer(b, resp.Body)
	case err == nil:
		return nil, resp.Problem()
	case !errors.As(err, &p):
		return nil, err
	}
	switch p.Status {
	case http.StatusUnprocessableEntity:
		if refused, err := s.readAnswer(b, p.Body); err == nil {
			return refused, nil
		}
	case http.StatusUnauthorized:
		return nil, usageErrorf("%d %s: %s\nset EYE_WRITE_KEY, or --write-key, to a write key of an application", p.Status, p.Code, p.Detail)
	}
	return nil, p
}

// readAnswer returns the refused lines of an answer to a batch.
func (s *sender) readAnswer(b *batch, body []byte) ([]refusal, error) {
	var answer api.AcceptResponse
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, &client.ForeignError{Err: err}
	}
	if len(answer.Results) != len(b.lines) {
		return nil, &client.ForeignError{Err: fmt.Errorf("%d events were sent, %d are answered", len(b.lines), len(answer.Results))}
	}
	var refused []refusal
	for i, r := range answer.Results {
		switch r.Status {
		case api.StatusAccepted:
		case api.StatusRefused:
			refused = append(refused, refusal{b.lines[i], r.Code, r.Message})
		default:
			return nil, &client.ForeignError{Err: fmt.Errorf("an event has the status %q", r.Status)}
		}
	}
	s.follower.addEvents(b.body, answer.Results)
	return refused, nil
}

// sendResult counts the lines whose result is known.
type sendResult struct {
	Accepted int64 `json:"accepted"`
	Refused  int64 `json:"refused"`
	// Outcomes are those of the accepted events, with --wait.
	Outcomes *outcomes `json:"outcomes,omitempty"`
	listed   []refusal // the first refused lines, at most maxListedRefusals
	unit     string    // what the numbers of lines count
	// lines is the length of the prefix of the input in which every line is
	// accepted, refused, blank or skipped.
	lines int64
}

// addBatch counts the results of a batch.
func (d *sendResult) addBatch(accepted int64, refused []refusal) {
	d.Accepted += accepted
	d.Refused += int64(len(refused))
	d.listed = append(d.listed, refused...)
	slices.SortFunc(d.listed, func(a, b refusal) int { return cmp.Compare(a.Line, b.Line) })
	d.listed = slices.Clip(d.listed[:min(len(d.listed), maxListedRefusals)])
}
