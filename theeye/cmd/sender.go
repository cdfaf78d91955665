package cmd

import (
	"cmp"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	eyeclient "github.com/theeye/theeye/clients/go"
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
	// maxRetryAfter bounds the delay that an answer asks for.
	maxRetryAfter = 1 << 20 * time.Second
)

// maxListedRefusals bounds how many refused lines are listed.
const maxListedRefusals = 20

// sender sends batches to a collector. It repeats an attempt that failed, or
// whose answer was lost, with the same bytes: the collector guarantees that
// this is safe.
type sender struct {
	collector *eyeclient.Sender
	url       string // of the collector, for messages
	// sleep waits between attempts.
	sleep    func(ctx context.Context, d time.Duration) error
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
		if s.sleep(ctx, delay) != nil {
			return nil, context.Cause(ctx)
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

// requestTimeout bounds one request.
const requestTimeout = time.Minute

// errNoAnswer is the reason of a request that took too long.
var errNoAnswer = errors.New("no answer within a minute")

// postBatch sends one request and returns the refused lines.
func (s *sender) postBatch(ctx context.Context, b *batch) ([]refusal, error) {
	limited, cancel := context.WithTimeoutCause(ctx, requestTimeout, errNoAnswer)
	defer cancel()
	results, err := s.collector.Send(limited, b.body, len(b.lines))
	if err != nil {
		return nil, s.explainFailure(err)
	}
	var refused []refusal
	for i, r := range results {
		if r.Refused {
			refused = append(refused, refusal{b.lines[i], r.Code, r.Message})
		}
	}
	s.follower.addEvents(b.body, results)
	return refused, nil
}

// explainFailure returns a failed request as an error of package client, which the other
// commands have, too.
func (s *sender) explainFailure(err error) error {
	var f *eyeclient.Failure
	switch {
	case errors.Is(err, errNoAnswer):
		return &client.UnreachableError{URL: s.url, Err: err}
	case !errors.As(err, &f):
		return err
	case f.Kind == eyeclient.NoAnswer:
		return &client.UnreachableError{URL: s.url, Err: f.Err}
	case f.Kind == eyeclient.NotTheEye && f.Status == http.StatusAccepted:
		return &client.ForeignError{Err: f.Err}
	}
	p := (&client.Response{Status: f.Status, Body: f.Body}).Problem()
	if p.RetryAfter = min(f.RetryAfter, maxRetryAfter); p.Status == http.StatusUnauthorized {
		return usageErrorf("%d %s: %s\nset EYE_WRITE_KEY, or --write-key, to a write key of an application", p.Status, p.Code, p.Detail)
	}
	return p
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
