package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"golang.org/x/sync/errgroup"
)

const (
	// inFlight is how many requests are under way at once.
	inFlight = 2
	// firstPause and longestPause bound the pauses between attempts where the
	// answer asks for none.
	firstPause   = 250 * time.Millisecond
	longestPause = 5 * time.Second
	// maxResults bounds what is read of an answer, in bytes.
	maxResults = 4 << 20
)

// sender sends batches. An attempt that failed, or whose answer was lost, is
// repeated with the same bytes: the collector's promise is that this is safe.
type sender struct {
	client   *client
	retryFor time.Duration
	now      func() time.Time
	// settled is told of every n bytes of input that are done with, and
	// waiting of every reason to wait; "" is none any more.
	settled func(n int64)
	waiting func(reason string)

	mu    sync.Mutex
	done  tally
	early map[int64]*batch // settled before a batch in front of them
	next  int64            // the batch that done.lines stands before
}

// send sends everything. It returns when all is answered, at the first batch
// that fails for good, or errInterrupted when ctx ends; done is true then, too.
// A read that nothing ends goes on behind it.
func (s *sender) send(ctx context.Context, in *batcher) error {
	group, ctx := errgroup.WithContext(ctx)
	batches, ended := make(chan *batch), make(chan error, 1)
	go func() {
		defer close(batches)
		ended <- produce(ctx, in, batches)
	}()
	for range inFlight {
		group.Go(func() error { return s.work(ctx, batches) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return <-ended
}

// produce makes batches until the input ends.
func produce(ctx context.Context, in *batcher, batches chan<- *batch) error {
	for {
		b, err := in.next()
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

func (s *sender) work(ctx context.Context, batches <-chan *batch) error {
	for {
		select {
		case b, ok := <-batches:
			if !ok {
				return nil
			}
			refused, err := s.deliver(ctx, b)
			if err != nil {
				return err
			}
			s.settle(b, append(b.refused, refused...))
		case <-ctx.Done():
			return errInterrupted
		}
	}
}

// settle counts a batch whose every line is known to be accepted or refused.
func (s *sender) settle(b *batch, refused []refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done.count(int64(len(b.lines)+len(b.refused)-len(refused)), refused)
	if s.early == nil {
		s.early = make(map[int64]*batch, inFlight)
	}
	b.body, b.lines, b.refused = nil, nil, nil
	s.early[b.seq] = b
	for first := s.early[s.next]; first != nil; first = s.early[s.next] {
		delete(s.early, s.next)
		s.done.lines = max(s.done.lines, first.last)
		s.next++
	}
	s.settled(b.size)
}

// deliver sends one batch until it is answered. What ends it otherwise: an
// answer that repeating cannot mend, or nothing taken for retryFor.
func (s *sender) deliver(ctx context.Context, b *batch) ([]refusal, error) {
	if len(b.lines) == 0 {
		return nil, nil
	}
	least, since := firstPause, s.now()
	for {
		refused, err := s.post(ctx, b)
		if err == nil {
			s.waiting("")
			return refused, nil
		}
		after, again := retry(err)
		if !again {
			return nil, err
		}
		wait := max(after, least+rand.N(least)) //nolint:gosec // apart from others, no secret
		if status(err) == http.StatusTooManyRequests {
			since = s.now().Add(wait) // it is there, and says when it takes more
		} else {
			left := s.retryFor - s.now().Sub(since)
			if left <= 0 || after > left {
				return nil, err
			}
			wait = min(wait, left)
		}
		s.waiting(err.Error())
		if s.client.pause(ctx, wait) != nil {
			return nil, errInterrupted
		}
		least = min(2*least, longestPause)
	}
}

// retry says whether the same request may be answered otherwise later, and
// after which pause.
func retry(err error) (after time.Duration, again bool) {
	var lost *unreachable
	if errors.As(err, &lost) {
		return 0, true
	}
	var told *answered
	if !errors.As(err, &told) {
		return 0, false
	}
	switch told.Status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusServiceUnavailable,
		http.StatusBadGateway, http.StatusGatewayTimeout:
		return told.retryAfter, true
	}
	return 0, false
}

// post sends one request.
func (s *sender) post(ctx context.Context, b *batch) ([]refusal, error) {
	req, err := s.client.newRequest(ctx, request{method: http.MethodPost, path: "/v1/events", body: b.body})
	if err != nil {
		return nil, err
	}
	resp, err := s.client.http.Do(req)
	if err != nil {
		return nil, s.client.lost(ctx, err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxResults))
	if err != nil {
		return nil, s.client.lost(ctx, err)
	}
	switch resp.StatusCode {
	case http.StatusAccepted:
		return b.results(body)
	case http.StatusUnprocessableEntity:
		if refused, err := b.results(body); err == nil {
			return refused, nil
		}
	case http.StatusUnauthorized:
		p := readProblem(resp, body)
		return nil, invalidf("%d %s: %s\nset EYE_WRITE_KEY, or --write-key, to a write key of an application", p.Status, p.Code, p.Detail)
	}
	return nil, readProblem(resp, body)
}

// results reads what became of each event of the batch.
func (b *batch) results(body []byte) ([]refusal, error) {
	var answer struct {
		Results []struct {
			Status  string `json:"status"`
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"results"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, noAnswer(err)
	}
	if len(answer.Results) != len(b.lines) {
		return nil, noAnswer(fmt.Errorf("%d events were sent, %d are answered", len(b.lines), len(answer.Results)))
	}
	var refused []refusal
	for i, r := range answer.Results {
		switch r.Status {
		case "accepted":
		case "refused":
			refused = append(refused, refusal{b.lines[i], r.Code, r.Message})
		default:
			return nil, noAnswer(fmt.Errorf("an event has the status %q", r.Status))
		}
	}
	return refused, nil
}
