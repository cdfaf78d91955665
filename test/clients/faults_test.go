package clients

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/theeye/theeye/test/faultproxy"
	"github.com/theeye/theeye/test/harness"
)

// eventsOfAFault is how many events are sent under each kind of fault, in rounds.
// EYE_CLIENT_EVENTS sets another number.
const (
	eventsOfAFault = 500
	rounds         = 5
)

// fault is a kind of fault. begin sets it; every round waits until a request fails by it,
// unless it delays only, and ends it.
type fault struct {
	name    string
	begin   func(*path)
	harmful bool
}

var faults = []fault{
	{"cuts", func(p *path) { p.proxy.Cut() }, true},
	{"half-open connections", func(p *path) { p.proxy.Hold() }, true},
	{"delays", func(p *path) { p.proxy.Delay(20 * time.Millisecond) }, false},
	{"answers lost after acceptance", func(p *path) { p.gate.Set(LoseAnswers) }, true},
	{"half answers", func(p *path) { p.gate.Set(CutAnswers) }, true},
	{"a storm of 503", func(p *path) { p.gate.Set(Overloaded) }, true},
	{"a storm of 429", func(p *path) { p.gate.Set(RateLimited) }, true},
	{"a wrong key that becomes right", func(p *path) { p.gate.Set(WrongKey) }, true},
}

// path is the way from a client to the collector.
type path struct {
	gate  *Gate
	proxy *faultproxy.Proxy
}

func newPath(t *testing.T, collector string) (*path, string) {
	t.Helper()
	p := &path{gate: &Gate{Target: collector}}
	server := httptest.NewUnstartedServer(p.gate)
	server.Config.ErrorLog = log.New(t.Output(), "", 0)
	server.Start()
	t.Cleanup(server.Close)
	var err error
	if p.proxy, err = faultproxy.New(strings.TrimPrefix(server.URL, "http://")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.proxy.Close() })
	return p, "http://" + p.proxy.Addr()
}

func (p *path) restore() {
	p.gate.Set(Pass)
	p.proxy.Restore()
}

// sender is a client in a site. enqueue enqueues the numbered events from first to before
// last.
type sender interface {
	enqueue(first, last int) error
	stats() (counts, error)
	close(ctx context.Context) error
}

// counts are those of a client: of accepted events, and of requests that failed.
type counts struct{ Accepted, FailedRequests int }

// testFaults sends events by a client under each kind of fault. The client sends
// batches of 40 events, waits for 20 ms at most between requests, and for 2 s for an
// answer.
func testFaults(t *testing.T, start func(t *testing.T, url, session string) sender) {
	t.Helper()
	_, address := startEye(t)
	events := eventsOfAFault
	if n, err := strconv.Atoi(os.Getenv("EYE_CLIENT_EVENTS")); err == nil {
		events = n
	}
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			p, url := newPath(t, address)
			session := uuid.NewString()
			testFault(t, f, p, start(t, url, session), address, session, events)
		})
	}
}

func testFault(t *testing.T, f fault, p *path, client sender, address, session string, events int) {
	t.Helper()
	ctx := waiting(t)
	for n := 0; n < events; n += events / rounds { // the events of the round before are still being sent
		faultRound(ctx, t, f, p, client, n)
		if err := client.enqueue(n+1, min(n+events/rounds, events)); err != nil {
			t.Fatal(err)
		}
	}
	if err := client.close(ctx); err != nil {
		t.Fatal(err)
	}
	s, err := client.stats()
	if err != nil || s.Accepted != events || f.harmful && s.FailedRequests < rounds {
		t.Fatalf("%+v, %v, of %d events", s, err, events)
	}
	if err := harness.Poll(ctx, func() error {
		paths, err := Stored(ctx, address, harness.OperatorToken, session)
		if err != nil {
			return err
		}
		return Check(paths, events)
	}); err != nil {
		t.Error(err)
	}
}

// faultRound enqueues an event under a fault, and ends the fault when it was felt.
func faultRound(ctx context.Context, t *testing.T, f fault, p *path, client sender, n int) {
	t.Helper()
	before, err := client.stats()
	if err != nil {
		t.Fatal(err)
	}
	f.begin(p)
	if err := client.enqueue(n, n+1); err != nil {
		t.Fatal(err)
	}
	if err := harness.Poll(ctx, func() error {
		now, err := client.stats()
		if err != nil {
			return harness.Final(err)
		}
		if f.harmful && now.FailedRequests == before.FailedRequests || !f.harmful && now.Accepted == before.Accepted {
			return errors.New("the fault is not felt yet")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	p.restore()
}

// testKilledSite kills a site with a spool again and again, while the collector takes
// events and while it does not. The site is the process of a command, and does as
// runSite says.
func testKilledSite(t *testing.T, command ...string) {
	t.Helper()
	_, address := startEye(t)
	p, url := newPath(t, address)
	dir, session, ctx := t.TempDir(), uuid.NewString(), waiting(t)
	returned := filepath.Join(dir, "returned")
	first := 0
	start := func(last string) *harness.Process {
		t.Helper()
		site := &harness.Process{Name: "site", Path: command[0], Args: command[1:], Env: []string{
			"CLIENTS_ROLE=site", "CLIENTS_URL=" + url, "CLIENTS_KEY=" + harness.WriteKey, "CLIENTS_SPOOL=" + filepath.Join(dir, "spool"), "CLIENTS_RETURNED=" + returned,
			"CLIENTS_SESSION=" + session, "CLIENTS_FIRST=" + strconv.Itoa(first), "CLIENTS_LAST=" + last,
		}}
		t.Cleanup(site.Stop)
		if err := site.Launch(); err != nil {
			t.Fatal(err)
		}
		return site
	}
	for round, mode := range []Mode{Pass, Overloaded, LoseAnswers, WrongKey, Pass, CutAnswers} {
		p.gate.Set(mode)
		before, want := p.gate.Requests(), first+300
		site := start("")
		if err := harness.Poll(ctx, func() error {
			numbers, err := readReturned(returned)
			if err == nil && (len(numbers) == 0 || numbers[len(numbers)-1] < want || p.gate.Requests() <= before) {
				err = fmt.Errorf("round %d: not far enough", round)
			}
			return err
		}); err != nil {
			t.Fatalf("%v\n%s", err, site.Output())
		}
		if err := site.Kill(); err != nil {
			t.Fatal(err)
		}
		numbers, err := readReturned(returned)
		if err != nil {
			t.Fatal(err)
		}
		// The event after the last may be enqueued, and not written down.
		first = numbers[len(numbers)-1] + 2
	}
	p.gate.Set(Pass)
	site := start(strconv.Itoa(first + 10))
	if code, err := site.Wait(ctx); err != nil || code != 0 {
		t.Fatalf("the last site ends with %d, %v\n%s", code, err, site.Output())
	}
	numbers, err := readReturned(returned)
	if err != nil {
		t.Fatal(err)
	}
	if err := harness.Poll(ctx, func() error {
		paths, err := Stored(ctx, address, harness.OperatorToken, session)
		if err != nil {
			return err
		}
		for _, n := range numbers {
			if paths[fmt.Sprint("/", n)] != 1 {
				return fmt.Errorf("event %d, whose Enqueue returned, is stored %d times", n, paths[fmt.Sprint("/", n)])
			}
		}
		if more := len(paths) - len(numbers); more > 6 {
			return harness.Final(fmt.Errorf("%d events more than were written down", more))
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}
