package clients

import (
	"bytes"
	"io"
	"net/http"
	"sync"
)

// Mode is what a Gate does with requests.
type Mode int

// The modes.
const (
	// Pass forwards requests and answers.
	Pass Mode = iota
	// Overloaded answers 503, RateLimited 429, each asking to come back in a second.
	Overloaded
	RateLimited
	// WrongKey forwards requests with another key.
	WrongKey
	// LoseAnswers forwards requests and loses the answers.
	LoseAnswers
	// CutAnswers forwards requests and sends half of each answer.
	CutAnswers
)

// Gate is an http.Handler between clients and a collector. It is safe for concurrent
// use.
type Gate struct {
	// Target is the base address of the collector.
	Target string

	mu   sync.Mutex
	mode Mode
	seen int
}

// Set has later requests treated so.
func (g *Gate) Set(m Mode) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.mode = m
}

// Requests returns the number of requests so far.
func (g *Gate) Requests() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.seen
}

// ServeHTTP treats a request by the mode.
func (g *Gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	g.seen++
	mode := g.mode
	g.mu.Unlock()
	switch mode {
	case Overloaded, RateLimited:
		_, _ = io.Copy(io.Discard, r.Body)
		h := w.Header()
		h.Set("Retry-After", "1")
		if origin := r.Header.Get("Origin"); origin != "" { // as the collector answers pages
			h.Set("Access-Control-Allow-Origin", origin)
			h.Set("Access-Control-Allow-Credentials", "true")
			h.Set("Access-Control-Expose-Headers", "Retry-After")
		}
		status, code := http.StatusServiceUnavailable, "overloaded"
		if mode == RateLimited {
			status, code = http.StatusTooManyRequests, "rate_limited"
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, `{"code": "`+code+`", "detail": "later"}`)
	default:
		g.forwardRequest(w, r, mode)
	}
}

func (g *Gate) forwardRequest(w http.ResponseWriter, r *http.Request, mode Mode) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler) // the client has given up
	}
	req, err := http.NewRequestWithContext(r.Context(), r.Method, g.Target+r.URL.RequestURI(), bytes.NewReader(body)) //nolint:gosec // a proxy in front of a server of the test
	if err != nil {
		panic(err)
	}
	req.Header = r.Header.Clone()
	if mode == WrongKey {
		req.Header.Set("Authorization", "Bearer no-such-key")
		query := req.URL.Query()
		query.Del("write_key")
		req.URL.RawQuery = query.Encode()
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || mode == LoseAnswers {
		panic(http.ErrAbortHandler)
	}
	for name, values := range resp.Header {
		w.Header()[name] = values // Content-Length among them: half a body is an error
	}
	w.WriteHeader(resp.StatusCode)
	if mode == CutAnswers {
		_, _ = w.Write(answer[:len(answer)/2])
		panic(http.ErrAbortHandler)
	}
	_, _ = w.Write(answer)
}
