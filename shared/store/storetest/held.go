package storetest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/store"
)

// testHeld: outcomes with their reasons, without data, and what has expired and
// is not removed yet, too.
func testHeld(t *testing.T, s store.Store) {
	stored, rejected := Event(1), Rejected(2, faultPath, faultHost)
	expiring := With(Event(3), func(d *store.Document) {
		d.ExpiresAt = time.Now().Add(time.Hour).UTC().Truncate(time.Millisecond)
	})
	docs := append(Events(100, 1200), stored, rejected, expiring)
	write(t, s, docs...)
	ids := []string{store.DocumentID("demo", "nobody")}
	want := map[string]store.Held{}
	for _, d := range docs {
		ids = append(ids, d.ID)
		want[d.ID] = store.Held{
			Holder: store.Holder{ContentHash: d.ContentHash, Origin: d.Origin, Revision: d.Revision},
			Status: d.Status, Errors: d.Errors, ExpiresAt: d.ExpiresAt,
		}
	}
	got, err := s.Held(t.Context(), ids)
	must(t, err)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("held (-want +got):\n%s", diff)
	}
	none, err := s.Held(t.Context(), nil)
	must(t, err)
	if len(none) > 0 {
		t.Errorf("under no id there is %v", none)
	}
}
