package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/store"
)

// Revision of the policies of the tests, above that of the documents.
const retentionRevision = 20

// keepFor returns a retention of all stored and all rejected events; 0 is for ever.
func keepFor(revision uint64, stored, rejected time.Duration) store.Retention {
	return store.Retention{Revision: revision, Of: func(_, _ string, s store.Status) time.Duration {
		if s == store.Rejected {
			return rejected
		}
		return stored
	}}
}

// ApplyAll applies a retention to all documents, in portions, and returns how many
// documents were read and changed.
func ApplyAll(t testing.TB, s store.Retainer, p store.RetentionPortion) (read, changed int) {
	t.Helper()
	for {
		r, err := s.ApplyRetention(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		read, changed = read+r.Read, changed+r.Changed
		if r.Next == "" {
			return read, changed
		}
		p.After = r.Next
	}
}

// expectExpiries fails unless each document has the expiry of a retention and is
// otherwise unchanged.
func expectExpiries(t *testing.T, s store.Store, by store.Retention, docs ...*store.Document) {
	t.Helper()
	want := make([]*store.Document, len(docs))
	for i, d := range docs {
		c := *d
		c.ExpiresAt = by.ExpiresAt(d.ReceivedAt, d.Category, d.Name, d.Status)
		want[i] = &c
	}
	expectKept(t, s, want...)
}

// laterThanNow moves an event so that no retention of a test is over.
func laterThanNow(d *store.Document) *store.Document {
	return With(d, func(d *store.Document) { d.ReceivedAt = d.ReceivedAt.AddDate(100, 0, 0) })
}

// testRetention: every change reaches every document, in both directions, by type
// and outcome, whatever the size of the portions.
func testRetention(t *testing.T, s store.Store) {
	var docs []*store.Document
	for i := range 40 {
		d := Event(i)
		if i%4 == 3 {
			d = Rejected(i)
		}
		docs = append(docs, laterThanNow(d))
	}
	nameless := laterThanNow(With(Rejected(41), func(d *store.Document) { d.Category, d.Name = "", "" }))
	docs = append(docs, nameless)
	write(t, s, docs...)
	n, err := s.CountDocuments(t.Context())
	must(t, err)
	if n != uint64(len(docs)) {
		t.Errorf("%d documents are counted, want %d", n, len(docs))
	}
	byType := store.Retention{Of: func(category, name string, _ store.Status) time.Duration {
		if category == "page interaction" && name == "submit" {
			return time.Hour
		}
		return 1500*time.Microsecond + time.Minute
	}}
	for i, r := range []store.Retention{
		keepFor(0, 0, 0), keepFor(0, 15*time.Second, 0), keepFor(0, 0, time.Hour), byType,
		keepFor(0, 48*time.Hour, 15*time.Second), keepFor(0, 100*365*24*time.Hour, 1), keepFor(0, 0, 0),
	} {
		r.Revision = retentionRevision + uint64(i)
		p := store.RetentionPortion{Retention: r, Limit: 3 + i}
		if read, _ := ApplyAll(t, s, p); read != len(docs) {
			t.Errorf("retention %d: %d documents were read, want %d", i, read, len(docs))
		}
		expectExpiries(t, s, r, docs...)
		p.Mark = true
		if read, changed := ApplyAll(t, s, p); read != len(docs) || changed != 0 {
			t.Errorf("retention %d again: %d read, %d changed", i, read, changed)
		}
		expectExpiries(t, s, r, docs...)
	}
}

// testRetentionDue: what expires first is changed first, and what expires later is
// not read.
func testRetentionDue(t *testing.T, s store.Store) {
	now := time.Now().UTC().Truncate(time.Millisecond)
	var docs []*store.Document
	for i := range 9 { // due in -4 to 4 minutes; the last two are kept for ever
		docs = append(docs, With(Event(i), func(d *store.Document) {
			d.ReceivedAt = now.Add(time.Duration(i-4)*time.Minute - time.Hour)
			if i < 7 {
				d.ExpiresAt = d.ReceivedAt.Add(time.Hour)
			}
		}))
	}
	_, err := s.Insert(t.Context(), docs)
	must(t, err)
	forEver := keepFor(retentionRevision, 0, 0)
	r, err := s.ApplyRetention(t.Context(), store.RetentionPortion{Retention: forEver, Limit: 2, DueBefore: now.Add(90 * time.Second)})
	must(t, err)
	if r.Read != 2 || r.Changed != 2 || r.Next == "" {
		t.Fatalf("the first portion is %+v", r)
	}
	expectKept(t, s, withExpiry(docs[0], time.Time{}), withExpiry(docs[1], time.Time{}))
	expectAbsent(t, s, docs[2].ID, docs[3].ID)
	p := store.RetentionPortion{Retention: forEver, Limit: 2, DueBefore: now.Add(90 * time.Second), After: r.Next}
	if read, changed := ApplyAll(t, s, p); read != 4 || changed != 4 {
		t.Errorf("the others: %d read, %d changed", read, changed)
	}
	for i, d := range docs {
		if i < 6 || i >= 7 {
			d = withExpiry(d, time.Time{})
		}
		expectKept(t, s, d)
	}
}

func withExpiry(d *store.Document, at time.Time) *store.Document {
	return With(d, func(d *store.Document) { d.ExpiresAt = at })
}

// testRetentionGuard: a document that was written under a policy as new stays as it
// is, and so does one that has expired before the policy.
func testRetentionGuard(t *testing.T, s store.Store) {
	older := laterThanNow(Event(0))
	equal := laterThanNow(With(Event(1), func(d *store.Document) { d.Revision = retentionRevision }))
	newer := laterThanNow(With(Event(2), func(d *store.Document) { d.Revision = retentionRevision + 1 }))
	write(t, s, older, equal, newer)
	minute := keepFor(retentionRevision, time.Minute, 0)
	if read, changed := ApplyAll(t, s, store.RetentionPortion{Retention: minute, Limit: 1, Mark: true}); read != 3 || changed != 1 {
		t.Errorf("%d read, %d changed", read, changed)
	}
	expectExpiries(t, s, minute, older)
	expectKept(t, s, equal, newer)
	// A replay replaces the expiry with its own.
	replayed := withExpiry(With(older, func(d *store.Document) { d.Revision = retentionRevision + 2 }), older.ReceivedAt.Add(time.Hour))
	expectResults(t, write(t, s, replayed), store.Replaced)
	if _, changed := ApplyAll(t, s, store.RetentionPortion{Retention: minute, Limit: 10}); changed != 0 {
		t.Errorf("%d changed", changed)
	}
	expectKept(t, s, replayed, equal, newer)
}

// testRetentionOfOneMoment: more documents than a portion has are received, and
// expire, in one millisecond.
func testRetentionOfOneMoment(t *testing.T, s store.Store) {
	at := time.Now().UTC().Truncate(time.Millisecond).Add(time.Hour)
	docs := Events(0, 25)
	for _, d := range docs {
		d.ReceivedAt, d.ExpiresAt = at, at.Add(time.Hour)
	}
	write(t, s, docs...)
	day := keepFor(retentionRevision, 24*time.Hour, 0)
	for _, p := range []store.RetentionPortion{
		{Retention: day, Limit: 4, DueBefore: at.Add(2 * time.Hour)},
		{Retention: keepFor(retentionRevision+1, 0, 0), Limit: 4},
	} {
		if read, changed := ApplyAll(t, s, p); read < 25 || changed != 25 {
			t.Errorf("%d read, %d changed", read, changed)
		}
		expectExpiries(t, s, p.Retention, docs...)
	}
}

// testRetentionReasons: a rejected event is found by its reasons as before.
func testRetentionReasons(t *testing.T, s store.Store) {
	d := laterThanNow(Rejected(0))
	write(t, s, d)
	r := keepFor(retentionRevision, 0, time.Hour)
	ApplyAll(t, s, store.RetentionPortion{Retention: r, Limit: 10})
	found, err := s.Find(t.Context(), query.Events{
		Filter: query.Filter{Code: event.CodeSchemaViolation}, Rejected: true, Limit: 10,
	})
	expectIDs(t, found, err, d)
	if diff := cmp.Diff(d.Errors, found[0].Errors); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
	for _, limit := range []int{-1, 0, query.MaxEvents + 1} {
		if _, err := s.ApplyRetention(t.Context(), store.RetentionPortion{Retention: r, Limit: limit}); !errors.Is(err, query.ErrInvalid) {
			t.Errorf("limit %d: %v", limit, err)
		}
	}
	if _, err := s.ApplyRetention(t.Context(), store.RetentionPortion{Retention: r, Limit: 1, After: "x"}); !errors.Is(err, query.ErrInvalid) {
		t.Errorf("a place that is none: %v", err)
	}
}
