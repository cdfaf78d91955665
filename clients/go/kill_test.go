package eye

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// siteVariable makes the test binary a site: the address of a collector, a spool, and
// what the ids of its events begin with.
const siteVariable = "EYE_TEST_SITE"

func TestMain(m *testing.M) {
	if site := os.Getenv(siteVariable); site != "" {
		os.Exit(runSite(strings.Split(site, " ")))
	}
	os.Exit(m.Run())
}

// runSite enqueues events until it is killed, and writes the id of each, once its Enqueue
// has returned.
func runSite(args []string) int {
	c, err := New(killedConfig(args[0], args[1]))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	for n := 0; ; n++ {
		id := fmt.Sprintf("%s-%d", args[2], n)
		if err := c.Enqueue(Event{EventID: id}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		if _, err := fmt.Println(id); err != nil {
			return 1
		}
	}
}

func killedConfig(url, spool string) Config {
	return Config{
		URL: url, WriteKey: "key", Spool: spool, BatchEvents: 40, MaxWait: time.Millisecond, BackoffMin: time.Millisecond,
		BackoffMax: 5 * time.Millisecond, Logger: slog.New(slog.DiscardHandler),
	}
}

// storage counts how often a collector accepted each event.
type storage struct {
	mu       sync.Mutex
	events   map[string]int
	requests int
	// refuse and lose say that no event is accepted, and that no answer arrives.
	refuse, lose bool
}

func (s *storage) serve(t *testing.T, w http.ResponseWriter, r *http.Request) {
	ids := readIDs(t, r)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	if s.refuse {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	for _, id := range ids {
		s.events[id]++
	}
	if s.lose {
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, resultsOf(ids))
}

// A killed process loses nothing that Enqueue has taken, whatever the collector
// answers, and sends nothing under another id.
func TestKilledProcesses(t *testing.T) {
	s := &storage{events: map[string]int{}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.serve(t, w, r) }))
	defer server.Close()
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	spool := t.TempDir()
	taken := map[string]bool{}
	kills := 0
	for round, faults := range [][2]bool{{false, false}, {true, false}, {false, true}, {true, false}, {false, false}} {
		s.mu.Lock()
		s.refuse, s.lose = faults[0], faults[1]
		s.mu.Unlock()
		for i := range 3 {
			killSite(t, server.URL, spool, fmt.Sprintf("%d-%d", round, i), 100*(i+1)+37*round, taken)
			kills++
		}
	}
	s.mu.Lock()
	s.refuse, s.lose = false, false
	s.mu.Unlock()
	c, err := New(killedConfig(server.URL, spool))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	extra := len(s.events)
	for id := range taken {
		if s.events[id] > 0 {
			extra--
		} else {
			t.Errorf("the event %s is lost", id)
		}
	}
	// A killed process may have taken events whose ids were not read.
	for id := range s.events {
		if strings.Count(id, "-") != 2 {
			t.Errorf("no event has the id %q", id)
		}
	}
	t.Logf("%d processes were killed: %d events, %d more whose ids were not read, in %d requests", kills, len(taken), extra, s.requests)
}

// killSite runs a site until so many ids are read, and kills it. Those that it wrote before
// its end are read, too.
func killSite(t *testing.T, url, spool, prefix string, events int, taken map[string]bool) {
	t.Helper()
	site := exec.CommandContext(t.Context(), os.Args[0])
	site.Env = append(os.Environ(), siteVariable+"="+strings.Join([]string{url, spool, prefix}, " "))
	site.Stderr = os.Stderr
	out, err := site.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := site.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	for n := 0; ; n++ {
		if n == events {
			if err := site.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
		id, err := lines.ReadString('\n')
		if err != nil {
			if n < events {
				t.Errorf("the site ended after %d events", n)
			}
			break
		}
		taken[strings.TrimSpace(id)] = true
	}
	_ = site.Wait()
}
