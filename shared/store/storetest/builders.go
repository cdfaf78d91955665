package storetest

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/store"
)

// builder keeps rows derived from a store, as a builder of files does.
type builder struct {
	store       store.Store
	generations map[int64]uint64
	rows        map[int64]map[string]store.Holder
}

// pass derives the changed slots again.
func (b *builder) pass(ctx context.Context, day int64) error {
	marks, err := b.store.SlotMarks(ctx, "demo", day)
	if err != nil {
		return err
	}
	for slot, generation := range marks {
		if b.generations[slot] == generation {
			continue
		}
		rows := make(map[string]store.Holder)
		for d, err := range b.store.Scan(ctx, "demo", slot, slot+1) {
			if err != nil {
				return err
			}
			if _, twice := rows[d.ID]; twice || d.EffectiveSlot() != slot {
				return fmt.Errorf("document %s of slot %d came in a scan of slot %d, twice: %v", d.ID, d.EffectiveSlot(), slot, twice)
			}
			rows[d.ID] = store.HolderOf(d)
		}
		b.rows[slot], b.generations[slot] = rows, generation
	}
	return nil
}

// testBuilders: what builders derived beside writers that race is what the store has,
// once they have made a pass after the last write.
func testBuilders(t *testing.T, s store.Store) {
	day := store.DayOf(Start())
	writing, stop := context.WithCancel(t.Context())
	var building, wg sync.WaitGroup
	builders := make([]*builder, 2)
	for i := range builders {
		b := &builder{store: s, generations: map[int64]uint64{}, rows: map[int64]map[string]store.Holder{}}
		builders[i] = b
		building.Go(func() {
			for writing.Err() == nil {
				if err := b.pass(t.Context(), day); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for r := range 4 {
		wg.Go(func() { raceCopies(t, s, uint64(r)) })
	}
	wg.Wait()
	stop()
	building.Wait()
	want := make(map[string]int64)
	for _, d := range scanned(t, s, "demo", 0, store.SlotOf(Start().AddDate(1, 0, 0))) {
		want[d.ID] = d.EffectiveSlot()
	}
	if len(want) != builderEvents {
		t.Errorf("a scan of everything has %d documents, want %d", len(want), builderEvents)
	}
	for _, b := range builders {
		must(t, b.pass(t.Context(), day))
		got := make(map[string]int64)
		for slot, rows := range b.rows {
			for id := range rows {
				if _, twice := got[id]; twice {
					t.Errorf("document %s is in two slots", id)
				}
				got[id] = slot
			}
			holders, err := s.Holders(t.Context(), keys(rows))
			must(t, err)
			if diff := cmp.Diff(holders, rows); diff != "" {
				t.Errorf("rows of slot %d (-store +derived):\n%s", slot, diff)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("documents by slot (-store +derived):\n%s", diff)
		}
	}
}

func keys(rows map[string]store.Holder) (ids []string) {
	for id := range maps.Keys(rows) {
		ids = append(ids, id)
	}
	return ids
}

// builderEvents is how many events testBuilders writes, in several copies.
const builderEvents = 40

// raceCopies writes copies of the same events, received in other slots, at other
// positions and in other revisions, in an order of its own.
func raceCopies(t *testing.T, s store.Store, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 2))
	var mine []*store.Document
	for n := range builderEvents {
		for c := range 3 {
			d := With(Event(n), func(d *store.Document) { d.ReceivedAt = Start().Add(time.Duration(c*7+n%5) * time.Second) })
			mine = append(mine, atOrigin(d, uint64(10-c), 1), atOrigin(d, uint64(10-c), 2))
		}
	}
	rng.Shuffle(len(mine), func(i, j int) { mine[i], mine[j] = mine[j], mine[i] })
	w := store.NewWriter(store.WriterConfig{Backend: s})
	for len(mine) > 0 {
		n := min(len(mine), 1+rng.IntN(30))
		// A bulk that the database undid is written again, as the processor does.
		for try := 0; ; try++ {
			_, err := w.Write(t.Context(), mine[:n])
			if err == nil {
				break
			}
			if try == 20 {
				t.Errorf("writer %d: %v", seed, err)
				return
			}
		}
		mine = mine[n:]
	}
}
