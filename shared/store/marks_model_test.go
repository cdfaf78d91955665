//go:build !race

// The models are sequential: the race detector would find nothing in them, and make them
// ten times slower. `make test` runs them without it.

package store_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/store"
)

// The model of marks: a builder keeps the rows of one slot with the generation that it
// read before. At the end they must be those of the database, or of another
// generation. One slot is enough, because a fault of several is a fault of one of
// them.

func (s *session) MarksWrites() bool {
	b := s.db.bug
	return s.db.built == 0 || s.db.embedded && !b.presentSlot && !b.markFirst && !b.silentUnchanged
}

// Mark marks each slot in a step of its own.
func (s *session) Mark(_ context.Context, marks []store.SlotMark) error {
	if s.db.built == 0 {
		return nil // no builder looks
	}
	numbers := make(map[int64]bool)
	for _, m := range marks {
		numbers[m.Number] = true
	}
	switch b := s.db.bug; {
	case b.markFirst:
		clear(numbers)
	case b.silentRaise:
		for _, slot := range s.raised {
			delete(numbers, slot)
		}
	case b.silentUnchanged:
		clear(numbers)
		for _, slot := range s.written {
			numbers[slot] = true
		}
	case b.presentSlot:
		if !b.readSlot {
			clear(numbers)
		}
		for _, d := range s.mine {
			numbers[store.SlotOf(d.ReceivedAt)] = true
		}
	}
	for _, slot := range slices.Sorted(maps.Keys(numbers)) {
		if err := s.markOne(slot); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) markOne(slot int64) error {
	return s.runStep(func() string {
		s.db.marks[slot]++
		return "marked "
	})
}

// markBefore is one of the mistakes.
func (s *session) markBefore(d *store.Document) error {
	if !s.db.bug.markFirst {
		return nil
	}
	return s.markOne(d.EffectiveSlot())
}

// buildSlot keeps the rows of a slot.
func (s *session) buildSlot() error {
	var generation int
	var rows string
	read := func() string {
		generation = s.db.marks[s.db.built]
		return fmt.Sprintf("generation %d ", generation)
	}
	scan := func() string {
		rows = s.db.rowsOf(s.db.built)
		return rows + " "
	}
	steps := []func() string{read, scan}
	if s.db.bug.lateGeneration {
		slices.Reverse(steps)
	}
	for _, do := range steps {
		if err := s.runStep(do); err != nil {
			return err
		}
	}
	s.db.rows, s.db.generation, s.db.hasRows = rows, generation, true
	return nil
}

// rowsOf returns the documents of a slot, as text.
func (db *database) rowsOf(slot int64) string {
	var rows []string
	for _, d := range db.docs {
		if d.EffectiveSlot() == slot {
			rows = append(rows, rowOf(d))
		}
	}
	slices.Sort(rows)
	return strings.Join(rows, "|")
}

func rowOf(d *store.Document) string {
	return fmt.Sprintf("%s=%s@%d.r%d until %d", d.ID, d.ContentHash, d.Origin.Seq, d.Revision, expiryOf(d))
}

// expiryOf returns when a document expires, in seconds; 0 is never.
func expiryOf(d *store.Document) int64 {
	if d.ExpiresAt.IsZero() {
		return 0
	}
	return d.ExpiresAt.Unix()
}

// visible returns the rows that are not past their expiry. It leaves out the copies of a
// document that was removed: a replacement may have shortened its expiry, whose writer
// died before the mark and found the event expired afterwards. Then a row outlives the
// document, until its own expiry.
func (db *database) visible(rows string) string {
	kept := slices.DeleteFunc(strings.Split(rows, "|"), func(row string) bool {
		var until int64
		_, after, _ := strings.Cut(row, " until ")
		_, err := fmt.Sscan(after, &until)
		return err == nil && until != 0 && until <= db.now || slices.Contains(db.gone, row)
	})
	return strings.Join(kept, "|")
}

// inSlot returns a copy of content a or b at a position, in a revision. Its position
// is also its slot, and the second at which it expires, in revision 1. The policy of
// revision 2 keeps it longer than all of those.
func inSlot(content string, seq, revision uint64) *store.Document {
	d := version(content, seq, revision)
	d.ReceivedAt = store.SlotStart(int64(seq))
	d.ExpiresAt = time.Unix(int64(seq+8*(revision-1)), 0)
	return d
}

// marksHold is the check of an end state.
func marksHold([][]*store.Document) func(*database) error {
	return func(db *database) error {
		for _, d := range db.docs {
			if slot := d.EffectiveSlot(); db.marks[slot] == 0 && expiryOf(d) > db.now {
				return fmt.Errorf("a document is in slot %d without a mark: %s", slot, db)
			}
		}
		slot := db.built
		if !db.hasRows || db.marks[slot] != db.generation {
			return nil
		}
		if kept, present := db.visible(db.rows), db.visible(db.rowsOf(slot)); kept != present {
			return fmt.Errorf("the rows of slot %d are %q, and %q are kept: %s", slot, present, kept, db)
		}
		return nil
	}
}

// markCases are writers of copies that were received in different slots, with and
// without a removal.
func markCases() (list [][][]*store.Document) {
	v := []*store.Document{inSlot("a", 1, 1), inSlot("a", 1, 2), inSlot("a", 2, 1), inSlot("a", 3, 1), inSlot("b", 2, 1)}
	list = append(list, [][]*store.Document{{v[0]}, {v[0]}})
	for _, pair := range [][2]int{{0, 1}, {0, 2}, {1, 3}, {0, 4}} {
		list = append(list, [][]*store.Document{{v[pair[0]]}, {v[pair[1]]}, nil})
	}
	return append(list, [][]*store.Document{{v[0], v[4]}, {v[2], v[3]}}, [][]*store.Document{{v[1]}, {v[2]}, {v[3]}, nil})
}

// hasSlot reports whether a document was received in a slot.
func hasSlot(batches [][]*store.Document, slot int64) bool {
	return slices.ContainsFunc(batches, func(docs []*store.Document) bool {
		return slices.ContainsFunc(docs, func(d *store.Document) bool { return d.EffectiveSlot() == slot })
	})
}

// exploreMarks explores the cases with a builder of each slot until one shows a fault.
func exploreMarks(b bug) (total exploration, err error) {
	for i, batches := range markCases() {
		crashes := min(1, 4-len(batches))
		for n := range int64(18) {
			with := setting{bug: b, crashes: crashes, replay: n%3 == 1, handed: n%3 == 2, embedded: n/3%2 != 0, built: 1 + n/6}
			if !hasSlot(batches, with.built) || len(batches) == 4 && (with.replay || with.handed) {
				continue
			}
			counted, err := explore(with, batches, marksHold(batches))
			total.states += counted.states
			total.ends += counted.ends
			if err != nil {
				return total, fmt.Errorf("case %d, %+v: %w", i, with, err)
			}
		}
	}
	return total, nil
}

// exploreRaiseMarks explores writers that raise revisions, with a builder, until one case
// shows a fault.
func exploreRaiseMarks(with setting, b bug) (total exploration, err error) {
	held, raised := inSlot("a", 1, 1), inSlot("a", 1, 1)
	raised.Revision = 3
	with.bug, with.built = b, 1
	for i, batches := range [][][]*store.Document{{{held}, {raised}}, {{held}, {raised}, {inSlot("a", 2, 1)}}, {{held}, {raised}, nil}} {
		with.crashes = 3 - len(batches)
		counted, err := explore(with, batches, marksHold(batches))
		total.states += counted.states
		total.ends += counted.ends
		if err != nil {
			return total, fmt.Errorf("case %d %w", i, err)
		}
	}
	return total, nil
}

// A raise of the revision alone changes rows, too.
func TestRaisesMarkTheirSlots(t *testing.T) {
	for name, with := range raising {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			total, err := exploreRaiseMarks(with, bug{})
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("explored %d states, %d of them ends", total.states, total.ends)
			if total, err = exploreRaiseMarks(with, bug{silentRaise: true}); err == nil {
				t.Fatal("no interleaving shows a raise without a mark")
			}
			t.Logf("a raise without a mark is found after %d states: %v", total.states, err)
		})
	}
}

// TestRowsOfAGenerationAreThoseOfTheStore: in every order of deliveries, crashes,
// removals and scans.
func TestRowsOfAGenerationAreThoseOfTheStore(t *testing.T) {
	t.Parallel()
	total, err := exploreMarks(bug{})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("explored %d states, %d of them ends", total.states, total.ends)
}

func TestExplorerFindsPlantedMistakesWithMarks(t *testing.T) {
	for _, b := range []bug{
		{name: "slot of the present copy", presentSlot: true},
		{name: "slot of the present copy, marking that of the holder that was read", presentSlot: true, readSlot: true},
		{name: "mark before the write", markFirst: true},
		{name: "no mark of what is unchanged", silentUnchanged: true},
		{name: "generation read after the scan", lateGeneration: true},
		{name: "guard without the slot", slotFreeGuard: true},
	} {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			total, err := exploreMarks(b)
			if err == nil {
				t.Fatal("no interleaving shows the planted mistake")
			}
			t.Logf("found after %d states: %v", total.states, err)
		})
	}
}
