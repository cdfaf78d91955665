package cmd

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

	eyeclient "github.com/theeye/theeye/clients/go"
	"github.com/theeye/theeye/shared/api/client"
	"github.com/theeye/theeye/shared/daemon"
)

// fakeCollector is a collector whose answers a test controls.
type fakeCollector struct {
	*httptest.Server
	// answer answers a request, the nth with its body, from 1. If it returns
	// false, every event of the body is accepted.
	answer func(w http.ResponseWriter, body string, nth int) bool

	mu     sync.Mutex
	bodies []string
	seen   map[string]int
}

func newFakeCollector(t *testing.T, answer func(w http.ResponseWriter, body string, nth int) bool) *fakeCollector {
	t.Helper()
	d := &fakeCollector{answer: answer, seen: make(map[string]int)}
	d.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			return // the sender has given up in the middle of it
		}
		body := string(raw)
		if r.Method != http.MethodPost || r.URL.Path != "/v1/events" || r.Header.Get("Authorization") != "Bearer key" {
			t.Errorf("%s %s", r.Method, r.URL)
		}
		d.mu.Lock()
		d.bodies = append(d.bodies, body)
		d.seen[body]++
		nth := d.seen[body]
		d.mu.Unlock()
		if d.answer == nil || !d.answer(w, body, nth) {
			acceptAll(w, body)
		}
	}))
	t.Cleanup(d.Close)
	return d
}

// acceptAll answers that every event of a body is accepted.
func acceptAll(w http.ResponseWriter, body string) {
	var events []jsontext.Value
	if err := json.Unmarshal([]byte(body), &events); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, resultsJSON(slices.Repeat([]string{""}, len(events))...))
}

// resultsJSON is an answer for events that are refused with a code, or accepted
// where the code is "".
func resultsJSON(codes ...string) string {
	all := make([]string, len(codes))
	for i, code := range codes {
		all[i] = fmt.Sprintf(`{"index":%d,"event_id":"x","status":"accepted"}`, i)
		if code != "" {
			all[i] = fmt.Sprintf(`{"index":%d,"status":"refused","code":%q,"message":"because"}`, i, code)
		}
	}
	return `{"results":[` + strings.Join(all, ",") + `]}`
}

// writeProblem answers with a problem.
func writeProblem(w http.ResponseWriter, status int, retryAfter string) bool {
	w.Header().Set("Retry-After", retryAfter)
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `{"status":%d,"code":"busy","detail":"try later"}`, status)
	return true
}

// senderFixture is a sender whose clock advances only by its delays.
type senderFixture struct {
	*sender
	mu       sync.Mutex
	clock    time.Time
	delays   []time.Duration
	reasons  []string
	progress int64
}

func newSenderFixture(t *testing.T, url string, retryFor time.Duration) *senderFixture {
	t.Helper()
	transport := http.DefaultTransport.(*http.Transport).Clone()
	t.Cleanup(transport.CloseIdleConnections)
	s := &senderFixture{}
	collector, err := eyeclient.NewSender(eyeclient.SenderConfig{URL: url, WriteKey: "key", Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	s.sender = &sender{
		collector: collector, url: url, retryFor: retryFor,
		sleep: func(ctx context.Context, d time.Duration) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.clock = s.clock.Add(d)
			s.delays = append(s.delays, d)
			return ctx.Err()
		},
		now:        func() time.Time { s.mu.Lock(); defer s.mu.Unlock(); return s.clock },
		onProgress: func(_, size int64) { s.progress += size },
		onPause: func(reason string) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.reasons = append(s.reasons, reason)
		},
	}
	return s
}

func (s *senderFixture) sendText(t *testing.T, text string) error {
	t.Helper()
	return s.sendAll(t.Context(), newBatcher(strings.NewReader(text), 0))
}

// checkResult checks the counts.
func (s *senderFixture) checkResult(t *testing.T, accepted, refused, lines int64) {
	t.Helper()
	if d := s.done; d.Accepted != accepted || d.Refused != refused || d.lines != lines {
		t.Errorf("accepted %d, refused %d, %d lines done; want %d, %d, %d", d.Accepted, d.Refused, d.lines, accepted, refused, lines)
	}
}

// numberedLines returns n lines of events.
func numberedLines(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "{\"n\":%d}\n", i+1)
	}
	return b.String()
}

