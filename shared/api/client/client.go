// Package client calls the HTTP interface of The Eye, both the collector's and
// the query API's.
//
// A Client adds the token, bounds the time and the size of every call, and
// repeats a request that was answered 503 where repeating it is safe. An answer
// outside 2xx is a *ProblemError, a call without an answer an
// *UnreachableError; so callers can decide by the type and the stable code, and
// not by texts.
package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/retry"
)

// Bounds of a call.
const (
	// requestTimeout bounds one attempt, the reading of the answer included.
	requestTimeout = time.Minute
	// firstDelay is the delay before the second attempt; later ones double.
	firstDelay = 250 * time.Millisecond
	// maxTotalDelay bounds the sum of the delays between the attempts of a call.
	maxTotalDelay = 20 * time.Second
	// maxResponseBytes bounds the body of an answer.
	maxResponseBytes = 256 << 20
)

// Config configures a Client. Only URL is required.
type Config struct {
	// URL is the address of the service: http://HOST:PORT or https://HOST,
	// with at most a path.
	URL string
	// Token is sent as bearer token: a query or operator token, or a write key
	// for the collector. "" sends none.
	Token string
	// UserAgent names the program.
	UserAgent string
	// Timeout bounds one attempt; 0 is one minute.
	Timeout time.Duration
	// Transport sends the requests; nil is http.DefaultTransport.
	Transport http.RoundTripper
	// Sleep waits between attempts; nil waits for the real time. It returns an
	// error only when ctx ends.
	Sleep func(ctx context.Context, d time.Duration) error
}

// Client calls one service. It is safe for concurrent use.
type Client struct {
	base  *url.URL
	cfg   Config
	http  *http.Client
	sleep func(ctx context.Context, d time.Duration) error
	// maxResponse is maxResponseBytes, and less in tests.
	maxResponse int64
}

// New returns a client. A configuration that cannot work is an *InvalidError,
// which contains no part of the URL or the token: they can be secret.
func New(cfg Config) (*Client, error) {
	base, err := url.Parse(cfg.URL)
	if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" ||
		base.User != nil || base.RawQuery != "" || base.Fragment != "" {
		return nil, &InvalidError{FieldURL, "must be http://HOST:PORT or https://HOST, with a path at most"}
	}
	if strings.ContainsFunc(cfg.Token, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return nil, &InvalidError{FieldToken, "has spaces or characters that no token has"}
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = requestTimeout
	}
	if cfg.Sleep == nil {
		cfg.Sleep = retry.Sleep
	}
	return &Client{
		base: base, cfg: cfg, sleep: cfg.Sleep, maxResponse: maxResponseBytes,
		http: &http.Client{
			Timeout: cfg.Timeout, Transport: cfg.Transport,
			// Redirects are not followed: the token goes to no other address.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// Request is one request.
type Request struct {
	Method string
	// Path is escaped and does not contain the address of the service.
	Path  string
	Query url.Values
	// Body is JSON; nil sends none.
	Body []byte
	// LastEventID is where a live stream goes on; "" is from now on.
	LastEventID string
	// IfMatch is the precondition of a change; "" requires nothing. See
	// Match.
	IfMatch string
	// Note says why the registry is changed: one line of text.
	Note string
}

// Match returns the If-Match value that requires the present revision to be
// revision. For revision 0 it is empty, which requires that there is no such
// record yet.
func Match(revision uint64) string {
	if revision == 0 {
		return ""
	}
	return api.ETag(revision)
}

// Response is an answer with a status of 2xx.
type Response struct {
	Status int
	Header http.Header
	Body   jsontext.Value
}

// Revision returns the revision in the ETag, 0 without one.
func (r *Response) Revision() uint64 { return api.ParseETag(r.Header.Get(api.HeaderETag)) }

// Decode decodes the body. A body that does not have the shape of v is a
// *ForeignError.
func (r *Response) Decode(v any) error {
	if err := json.Unmarshal(r.Body, v); err != nil {
		return &ForeignError{err}
	}
	return nil
}

// Get requests a path and decodes the answer into v.
func (c *Client) Get(ctx context.Context, path string, query url.Values, v any) (*Response, error) {
	return c.Call(ctx, Request{Method: http.MethodGet, Path: path, Query: query}, v)
}

// Call sends a request as Do does and decodes the answer into v.
func (c *Client) Call(ctx context.Context, r Request, v any) (*Response, error) {
	resp, err := c.Do(ctx, r)
	if err != nil {
		return nil, err
	}
	return resp, resp.Decode(v)
}

// Do sends a request. When it is answered 503, it is sent again after the delay
// that the answer asks for, for at most 20 seconds. A POST is sent once only: a
// second attempt could create the same thing twice, and the secret in the
// answer of a lost first attempt could not be read by anyone.
func (c *Client) Do(ctx context.Context, r Request) (*Response, error) {
	delay, left := firstDelay, maxTotalDelay
	for retried := false; ; retried = true {
		resp, err := c.DoOnce(ctx, r)
		var p *ProblemError
		if !errors.As(err, &p) {
			return resp, err
		}
		if p.Status != http.StatusServiceUnavailable {
			p.Retried = retried && r.Method != http.MethodGet
			return nil, err
		}
		delay = max(delay, p.RetryAfter)
		if r.Method == http.MethodPost || delay > left {
			return nil, err
		}
		if c.sleep(ctx, delay) != nil {
			return nil, context.Cause(ctx)
		}
		left, delay = left-delay, 2*delay
	}
}

// DoOnce sends a request once. When ctx ends first, the error is the cause of
// its end.
func (c *Client) DoOnce(ctx context.Context, r Request) (*Response, error) {
	req, err := c.newRequest(ctx, r)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.explainFailure(ctx, err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, c.maxResponse+1))
	switch {
	case err != nil:
		return nil, c.explainFailure(ctx, err)
	case int64(len(body)) > c.maxResponse:
		return nil, fmt.Errorf("the answer has more than %d MiB", c.maxResponse>>20)
	}
	answer := &Response{resp.StatusCode, resp.Header, body}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return nil, answer.Problem()
	}
	return answer, nil
}

// Sleep waits as the client does between attempts. It returns the cause of the
// end of ctx when that comes first.
func (c *Client) Sleep(ctx context.Context, d time.Duration) error {
	if c.sleep(ctx, d) != nil {
		return context.Cause(ctx)
	}
	return nil
}

// CloseIdleConnections closes the connections that no request uses.
func (c *Client) CloseIdleConnections() { c.http.CloseIdleConnections() }

func (c *Client) newRequest(ctx context.Context, r Request) (*http.Request, error) {
	if strings.ContainsFunc(r.Note, unicode.IsControl) {
		return nil, &InvalidError{FieldNote, "must be one line"}
	}
	address := strings.TrimSuffix(c.base.String(), "/") + r.Path
	if len(r.Query) > 0 {
		address += "?" + r.Query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, address, bytes.NewReader(r.Body))
	if err != nil {
		return nil, fmt.Errorf("make the request: %w", err)
	}
	for name, value := range map[string]string{
		"User-Agent": c.cfg.UserAgent, "Accept": api.ContentTypeJSON, api.HeaderIfMatch: r.IfMatch, api.HeaderNote: r.Note, api.HeaderLastEventID: r.LastEventID,
	} {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	if c.cfg.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.cfg.Token)
	}
	if r.Body != nil {
		req.Header.Set("Content-Type", api.ContentTypeJSON)
	}
	return req, nil
}

// explainFailure returns the error of an attempt without an answer.
func (c *Client) explainFailure(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err // without the method and the address
	}
	return &UnreachableError{c.base.String(), err}
}
