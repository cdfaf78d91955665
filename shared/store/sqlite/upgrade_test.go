package sqlite_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/store/sqlite"
	"github.com/theeye/theeye/shared/store/storetest"
)

// insertLayout6 is the insertion of a build of layout 6.
const insertLayout6 = `INSERT INTO events (id, status, application, event_id, session_id, category, name, data, timestamp_us,
	received_at, expires_at, content_hash, epoch, seq, revision, schema_version, errors, original, sent_schema_version, clock_offset_ms)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, ?, ?, ?, ?, ?, ?, ?, 0, 0)`

func writeLayout6(t *testing.T, s *sqlite.Store, d *store.Document) {
	t.Helper()
	var faults, original any
	if d.Status == store.Rejected {
		faults, original = `[]`, d.Original
	}
	err := s.Exec(t.Context(), insertLayout6, d.ID, string(d.Status), d.Application, d.EventID, d.SessionID, d.Category, d.Name,
		string(d.Data), d.Timestamp.UnixMicro(), d.ReceivedAt.UnixMilli(), d.ContentHash, d.Origin.Epoch,
		int64(d.Origin.Seq), int64(d.Revision), d.SchemaVersion, faults, original)
	if err != nil {
		t.Fatal(err)
	}
}

// Every document that is there before the upgrade is in a marked slot of a marked day
// afterwards. Where a build of layout 6 has written again, the next preparation marks
// that, too, and the store is another one for files that were derived.
func TestUpgradeMarksDocuments(t *testing.T) {
	docs := storetest.UpgradeDocuments()
	s := openNew(t, sqlite.Config{Path: filepath.Join(t.TempDir(), "events.db")})
	if err := s.PrepareLayout(t.Context(), 6); err != nil {
		t.Fatal(err)
	}
	for _, d := range docs {
		writeLayout6(t, s, d)
	}
	prepared := func() string {
		if err := s.Prepare(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := s.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		id, err := s.StoreID(t.Context())
		if err != nil || id == "" {
			t.Fatalf("identity %q, %v", id, err)
		}
		return id
	}
	first := prepared()
	storetest.ExpectMarked(t, s, docs)
	if again := prepared(); again != first {
		t.Error("a second preparation makes another identity")
	}

	late := storetest.With(storetest.Event(30), func(d *store.Document) { d.ReceivedAt = docs[0].ReceivedAt.AddDate(0, 6, 0) })
	writeLayout6(t, s, late)
	if again := prepared(); again == first {
		t.Error("the identity is the same although another build has written")
	}
	storetest.ExpectMarked(t, s, append(docs, late))
}

// A store that was opened before its documents have marks is not ready.
func TestNotReadyBeforeDocumentsAreMarked(t *testing.T) {
	s := openNew(t, sqlite.Config{Path: filepath.Join(t.TempDir(), "events.db")})
	if err := s.PrepareLayout(t.Context(), 6); err != nil {
		t.Fatal(err)
	}
	writeLayout6(t, s, storetest.Event(0))
	if err := s.UpgradeOnly(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Ready(t.Context()); err == nil {
		t.Error("ready without marks")
	}
	if err := s.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	storetest.ExpectMarked(t, s, []*store.Document{storetest.Event(0)})
}

// Once a build that keeps no timestamps of days has marked one, those of that day are not
// known any more: they may be any.
func TestTimestampsOfDaysThatAnotherBuildMarked(t *testing.T) {
	s := openNew(t, sqlite.Config{Path: filepath.Join(t.TempDir(), "events.db")})
	const layout7 = `INSERT INTO day_marks (application, day, generation) VALUES (?1, ?2, 1)
		ON CONFLICT (application, day) DO UPDATE SET generation = generation + 1`
	if err := s.PrepareLayout(t.Context(), 7); err != nil {
		t.Fatal(err)
	}
	mark := func(application string, day int64) {
		if err := s.Exec(t.Context(), layout7, application, day); err != nil {
			t.Fatal(err)
		}
	}
	day := store.DayOf(storetest.Start())
	mark("demo", day)
	if err := s.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	tomorrow := storetest.With(storetest.Event(1), func(d *store.Document) { d.ReceivedAt = d.ReceivedAt.AddDate(0, 0, 1) })
	if _, err := store.NewWriter(store.WriterConfig{Backend: s}).Write(t.Context(), []*store.Document{storetest.Event(0), tomorrow}); err != nil {
		t.Fatal(err)
	}
	expect := func(want ...bool) {
		t.Helper()
		marks, err := s.DayMarks(t.Context(), nil, 0, day+10)
		if err != nil || len(marks) != len(want) {
			t.Fatalf("%+v, %v", marks, err)
		}
		for i, m := range marks {
			if m.Bounded != want[i] {
				t.Errorf("%+v, want bounded %v", m, want[i])
			}
		}
	}
	expect(false, true)
	mark("demo", day+1)
	expect(false, false)
}

// The upgrade drops the index of types, also where the build of layout 8 goes on writing,
// and a changed retention that this build had applied in part, type by type, reaches
// every document.
func TestUpgradeDropsTheIndexOfTypes(t *testing.T) {
	s := openNew(t, sqlite.Config{Path: filepath.Join(t.TempDir(), "events.db")})
	if err := s.PrepareLayout(t.Context(), 8); err != nil {
		t.Fatal(err)
	}
	docs := storetest.Events(0, 40)
	insertDirectly(t, s, docs[:20]...)
	if err := s.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	insertDirectly(t, s, docs[20:]...)
	indexes, err := s.Text(t.Context(), `SELECT coalesce(group_concat(name), '') FROM sqlite_schema WHERE type = 'index' AND name LIKE 'type_received%'`)
	if err != nil || indexes != "" {
		t.Errorf("indexes %q, %v", indexes, err)
	}
	_, changed := storetest.ApplyAll(t, s, store.RetentionPortion{
		Retention: store.Retention{Revision: 20, Of: func(string, string, store.Status) time.Duration { return 200 * 365 * 24 * time.Hour }},
		After:     `{"category":"z","name":"z","at":4102444800000}`, Limit: 3,
	})
	if changed != len(docs) {
		t.Errorf("%d documents of %d were changed", changed, len(docs))
	}
}