func TestFailedBatchesAreSentAgainUnchanged(t *testing.T) {
	for name, fail := range map[string]func(w http.ResponseWriter) bool{
		"503":             func(w http.ResponseWriter) bool { return writeProblem(w, http.StatusServiceUnavailable, "2") },
		"408":             func(w http.ResponseWriter) bool { return writeProblem(w, http.StatusRequestTimeout, "") },
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
			d := newFakeCollector(t, func(w http.ResponseWriter, _ string, nth int) bool { return nth <= 3 && fail(w) })
			s := newSenderFixture(t, d.URL, time.Minute)
			text := numberedLines(2500)
			if err := s.sendText(t, text); err != nil {
				t.Fatal(err)
			}
			s.checkResult(t, 2500, 0, 2500)
			if len(d.seen) != 3 || len(d.bodies) != 12 || s.progress != int64(len(text)) {
				t.Errorf("%d different of %d bodies, %d bytes of progress", len(d.seen), len(d.bodies), s.progress)
			}
			if name == "503" && slices.Min(s.delays) < 2*time.Second {
				t.Errorf("did not wait as requested: %v", s.delays)
			}
			if s.reasons[0] == "" || s.reasons[len(s.reasons)-1] != "" {
				t.Errorf("reasons to wait: %q", s.reasons)
			}
		})
	}
}

// The accepted events remain counted.
func TestSendGivesUpAfterTheRetryTime(t *testing.T) {
	first := make(chan struct{})
	d := newFakeCollector(t, func(w http.ResponseWriter, body string, _ int) bool {
		if strings.HasPrefix(body, `[{"n":1}`) {
			return false
		}
		<-first // else the others give up before it is done
		return writeProblem(w, http.StatusServiceUnavailable, "")
	})
	s := newSenderFixture(t, d.URL, time.Minute)
	s.onProgress = func(_, _ int64) { close(first) } // no other batch is ever done
	err := s.sendText(t, numberedLines(5000))
	if !client.IsUnavailable(err) || !strings.Contains(err.Error(), "503 busy: try later") {
		t.Errorf("%v", err)
	}
	s.checkResult(t, 1000, 0, 1000)
	// Requests in flight share the clock, so that the delays of both advance it.
	if total := s.clock.Sub(time.Time{}); total > maxInFlight*time.Minute || total < time.Minute {
		t.Errorf("gave up after %v", total)
	}
	if longest := slices.Max(s.delays); longest > 2*maxBackoff {
		t.Errorf("paused for %v", longest)
	}
}

// The limit of a key is not an outage: the retry time does not apply.
func TestRateLimitedSendWaitsAsRequested(t *testing.T) {
	d := newFakeCollector(t, func(w http.ResponseWriter, _ string, nth int) bool {
		if nth == 21 { // the collector worked a moment ago
			return writeProblem(w, http.StatusServiceUnavailable, "")
		}
		return nth <= 20 && writeProblem(w, http.StatusTooManyRequests, "100")
	})
	s := newSenderFixture(t, d.URL, time.Minute)
	if err := s.sendText(t, numberedLines(10)); err != nil {
		t.Fatal(err)
	}
	s.checkResult(t, 10, 0, 10)
	if len(s.delays) != 21 || slices.Max(s.delays) != 100*time.Second || slices.Min(s.delays[:20]) != 100*time.Second {
		t.Errorf("waited %v", s.delays)
	}
}

func TestPermanentErrorsEndTheSend(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		code   int
		says   string
	}{
		{401, `{"code":"unauthorized","detail":"not known"}`, daemon.ExitUsage, "EYE_WRITE_KEY"},
		{403, `{"code":"key_expired","detail":"it was"}`, daemon.ExitUsage, "key_expired"},
		{404, `nothing here`, daemon.ExitFailure, "is the URL right?"},
		{500, `{"code":"internal"}`, daemon.ExitFailure, "500 internal"},
		{302, ``, daemon.ExitFailure, "302"},
		{200, `<html>`, daemon.ExitFailure, "200"},
		{202, `<html>`, daemon.ExitFailure, "is the URL right?"},
		{202, resultsJSON("", "", ""), daemon.ExitFailure, "2 events were sent, 3 are answered"},
		{202, `{"results":[{"status":"accepted"},{"status":"stored"}]}`, daemon.ExitFailure, `status "stored"`},
		{422, `{"code":"odd","detail":"without results"}`, daemon.ExitUsage, "422 odd"},
	} {
		d := newFakeCollector(t, func(w http.ResponseWriter, _ string, _ int) bool {
			w.WriteHeader(c.status)
			_, _ = io.WriteString(w, c.body)
			return true
		})
		s := newSenderFixture(t, d.URL, time.Minute)
		err := s.sendText(t, "{}\n{}\n")
		if err == nil || exitCodeOf(err) != c.code || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%d: exit code %d, %v", c.status, exitCodeOf(err), err)
		}
		if len(d.bodies) != 1 {
			t.Errorf("%d: sent %d times", c.status, len(d.bodies))
		}
		s.checkResult(t, 0, 0, 0)
	}
}

