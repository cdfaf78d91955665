package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"go.uber.org/goleak"

	"github.com/theeye/theeye/shared/daemon"
)

// door is a collector that answers as it is told.
type door struct {
	*httptest.Server
	// answer answers a request that is the nth with its body, from 1; it
	// returns false to have it accepted.
	answer func(w http.ResponseWriter, body string, nth int) bool

	mu     sync.Mutex
	bodies []string
	seen   map[string]int
}

func newDoor(t *testing.T, answer func(w http.ResponseWriter, body string, nth int) bool) *door {
	t.Helper()
	d := &door{answer: answer, seen: make(map[string]int)}
	d.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		body := string(raw)
		if err != nil || r.Method != http.MethodPost || r.URL.Path != "/v1/events" || r.Header.Get("Authorization") != "Bearer key" {
			t.Errorf("%s %s: %v", r.Method, r.URL, err)
		}
		d.mu.Lock()
		d.bodies = append(d.bodies, body)
		d.seen[body]++
		nth := d.seen[body]
		d.mu.Unlock()
		if d.answer == nil || !d.answer(w, body, nth) {
			accept(w, body)
		}
	}))
	t.Cleanup(d.Close)
	return d
}

// accept answers that every event of a body is accepted.
func accept(w http.ResponseWriter, body string) {
	var events []jsontext.Value
	if err := json.Unmarshal([]byte(body), &events); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, results(slices.Repeat([]string{""}, len(events))...))
}

// results is an answer for events that are refused with a code, or accepted
// where that is "".
func results(codes ...string) string {
	all := make([]string, len(codes))
	for i, code := range codes {
		all[i] = fmt.Sprintf(`{"index":%d,"event_id":"x","status":"accepted"}`, i)
		if code != "" {
			all[i] = fmt.Sprintf(`{"index":%d,"status":"refused","code":%q,"message":"because"}`, i, code)
		}
	}
	return `{"results":[` + strings.Join(all, ",") + `]}`
}

func problem(w http.ResponseWriter, status int, retryAfter string) bool {
	w.Header().Set("Retry-After", retryAfter)
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `{"status":%d,"code":"told","detail":"so it is"}`, status)
	return true
}

// sending sends text over a clock of its own, which the pauses alone move.
type sending struct {
	*sender
	mu     sync.Mutex
	clock  time.Time
	waits  []time.Duration
	why    []string
	settle int64
}

func newSending(t *testing.T, url string, retryFor time.Duration) *sending {
	t.Helper()
	client, err := remote{URL: url, Token: "key"}.client()
	if err != nil {
		t.Fatal(err)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	client.http.Transport = transport
	t.Cleanup(transport.CloseIdleConnections)
	s := &sending{}
	client.pause = func(ctx context.Context, d time.Duration) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.clock = s.clock.Add(d)
		s.waits = append(s.waits, d)
		return ctx.Err()
	}
	s.sender = &sender{
		client: client, retryFor: retryFor,
		now:     func() time.Time { s.mu.Lock(); defer s.mu.Unlock(); return s.clock },
		settled: func(n int64) { s.settle += n },
		waiting: func(why string) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.why = append(s.why, why)
		},
	}
	return s
}

func (s *sending) text(t *testing.T, text string) error {
	t.Helper()
	return s.send(t.Context(), newBatcher(strings.NewReader(text), 0))
}

// want checks the tally.
func (s *sending) want(t *testing.T, accepted, refused, lines int64) {
	t.Helper()
	if d := s.done; d.Accepted != accepted || d.Refused != refused || d.lines != lines {
		t.Errorf("accepted %d, refused %d, %d lines done; want %d, %d, %d", d.Accepted, d.Refused, d.lines, accepted, refused, lines)
	}
}

// numbered are n lines of events.
func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "{\"n\":%d}\n", i+1)
	}
	return b.String()
}

