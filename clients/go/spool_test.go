package eye

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
)

// open opens a spool and returns the events in it.
func open(t *testing.T, dir string) (*spool, []string, spooled) {
	t.Helper()
	s, found, err := openSpool(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.lock.Close() })
	var events []string
	for _, it := range found.events {
		events = append(events, fmt.Sprintf("%d:%s", it.seq, it.json))
	}
	return s, events, found
}

// fill appends events first to last, named by their numbers.
func fill(t *testing.T, s *spool, first, last uint64) {
	t.Helper()
	for seq := first; seq <= last; seq++ {
		if kept, err := s.appendEvent(seq, fmt.Appendf(nil, "event %d", seq)); !kept || err != nil {
			t.Fatal(kept, err)
		}
	}
}

func segmentsIn(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"+segmentSuffix))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestSpoolKeepsWhatIsNotSettled(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "spool")
	s, events, found := open(t, dir)
	if len(events) != 0 || found.next != 0 {
		t.Fatal(events, found)
	}
	fill(t, s, 0, 9)
	s.settleBelow(7, 10)
	s.endSegment()
	_ = s.lock.Close() // a kill
	s, events, found = open(t, dir)
	if want := []string{"7:event 7", "8:event 8", "9:event 9"}; !slices.Equal(events, want) || found.next != 10 || found.damaged != 0 {
		t.Fatalf("%q, %+v", events, found)
	}
	fill(t, s, 10, 11)
	s.settleBelow(10, 12)
	if names := segmentsIn(t, dir); len(names) != 1 {
		t.Errorf("the settled segment stays: %q", names)
	}
	s.settleBelow(12, 12)
	s.closeFiles(true)
	if names := segmentsIn(t, dir); len(names) != 0 {
		t.Errorf("an empty spool has %q", names)
	}
}

// A record that power loss cut ends its segment, and hides none of the next.
func TestDamageEndsASegment(t *testing.T) {
	dir := t.TempDir()
	s, _, _ := open(t, dir)
	fill(t, s, 0, 4)
	s.endSegment()
	fill(t, s, 5, 6)
	s.endSegment()
	_ = s.lock.Close()
	first := segmentsIn(t, dir)[0]
	whole, err := os.ReadFile(first)
	if err != nil {
		t.Fatal(err)
	}
	record := len(whole) / 5
	for cut := range len(whole) + 1 {
		b := slices.Clone(whole[:cut])
		want := cut / record
		if cut == len(whole) { // a byte that is wrong
			b[3*record+recordHead+2] ^= 1
			want = 3
		}
		if err := os.WriteFile(first, b, 0o600); err != nil {
			t.Fatal(err)
		}
		s, events, found := open(t, dir)
		_ = s.lock.Close()
		if len(events) != want+2 || events[want] != "5:event 5" || found.next != 7 || (found.damaged > 0) != (len(b) != want*record) {
			t.Fatalf("cut at %d: %q, damaged %d", cut, events, found.damaged)
		}
		if want == 0 { // removed, as it holds no event
			if _, err := os.Stat(first); !errors.Is(err, os.ErrNotExist) {
				t.Fatalf("cut at %d: %v", cut, err)
			}
		}
	}
}

func TestSpoolIsBounded(t *testing.T) {
	dir := t.TempDir()
	s, _, _ := open(t, dir)
	event := make([]byte, 100_000)
	most := int64(0)
	for seq := range uint64(500) { // 50 MB, of which the last ten are not settled
		if _, err := s.appendEvent(seq, event); err != nil {
			t.Fatal(err)
		}
		s.settleBelow(max(seq, 10)-10, seq+1)
		sum := int64(0)
		for _, name := range segmentsIn(t, dir) {
			info, err := os.Stat(name)
			if err != nil {
				t.Fatal(err)
			}
			sum += info.Size()
		}
		most = max(most, sum)
	}
	if most > 2*maxSegment+2<<20 {
		t.Errorf("the spool had %d bytes", most)
	}
}

func TestOneClientUsesASpool(t *testing.T) {
	cfg := Config{WriteKey: "key", Spool: t.TempDir(), Transport: sinkTransport{}}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New(cfg); !errors.Is(err, ErrSpoolLocked) {
		t.Errorf("a second client: %v", err)
	}
	if err := c.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if c, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	_ = c.Close(context.Background())
}