// Lines that were not sent are listed with those that the collector refused.
func TestRefusedLinesAreListedByNumber(t *testing.T) {
	d := newFakeCollector(t, func(w http.ResponseWriter, body string, _ int) bool {
		if strings.Contains(body, `"b"`) {
			w.WriteHeader(http.StatusUnprocessableEntity)
			_, _ = io.WriteString(w, resultsJSON("too_odd"))
			return true
		}
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, resultsJSON("", "too_odd"))
		return true
	})
	s := newSenderFixture(t, d.URL, time.Minute)
	if err := s.sendText(t, "{\"a\":1}\n\nbroken\n{\"a\":2}\n"); err != nil {
		t.Fatal(err)
	}
	s.checkResult(t, 1, 2, 4)
	if got := fmt.Sprint(s.done.listed); !strings.HasPrefix(got, "[{3 invalid_json") || !strings.HasSuffix(got, "{4 too_odd because}]") {
		t.Error(got)
	}
	if err := s.sendText(t, "{\"b\":1}\n"+strings.Repeat("x\n", 30)); err != nil {
		t.Fatal(err)
	}
	if n := len(s.done.listed); s.done.Refused != 33 || n != maxListedRefusals || s.done.listed[0].Line != 1 {
		t.Errorf("refused %d, listed %d", s.done.Refused, n)
	}
}

func TestLinesCountAsDoneUpToTheFirstUnknownResult(t *testing.T) {
	second := make(chan struct{})
	d := newFakeCollector(t, func(w http.ResponseWriter, body string, _ int) bool {
		if strings.HasPrefix(body, `[{"n":1}`) {
			<-second // answered after the next ones
			return writeProblem(w, http.StatusForbidden, "")
		}
		return false
	})
	s := newSenderFixture(t, d.URL, time.Minute)
	s.onProgress = func(_, _ int64) { // of the second batch
		select {
		case <-second:
		default:
			close(second)
		}
	}
	err := s.sendText(t, numberedLines(2000))
	if err == nil {
		t.Fatal("no error")
	}
	s.checkResult(t, 1000, 0, 0)
}

func TestInterruptEndsRequestsAndTheWaitForInput(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	asked, over := make(chan struct{}), make(chan struct{})
	d := newFakeCollector(t, func(_ http.ResponseWriter, body string, _ int) bool {
		if body == `[{"n":2}]` {
			close(asked)
			<-over
		}
		return false
	})
	defer d.Close()
	in, out := io.Pipe()
	s := newSenderFixture(t, d.URL, time.Minute)
	defer s.collector.CloseIdleConnections()
	ctx, cancel := context.WithCancelCause(t.Context())
	first := make(chan struct{})
	s.onProgress = func(_, _ int64) { close(first) }
	ended := make(chan error)
	go func() { ended <- s.sendAll(ctx, newBatcher(in, 0)) }()
	_, _ = io.WriteString(out, "{\"n\":1}\n")
	<-first
	_, _ = io.WriteString(out, "{\"n\":2}\n")
	<-asked
	cancel(errInterrupted)
	if err := <-ended; !errors.Is(err, errInterrupted) {
		t.Errorf("%v", err)
	}
	s.checkResult(t, 1, 0, 1)
	close(over)
	_ = in.Close() // ends the read in the background
	_ = out.Close()
}

func TestFailedSendSaysHowToContinue(t *testing.T) {
	d := newFakeCollector(t, func(w http.ResponseWriter, body string, _ int) bool {
		return !strings.HasPrefix(body, `[{"n":1}`) && writeProblem(w, http.StatusForbidden, "")
	})
	file := filepath.Join(t.TempDir(), "events.ndjson")
	if err := os.WriteFile(file, []byte(numberedLines(1500)), 0o600); err != nil {
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