// Whatever goes wrong on the way, the same bytes are sent again until they are
// answered.
func TestSendAgain(t *testing.T) {
	for name, fail := range map[string]func(w http.ResponseWriter) bool{
		"503":             func(w http.ResponseWriter) bool { return problem(w, http.StatusServiceUnavailable, "2") },
		"408":             func(w http.ResponseWriter) bool { return problem(w, http.StatusRequestTimeout, "") },
		"502 of a proxy":  func(w http.ResponseWriter) bool { http.Error(w, "<html>", http.StatusBadGateway); return true },
		"connection lost": func(http.ResponseWriter) bool { panic(http.ErrAbortHandler) },
		"half an answer": func(w http.ResponseWriter) bool {
			w.Header().Set("Content-Length", "1000")
			w.WriteHeader(http.StatusAccepted)
			_, _ = io.WriteString(w, `{"results":[`)
			return true
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDoor(t, func(w http.ResponseWriter, _ string, nth int) bool { return nth <= 3 && fail(w) })
			s := newSending(t, d.URL, time.Minute)
			text := numbered(2500)
			if err := s.text(t, text); err != nil {
				t.Fatal(err)
			}
			s.want(t, 2500, 0, 2500)
			if len(d.seen) != 3 || len(d.bodies) != 12 || s.settle != int64(len(text)) {
				t.Errorf("%d different of %d bodies, %d bytes settled", len(d.seen), len(d.bodies), s.settle)
			}
			if name == "503" && slices.Min(s.waits) < 2*time.Second {
				t.Errorf("did not wait as told: %v", s.waits)
			}
			if s.why[0] == "" || s.why[len(s.why)-1] != "" {
				t.Errorf("told to wait for %q", s.why)
			}
		})
	}
}

// When nothing is taken for too long, it says what it needs; what it knows to
// be taken stays counted.
func TestSendGivesUp(t *testing.T) {
	d := newDoor(t, func(w http.ResponseWriter, body string, _ int) bool {
		return !strings.HasPrefix(body, `[{"n":1}`) && problem(w, http.StatusServiceUnavailable, "")
	})
	s := newSending(t, d.URL, time.Minute)
	err := s.text(t, numbered(5000))
	if !errors.Is(err, daemon.ErrUnreachable) || !strings.Contains(err.Error(), "503 told: so it is") {
		t.Errorf("%v", err)
	}
	s.want(t, 1000, 0, 1000)
	// Requests under way at once share the clock, so both pauses move it.
	if total := s.clock.Sub(time.Time{}); total > inFlight*time.Minute || total < time.Minute {
		t.Errorf("gave up after %v", total)
	}
	if longest := slices.Max(s.waits); longest > 2*longestPause {
		t.Errorf("paused for %v", longest)
	}
}

// A key's limit is no failure: however long the whole takes, each pause is
// what the answer asks for.
func TestSendWithinLimits(t *testing.T) {
	d := newDoor(t, func(w http.ResponseWriter, _ string, nth int) bool {
		if nth == 21 { // it was there a moment ago
			return problem(w, http.StatusServiceUnavailable, "")
		}
		return nth <= 20 && problem(w, http.StatusTooManyRequests, "100")
	})
	s := newSending(t, d.URL, time.Minute)
	if err := s.text(t, numbered(10)); err != nil {
		t.Fatal(err)
	}
	s.want(t, 10, 0, 10)
	if len(s.waits) != 21 || slices.Max(s.waits) != 100*time.Second || slices.Min(s.waits[:20]) != 100*time.Second {
		t.Errorf("waited %v", s.waits)
	}
}

// An answer that repeating does not mend ends it.
func TestSendFails(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		is     error
		says   string
	}{
		{401, `{"code":"unauthorized","detail":"not known"}`, daemon.ErrUsage, "EYE_WRITE_KEY"},
		{403, `{"code":"key_expired","detail":"it was"}`, daemon.ErrUsage, "key_expired"},
		{404, `nothing here`, nil, "is --url right?"},
		{500, `{"code":"internal"}`, nil, "500 internal"},
		{302, ``, nil, "302"},
		{200, `<html>`, nil, "200"},
		{202, `<html>`, nil, "is --url right?"},
		{202, results("", "", ""), nil, "2 events were sent, 3 are answered"},
		{202, `{"results":[{"status":"accepted"},{"status":"stored"}]}`, nil, `status "stored"`},
		{422, `{"code":"odd","detail":"without results"}`, daemon.ErrUsage, "422 odd"},
	} {
		d := newDoor(t, func(w http.ResponseWriter, _ string, _ int) bool {
			w.WriteHeader(c.status)
			_, _ = io.WriteString(w, c.body)
			return true
		})
		s := newSending(t, d.URL, time.Minute)
		err := s.text(t, "{}\n{}\n")
		if err == nil || c.is != nil && !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.says) ||
			c.is == nil && daemon.ExitCode(err) != daemon.ExitFailure {
			t.Errorf("%d: exit code %d, %v", c.status, daemon.ExitCode(err), err)
		}
		if len(d.bodies) != 1 {
			t.Errorf("%d: sent %d times", c.status, len(d.bodies))
		}
		s.want(t, 0, 0, 0)
	}
}

