package eye

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"time"
)

const (
	// pathEvents is the route for events.
	pathEvents = "/v1/events"
	// maxAnswerBytes bounds the reading of an answer: a result has some hundred bytes.
	maxAnswerBytes = 4 << 20
)

// Sender sends bodies of events, each once and when it is asked to. It is for programs
// that have a queue and retries of their own; a Client does that for
// others. It is safe for concurrent use.
type Sender struct {
	address, key, userAgent string
	http                    *http.Client
}

// SenderConfig configures a Sender.
type SenderConfig struct {
	// URL and WriteKey are those of Config, without a default.
	URL, WriteKey string
	// UserAgent names the program; "" names this package.
	UserAgent string
	// Transport sends the requests; nil is http.DefaultTransport.
	Transport http.RoundTripper
}

// NewSender returns a Sender. The errors hold no part of the URL or the key.
func NewSender(cfg SenderConfig) (*Sender, error) {
	address, err := parseURL(cfg.URL)
	if err != nil {
		return nil, err
	}
	if cfg.WriteKey == "" || strings.ContainsFunc(cfg.WriteKey, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return nil, errors.New("eye: the write key is empty, or has spaces or characters that no key has")
	}
	if cfg.UserAgent == "" {
		cfg.UserAgent = "theeye-go/" + moduleVersion()
	}
	return &Sender{
		address: address, key: cfg.WriteKey, userAgent: cfg.UserAgent,
		http: &http.Client{
			Transport: cfg.Transport,
			// Redirects are not followed: the key goes to no other address.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// Result is what the collector says of one event.
type Result struct {
	// EventID is absent if the event is refused.
	EventID string
	Refused bool
	// Code and Message say why the event is refused.
	Code, Message string
}

// Send sends a body in one of the forms that the collector reads, plain or gzip, with so
// many events, and returns their results in the order of the body. Every event that is
// not refused is on disk then. Every other error than the cause of the end of ctx is a
// *Failure. The body must not be changed before the request has ended, which may be after
// the return of Send.
func (s *Sender) Send(ctx context.Context, body []byte, events int) ([]Result, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.address, bytes.NewReader(body))
	if err != nil {
		return nil, &Failure{Kind: NoAnswer, Err: err}
	}
	req.Header.Set("Authorization", "Bearer "+s.key)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", s.userAgent)
	if isGzip(body) {
		req.Header.Set("Content-Encoding", "gzip")
	}
	resp, err := s.http.Do(req)
	if err != nil {
		return nil, failureOf(ctx, err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswerBytes))
	if err != nil {
		return nil, failureOf(ctx, err)
	}
	return readAnswer(resp, answer, events)
}

// CloseIdleConnections closes the connections that no request uses.
func (s *Sender) CloseIdleConnections() { s.http.CloseIdleConnections() }

// failureOf returns the failure of a request without an answer.
func failureOf(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err // without the method and the address
	}
	return &Failure{Kind: NoAnswer, Err: err}
}

func isGzip(body []byte) bool { return len(body) > 1 && body[0] == 0x1f && body[1] == 0x8b }

// moduleVersion returns the version of this module in the program, "unknown" if the program does not say it.
func moduleVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, m := range info.Deps {
		if m.Path == "github.com/theeye/theeye/clients/go" {
			return m.Version
		}
	}
	return "unknown"
}

// Kind says what a failure means for the events of the request.
type Kind int

// The kinds.
const (
	// NoAnswer means that the answer did not arrive; the events may be on disk.
	NoAnswer Kind = iota
	// Unavailable means that the collector takes no events now: 408, 429 and 5xx.
	Unavailable
	// Unauthorized means that it does not take the write key: 401 and 403.
	Unauthorized
	// Unreadable means that the same body fails again: 400, 413, 415 and 422.
	Unreadable
	// NotTheEye means that the answer comes from no collector.
	NotTheEye
)

// Failure says why nothing is known about the events of a request. Sending them again is
// always safe, whatever its kind.
type Failure struct {
	Kind Kind
	// Status is 0 without an answer. Code is that of a problem, Detail its sentence.
	Status       int
	Code, Detail string
	// RetryAfter is the delay that the answer asks for, 0 if it asks for none.
	RetryAfter time.Duration
	// Body is the answer.
	Body []byte
	// Err is why there is no answer, or why the answer comes from no collector.
	Err error
}

// Error returns the status, the code and the sentence, or the reason.
func (f *Failure) Error() string {
	switch {
	case f.Status == 0:
		return fmt.Sprintf("no answer: %v", f.Err)
	case f.Code != "":
		return fmt.Sprintf("%d %s: %s", f.Status, f.Code, f.Detail)
	case f.Err != nil:
		return fmt.Sprintf("%d, not from The Eye: %v", f.Status, f.Err)
	}
	return fmt.Sprintf("%d %s", f.Status, http.StatusText(f.Status))
}

// Unwrap returns Err.
func (f *Failure) Unwrap() error { return f.Err }
