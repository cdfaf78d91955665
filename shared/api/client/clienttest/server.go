// Package clienttest has a fake service for tests of programs that use package
// client.
package clienttest

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/api/client"
)

// Token is the token of the clients of a Server.
const Token = "eye_secret"

// Answer is a canned answer.
type Answer struct {
	Status int
	Header map[string]string
	Body   string
}

// Server answers each request with the next of its answers, and with the last
// one from then on. It records the requests; they may be read between requests.
type Server struct {
	*httptest.Server
	Requests []*http.Request
	Bodies   []string
}

// NewServer starts a server that ends with the test.
func NewServer(t testing.TB, answers ...Answer) *Server {
	t.Helper()
	s := &Server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.Requests, s.Bodies = append(s.Requests, r), append(s.Bodies, string(body))
		a := answers[min(len(s.Requests), len(answers))-1]
		for name, value := range a.Header {
			w.Header().Set(name, value)
		}
		w.WriteHeader(a.Status)
		_, _ = io.WriteString(w, a.Body)
	}))
	t.Cleanup(s.Close)
	return s
}

// NewClient returns a client of the server. It appends its delays to delays and
// does not wait for them.
func (s *Server) NewClient(t testing.TB, delays *[]time.Duration) *client.Client {
	t.Helper()
	return s.NewClientWithSleep(t, func(ctx context.Context, d time.Duration) error {
		*delays = append(*delays, d)
		return ctx.Err()
	})
}

// NewClientWithSleep returns a client of the server that calls sleep between
// attempts.
func (s *Server) NewClientWithSleep(t testing.TB, sleep func(context.Context, time.Duration) error) *client.Client {
	t.Helper()
	c, err := client.New(client.Config{URL: s.URL, Token: Token, UserAgent: "test/1", Sleep: sleep})
	if err != nil {
		t.Fatal(err)
	}
	return c
}