// What the collector refuses is found by its line, beside what was refused
// before it was sent. The list holds those of the first lines.
func TestSendListsRefusals(t *testing.T) {
	d := newDoor(t, func(w http.ResponseWriter, body string, _ int) bool {
		if strings.Contains(body, `"b"`) {
			w.WriteHeader(http.StatusUnprocessableEntity)
			_, _ = io.WriteString(w, results("too_odd"))
			return true
		}
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, results("", "too_odd"))
		return true
	})
	s := newSending(t, d.URL, time.Minute)
	if err := s.text(t, "{\"a\":1}\n\nbroken\n{\"a\":2}\n"); err != nil {
		t.Fatal(err)
	}
	s.want(t, 1, 2, 4)
	if got := fmt.Sprint(s.done.listed); !strings.HasPrefix(got, "[{3 invalid_json") || !strings.HasSuffix(got, "{4 too_odd because}]") {
		t.Error(got)
	}
	if err := s.text(t, "{\"b\":1}\n"+strings.Repeat("x\n", 30)); err != nil {
		t.Fatal(err)
	}
	if n := len(s.done.listed); s.done.Refused != 33 || n != maxListed || s.done.listed[0].Line != 1 {
		t.Errorf("refused %d, listed %d", s.done.Refused, n)
	}
}

// Lines count as done only up to the first that may not be.
func TestSendCountsWhatIsDone(t *testing.T) {
	second := make(chan struct{})
	d := newDoor(t, func(w http.ResponseWriter, body string, _ int) bool {
		if strings.HasPrefix(body, `[{"n":1}`) {
			<-second // answered after the next ones
			return problem(w, http.StatusForbidden, "")
		}
		return false
	})
	s := newSending(t, d.URL, time.Minute)
	s.settled = func(int64) { // of the second batch
		select {
		case <-second:
		default:
			close(second)
		}
	}
	err := s.text(t, numbered(2000))
	if err == nil {
		t.Fatal("no error")
	}
	s.want(t, 1000, 0, 0)
}

// An interrupt ends what is under way, and the wait for input.
func TestSendIsInterrupted(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	asked, over := make(chan struct{}), make(chan struct{})
	d := newDoor(t, func(_ http.ResponseWriter, body string, _ int) bool {
		if body == `[{"n":2}]` {
			close(asked)
			<-over
		}
		return false
	})
	defer d.Close()
	in, out := io.Pipe()
	s := newSending(t, d.URL, time.Minute)
	defer s.client.http.CloseIdleConnections()
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan struct{})
	s.settled = func(int64) { close(first) }
	ended := make(chan error)
	go func() { ended <- s.send(ctx, newBatcher(in, 0)) }()
	_, _ = io.WriteString(out, "{\"n\":1}\n")
	<-first
	_, _ = io.WriteString(out, "{\"n\":2}\n")
	<-asked
	cancel()
	if err := <-ended; !errors.Is(err, errInterrupted) {
		t.Errorf("%v", err)
	}
	s.want(t, 1, 0, 1)
	close(over)
	_ = in.Close() // what still reads
	_ = out.Close()
}

// The whole command: what was done, and how to go on.
func TestSendTellsHowToGoOn(t *testing.T) {
	d := newDoor(t, func(w http.ResponseWriter, body string, _ int) bool {
		return !strings.HasPrefix(body, `[{"n":1}`) && problem(w, http.StatusForbidden, "")
	})
	file := filepath.Join(t.TempDir(), "events.ndjson")
	if err := os.WriteFile(file, []byte(numbered(1500)), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := call(t, "send", "--url", d.URL, "--write-key", "key", "--retry-for", "0s", file)
	if code != daemon.ExitUsage {
		t.Errorf("exit code %d", code)
	}
	// The other request may have failed first.
	if strings.Contains(errs, "--skip") != (out != "") || out != "" && (out != "accepted 1000, refused 0\n" ||
		!strings.Contains(errs, "the first 1000 lines are done; go on with --skip 1000\n")) {
		t.Errorf("%q %q", out, errs)
	}
}
