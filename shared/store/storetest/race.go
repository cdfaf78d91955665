package storetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/theeye/theeye/shared/store"
)

// Size of the race.
const (
	racers  = 12
	raceIDs = 60
)

// testRace lets writers race copies of the same events at different positions and
// revisions, two contents for every third, and checks the one end state.
func testRace(t *testing.T, s store.Store) {
	versions := raceVersions()
	var wg sync.WaitGroup
	failures := make(chan error, racers)
	for r := range racers {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(r), 1))
			mine := slices.Clone(versions)
			rng.Shuffle(len(mine), func(i, j int) { mine[i], mine[j] = mine[j], mine[i] })
			w := store.NewWriter(store.WriterConfig{Backend: s})
			for len(mine) > 0 {
				n := min(len(mine), 1+rng.IntN(50))
				// A bulk that the database undid is written again, as the
				// processor does.
				for try := 0; ; try++ {
					_, err := w.Write(t.Context(), mine[:n])
					if err == nil {
						break
					}
					if try == 20 {
						failures <- fmt.Errorf("writer %d: %w", r, err)
						return
					}
				}
				mine = mine[n:]
			}
		})
	}
	wg.Wait()
	close(failures)
	for err := range failures {
		t.Fatal(err)
	}
	expectRaceEnd(t, s)
}

// raceVersions returns, for every id, copies at three positions and in three
// revisions, of one content or two.
func raceVersions() []*store.Document {
	var versions []*store.Document
	for n := range raceIDs {
		contents := []*store.Document{Event(n)}
		if n%3 == 0 {
			contents = append(contents, other(Event(n), "other"))
		}
		for c, content := range contents {
			for _, seq := range []uint64{10, 20, 30} {
				for _, revision := range []uint64{1, 2, 3} {
					versions = append(versions, atOrigin(content, seq+uint64(c), revision))
				}
			}
		}
	}
	return versions
}

// expectRaceEnd: every content is at its earliest position in its highest
// revision; of two contents one holds the id and the other is a conflict.
func expectRaceEnd(t *testing.T, s store.Store) {
	t.Helper()
	holders, err := s.Holders(t.Context(), idsOf(Events(0, raceIDs)))
	must(t, err)
	for n := range raceIDs {
		a, b := atOrigin(Event(n), 10, 3), atOrigin(other(Event(n), "other"), 11, 3)
		switch {
		case n%3 != 0:
			expectKept(t, s, a)
		case holders[a.ID].ContentHash == a.ContentHash:
			expectKept(t, s, a, conflict(t, s, b))
			expectAbsent(t, s, store.ConflictID(a.Application, a.ContentHash, a.EventID))
		default:
			expectKept(t, s, b, conflict(t, s, a))
			expectAbsent(t, s, store.ConflictID(b.Application, b.ContentHash, b.EventID))
		}
	}
}
