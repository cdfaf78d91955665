package sqlite_test

import (
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/store/sqlite"
	"github.com/theeye/theeye/shared/store/storetest"
)

// insertLayout1 is the insertion of a build of layout 1.
const insertLayout1 = `INSERT INTO events (id, status, application, event_id, session_id, category, name, data,
	timestamp_us, received_at, expires_at, content_hash, epoch, seq, revision, schema_version, errors, original)
	VALUES (?, 'stored', ?, ?, ?, ?, ?, ?, ?, ?, NULL, ?, ?, ?, ?, ?, NULL, NULL)`

func writeLayout1(t *testing.T, s *sqlite.Store, d *store.Document) {
	t.Helper()
	err := s.Exec(t.Context(), insertLayout1, d.ID, d.Application, d.EventID, d.SessionID, d.Category, d.Name,
		string(d.Data), d.Timestamp.UnixMicro(), d.ReceivedAt.UnixMilli(), d.ContentHash, d.Origin.Epoch,
		int64(d.Origin.Seq), int64(d.Revision), d.SchemaVersion)
	if err != nil {
		t.Fatal(err)
	}
}

// An old file keeps its documents through the upgrade, and a build of the old
// layout can still write to it; processes that upgrade concurrently do it once.
func TestUpgradeKeepsDocuments(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.db")
	docs := storetest.Events(0, 3)
	old := openNew(t, sqlite.Config{Path: path})
	if err := old.PrepareLayout(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	writeLayout1(t, old, docs[0])
	if err := old.Ready(t.Context()); err == nil {
		t.Error("ready before the upgrade")
	}

	stores := make([]*sqlite.Store, 4)
	errs := make([]error, len(stores))
	var group sync.WaitGroup
	for i := range stores {
		stores[i] = openNew(t, sqlite.Config{Path: path})
		group.Go(func() { errs[i] = stores[i].Prepare(t.Context()) })
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			t.Fatalf("upgrade: %v", err)
		}
	}
	writeLayout1(t, old, docs[1])
	docs[2].SentSchemaVersion, docs[2].ClockOffsetMS = 5, -600_000
	insertDirectly(t, stores[0], docs[2])

	ids := make([]string, len(docs))
	want := map[string]*store.Document{}
	for i, d := range docs {
		ids[i], want[d.ID] = d.ID, storetest.Kept(d)
	}
	kept, err := stores[1].Lookup(t.Context(), ids)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]*store.Document{}
	for _, d := range kept {
		got[d.ID] = d
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("documents after the upgrade (-want +got):\n%s", diff)
	}
	if version, err := stores[0].Setting(t.Context(), "user_version"); err != nil || version != "9" {
		t.Errorf("layout %s, %v", version, err)
	}
}
