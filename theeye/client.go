package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/daemon"
)

// remote is what every command is told that asks a running Eye.
type remote struct {
	URL   string `name:"url" env:"EYE_URL" default:"http://127.0.0.1:8080" placeholder:"URL" help:"Where The Eye answers (${default})."`
	Token string `env:"EYE_TOKEN" placeholder:"TOKEN" help:"Query or operator token. Others on this machine can see flags: prefer the environment."`
}

// noted is what every command is told that changes the registry.
type noted struct {
	Note string `placeholder:"TEXT" help:"Why, for the history: one line of at most 500 characters."`
}

// Bounds of a request.
const (
	// askFor is how long a request may take, its answer included.
	askFor = time.Minute
	// retryFor bounds the pauses between the attempts of one call.
	retryFor = 20 * time.Second
	// maxAnswer bounds what is read of an answer, in bytes.
	maxAnswer = 256 << 20
)

// client asks a running Eye over HTTP. It is safe for concurrent use. Its
// errors have the exit code of the command: see answered, unreachable and
// invalid.
type client struct {
	base  *url.URL
	token string
	http  *http.Client
	pause func(ctx context.Context, d time.Duration) error
}

// client returns a client, or says what is wrong with the address.
func (r remote) client() (*client, error) {
	base, err := url.Parse(r.URL)
	if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" ||
		base.User != nil || base.RawQuery != "" || base.Fragment != "" {
		return nil, invalidf("--url wants http://HOST:PORT or https://HOST, with a path at most")
	}
	if strings.ContainsFunc(r.Token, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return nil, invalidf("--token is no token: it has spaces or characters that none has")
	}
	return &client{
		base: base, token: r.Token, pause: pause,
		http: &http.Client{
			Timeout: askFor,
			// An address that redirects is told: the token goes nowhere else.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// interruptible returns a context that ends on an interrupt or SIGTERM; a
// second one ends the process at once. Call stop.
func interruptible() (ctx context.Context, stop context.CancelFunc) {
	ctx, stop = signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}

// request is one of them. path is escaped, without the address.
type request struct {
	method string
	path   string
	query  url.Values
	body   []byte // JSON; nil without
	match  string // If-Match; "" without
	note   string
}

// answer is what was answered with 2xx.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// revision is the revision that the ETag names, 0 without one.
func (a *answer) revision() uint64 {
	n, _ := strconv.ParseUint(strings.Trim(a.header.Get("ETag"), `"`), 10, 64)
	return n
}

// decode reads the body.
func (a *answer) decode(to any) error {
	if err := json.Unmarshal(a.body, to); err != nil {
		return fmt.Errorf("the answer is none of The Eye; is --url right? %w", err)
	}
	return nil
}

// value is the body as it came, for machines.
func (a *answer) value() jsontext.Value { return a.body }

// ask asks for one thing: a whole command that shows something.
func (r remote) ask(path string, to any) (*answer, error) {
	c, err := r.client()
	if err != nil {
		return nil, err
	}
	ctx, stop := interruptible()
	defer stop()
	return c.get(ctx, path, nil, to)
}

// change sends one change: a whole command that changes something.
func (r remote) change(ch request, to any) (*answer, error) {
	c, err := r.client()
	if err != nil {
		return nil, err
	}
	ctx, stop := interruptible()
	defer stop()
	return c.change(ctx, ch, to)
}

// change sends a change and decodes the answer.
func (c *client) change(ctx context.Context, ch request, to any) (*answer, error) {
	a, err := c.do(ctx, ch)
	if err != nil {
		return nil, err
	}
	return a, a.decode(to)
}

// get asks for path and decodes the answer.
func (c *client) get(ctx context.Context, path string, query url.Values, to any) (*answer, error) {
	a, err := c.do(ctx, request{method: http.MethodGet, path: path, query: query})
	if err != nil {
		return nil, err
	}
	return a, a.decode(to)
}

// do sends a request. Unless it is a POST, it is sent again when the answer is
// 503, after as long as the answer asks for.
func (c *client) do(ctx context.Context, r request) (*answer, error) {
	if strings.ContainsFunc(r.note, unicode.IsControl) {
		return nil, invalidf("--note wants one line")
	}
	wait, left := 250*time.Millisecond, retryFor
	for again := false; ; again = true {
		a, err := c.once(ctx, r)
		var told *answered
		if !errors.As(err, &told) {
			return a, err
		}
		if told.Status != http.StatusServiceUnavailable {
			told.again = again && r.method != http.MethodGet
			return nil, err
		}
		wait = max(wait, told.retryAfter)
		if r.method == http.MethodPost || wait > left {
			return nil, err
		}
		if c.pause(ctx, wait) != nil {
			return nil, errInterrupted
		}
		left, wait = left-wait, 2*wait
	}
}

// once sends a request once.
func (c *client) once(ctx context.Context, r request) (*answer, error) {
	req, err := c.newRequest(ctx, r)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.lost(ctx, err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, c.lost(ctx, err)
	case len(body) > maxAnswer:
		return nil, fmt.Errorf("the answer has more than %d MiB", maxAnswer>>20)
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		return nil, readProblem(resp, body)
	}
	return &answer{resp.StatusCode, resp.Header, body}, nil
}

func (c *client) newRequest(ctx context.Context, r request) (*http.Request, error) {
	address := strings.TrimSuffix(c.base.String(), "/") + r.path
	if len(r.query) > 0 {
		address += "?" + r.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, r.method, address, bytes.NewReader(r.body))
	if err != nil {
		return nil, fmt.Errorf("make the request: %w", err)
	}
	for name, value := range map[string]string{
		"User-Agent": "theeye/" + daemon.BuildInfo().Version, "Accept": "application/json",
		"If-Match": r.match, "X-Eye-Note": r.note,
	} {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

// lost explains why there is no answer.
func (c *client) lost(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errInterrupted
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err // without method and address
	}
	return &unreachable{c.base.String(), err}
}

// pause waits, or returns the end of ctx.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
