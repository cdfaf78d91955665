package eye

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
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
		if err := s.appendEvent(seq, fmt.Appendf(nil, "event %d", seq)); err != nil {
			t.Fatal(err)
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
		if err := s.appendEvent(seq, event); err != nil {
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
	if err := s.appendEvent(2, []byte("lost")); err == nil {
		t.Fatal("no error")
	}
	if err := s.appendEvent(3, []byte("not tried")); err != nil {
		t.Fatal(err)
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
