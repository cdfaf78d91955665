package client_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/api/client"
	"github.com/theeye/theeye/shared/api/client/clienttest"
)

var errPlanted = errors.New("planted")

// transport answers requests without a network.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// newClient returns a client whose requests f answers.
func newClient(t *testing.T, cfg client.Config, f transport) *client.Client {
	t.Helper()
	cfg.URL, cfg.Transport = "http://eye.example/base", f
	c, err := client.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// brokenBody is a body of which the connection breaks.
type brokenBody struct{}

func (brokenBody) Read(p []byte) (int, error) { return copy(p, "{"), errPlanted }
func (brokenBody) Close() error               { return nil }

// The address is named without path and parameters: they may be personal.
func TestFailedCallIsUnreachable(t *testing.T) {
	for name, f := range map[string]transport{
		"no connection": func(*http.Request) (*http.Response, error) { return nil, errPlanted },
		"half an answer": func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusOK, Body: brokenBody{}}, nil
		},
	} {
		_, err := newClient(t, client.Config{}, f).Get(t.Context(), "/v1/events/secret", nil, &struct{}{})
		var u *client.UnreachableError
		if !errors.As(err, &u) || !errors.Is(u.Unwrap(), errPlanted) || u.Unwrap().Error() != "planted" {
			t.Errorf("%s: %v", name, err)
		}
		if text := err.Error(); !strings.Contains(text, "http://eye.example/base") || strings.Contains(text, "secret") {
			t.Errorf("%s: %s", name, text)
		}
	}
}

// hang never answers.
func hang(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestAttemptEndsAtItsTimeout(t *testing.T) {
	for configured, want := range map[time.Duration]time.Duration{0: time.Minute, 3 * time.Second: 3 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			_, err := newClient(t, client.Config{Timeout: configured}, hang).Do(t.Context(), get)
			if took := time.Since(start); !client.IsUnavailable(err) || took != want {
				t.Errorf("timeout %s: %v after %s", configured, err, took)
			}
		})
	}
}

func TestSleepLastsUntilItsTimeOrTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, client.Config{}, hang)
		ctx, cancel := context.WithCancelCause(t.Context())
		start := time.Now()
		if err := c.Sleep(ctx, 3*time.Second); err != nil || time.Since(start) != 3*time.Second {
			t.Errorf("%v after %s", err, time.Since(start))
		}
		time.AfterFunc(time.Second, func() { cancel(errPlanted) })
		start = time.Now()
		if err := c.Sleep(ctx, time.Hour); !errors.Is(err, errPlanted) || time.Since(start) != time.Second {
			t.Errorf("%v after %s", err, time.Since(start))
		}
	})
}

func TestSizeOfAnAnswerIsBounded(t *testing.T) {
	const limit = 10
	for size, wantErr := range map[int]bool{limit: false, limit + 1: true, 1 << 20: true} {
		c := newClient(t, client.Config{}, func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(strings.Repeat(" ", size)))}, nil
		})
		c.SetMaxResponse(limit)
		resp, err := c.Do(t.Context(), get)
		if (err != nil) != wantErr || (resp == nil) != wantErr {
			t.Errorf("%d bytes: %v, %v", size, resp, err)
		}
	}
}

func TestProblemHasTheRequestedDelayAndTheBody(t *testing.T) {
	for header, want := range map[string]time.Duration{
		"": 0, "0": 0, "-1": 0, "soon": 0, "Wed, 21 Oct 2026 07:28:00 GMT": 0, "3": 3 * time.Second,
		"9223372036854775807": 1 << 20 * time.Second, // no delay may overflow
	} {
		answer := clienttest.Answer{Status: 429, Header: map[string]string{"Retry-After": header}, Body: `{"code": "rate_limited", "new": 1}`}
		_, err := clienttest.NewServer(t, answer).NewClient(t, nil).Do(t.Context(), get)
		var p *client.ProblemError
		if !errors.As(err, &p) || p.RetryAfter != want || string(p.Body) != answer.Body {
			t.Errorf("Retry-After %q: %+v", header, p)
		}
	}
}

func TestUnavailableServicesAreDistinguished(t *testing.T) {
	problem := func(status int) error { return (&client.Response{Status: status}).Problem() }
	type classification struct {
		Status      int
		Unavailable bool
	}
	for _, c := range []struct {
		err  error
		want classification
	}{
		{nil, classification{0, false}},
		{errPlanted, classification{0, false}},
		{context.Canceled, classification{0, false}},
		{&client.UnreachableError{Err: errPlanted}, classification{0, true}},
		{errors.Join(errPlanted, problem(503)), classification{503, true}},
		{problem(408), classification{408, true}},
		{problem(504), classification{504, true}},
		{problem(500), classification{500, false}},
		{problem(502), classification{502, false}},
		{problem(429), classification{429, false}},
	} {
		if diff := cmp.Diff(c.want, classification{client.Status(c.err), client.IsUnavailable(c.err)}); diff != "" {
			t.Errorf("%v (-want +got):\n%s", c.err, diff)
		}
	}
}

func TestForeignErrorHasTheMismatch(t *testing.T) {
	err := (&client.Response{Body: []byte(`{"revision":"x"}`)}).Decode(&api.ChangedPolicy{})
	var foreign *client.ForeignError
	if !errors.As(err, &foreign) || errors.Unwrap(err) == nil || !strings.Contains(err.Error(), errors.Unwrap(err).Error()) {
		t.Errorf("%v", err)
	}
}
