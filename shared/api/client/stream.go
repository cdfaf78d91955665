package client

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"
)

// streamStall bounds the time in which a streamed answer brings nothing.
const streamStall = time.Minute

// errStalled is the cause of the end of an answer that brought nothing for long.
var errStalled = errors.New("the answer stalled")

// Stream requests a path once, and calls read with the body of the answer, which may
// have any size and take any time as long as it goes on. The error is that of read,
// or one of DoOnce's; io.ErrUnexpectedEOF, within it, is an answer that was cut off.
func (c *Client) Stream(ctx context.Context, path string, read func(io.Reader) error) error {
	a, err := c.Open(ctx, Request{Method: http.MethodGet, Path: path})
	if err != nil {
		return err
	}
	defer a.Close()
	return a.explainFailure(read(a))
}

// Answer is a streamed answer. It is for one goroutine.
type Answer struct {
	// Header are the headers.
	Header http.Header

	ctx    context.Context //nolint:containedctx // that of the request, which it ends
	cancel context.CancelCauseFunc
	resp   *http.Response
	stall  *time.Timer
}

// Open sends a request once, and returns the answer with its body to be read. It may
// have any size and take any time as long as it brings something every minute. The
// error is one of DoOnce's. The caller must close the answer.
func (c *Client) Open(ctx context.Context, r Request) (*Answer, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	a := &Answer{ctx: ctx, cancel: cancel, stall: time.AfterFunc(streamStall, func() { cancel(errStalled) })}
	if err := c.open(a, r); err != nil {
		a.Close()
		return nil, err
	}
	return a, nil
}

func (c *Client) open(a *Answer, r Request) error {
	req, err := c.newRequest(a.ctx, r)
	if err != nil {
		return err
	}
	unbounded := *c.http
	unbounded.Timeout = 0
	a.resp, err = unbounded.Do(req) //nolint:bodyclose // Answer.Close closes it
	if err != nil {
		return c.explainFailure(a.ctx, err)
	}
	a.Header = a.resp.Header
	if a.resp.StatusCode < 200 || a.resp.StatusCode > 299 {
		body, err := io.ReadAll(io.LimitReader(a.resp.Body, c.maxResponse))
		if err != nil {
			return c.explainFailure(a.ctx, err)
		}
		return (&Response{a.resp.StatusCode, a.resp.Header, body}).Problem()
	}
	return nil
}

// Read implements io.Reader. io.ErrUnexpectedEOF is an answer that was cut off.
func (a *Answer) Read(p []byte) (int, error) {
	n, err := a.resp.Body.Read(p)
	if n > 0 {
		a.stall.Reset(streamStall)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = a.explainFailure(err)
	}
	return n, err
}

// Trailer returns the trailers, once Read has returned io.EOF.
func (a *Answer) Trailer() http.Header { return a.resp.Trailer }

// explainFailure returns why the context of the answer ended, else err.
func (a *Answer) explainFailure(err error) error {
	if err != nil && a.ctx.Err() != nil {
		return context.Cause(a.ctx)
	}
	return err
}

// Close ends the request.
func (a *Answer) Close() {
	a.stall.Stop()
	a.cancel(nil)
	if a.resp != nil {
		_ = a.resp.Body.Close()
	}
}