// A disk that takes nothing costs the events of that time their place in the spool, and
// nothing else.
func TestSpoolThatCannotBeWritten(t *testing.T) {
	dir := t.TempDir()
	s, _, _ := open(t, dir)
	fill(t, s, 0, 1)
	_ = s.active.Close() // each write fails
	if kept, err := s.appendEvent(2, []byte("lost")); kept || err == nil {
		t.Fatal(kept, err)
	}
	if kept, err := s.appendEvent(3, []byte("not tried")); kept || err != nil {
		t.Fatal(kept, err)
	}
	s.pauseUntil = s.pauseUntil.Add(-spoolPause)
	fill(t, s, 4, 5)
	s.endSegment()
	_ = s.lock.Close()
	_, events, found := open(t, dir)
	if want := []string{"0:event 0", "1:event 1", "4:event 4", "5:event 5"}; !slices.Equal(events, want) || found.next != 6 {
		t.Errorf("%q, %+v", events, found)
	}
}

// failTransport takes no request.
type failTransport struct{}

func (failTransport) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("no connection")
}

// killAndRead ends a client as the end of its process does, and returns the ids of the
// events that its spool has.
func killAndRead(t *testing.T, c *Client) (ids []string) {
	t.Helper()
	c.mu.Lock()
	c.killed = true
	c.mu.Unlock()
	c.cut()
	<-c.ended
	s, _, found := open(t, c.cfg.Spool)
	_ = s.lock.Close()
	for _, it := range found.events {
		ids = append(ids, eventID(it.json))
	}
	return ids
}

// A queue that is smaller than that of the process before drops the oldest events of the
// spool, and loses no newer one then: also not at the starts that follow.
func TestSpoolOfALargerQueue(t *testing.T) { synctest.Test(t, testSpoolOfALargerQueue) }

func testSpoolOfALargerQueue(t *testing.T) {
	cfg := Config{WriteKey: "key", Spool: t.TempDir(), Transport: failTransport{}, Logger: slog.New(slog.DiscardHandler)}
	start := func(queueEvents int) *Client {
		cfg.QueueEvents = queueEvents
		c, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // until the first request has failed
		return c
	}
	enqueue := func(c *Client, first, last int) {
		for i := first; i <= last; i++ {
			if err := c.Enqueue(Event{EventID: strconv.Itoa(i)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	want := func(c *Client, first, last int) {
		t.Helper()
		var numbers []string
		for i := first; i <= last; i++ {
			numbers = append(numbers, strconv.Itoa(i))
		}
		if ids := killAndRead(t, c); !slices.Equal(ids, numbers) {
			t.Errorf("%d events from %v, want %d to %d", len(ids), ids[:min(len(ids), 1)], first, last)
		}
	}
	c := start(1000)
	enqueue(c, 0, 99)
	c.mu.Lock()
	c.spool.endSegment() // as one that is full
	c.mu.Unlock()
	enqueue(c, 100, 199)
	want(c, 0, 199)
	c = start(50)
	enqueue(c, 200, 209)
	want(c, 160, 209)
	c = start(10)
	enqueue(c, 210, 214)
	want(c, 205, 214)
	want(start(10), 205, 214)
}

// A spool in which all was settled counts from 0 again: that says nothing of the next
// events.
func TestSettledSpoolBeginsAnew(t *testing.T) {
	dir := t.TempDir()
	s, _, _ := open(t, dir)
	fill(t, s, 0, 9)
	s.settleBelow(10, 10)
	s.endSegment()
	_ = s.lock.Close() // a kill
	s, events, found := open(t, dir)
	if len(events) != 0 || found.next != 0 {
		t.Fatalf("%q, %+v", events, found)
	}
	fill(t, s, 0, 4)
	s.settleBelow(3, 5)
	s.endSegment()
	_ = s.lock.Close()
	if _, events, _ = open(t, dir); !slices.Equal(events, []string{"3:event 3", "4:event 4"}) {
		t.Errorf("%q", events)
	}
}
