package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/store"
)

// doc returns a stored document with its own content.
func doc(id string, seq uint64) *store.Document {
	return &store.Document{
		ID: store.DocumentID("demo", id), Status: store.Stored, Application: "demo", EventID: id,
		ContentHash: "hash of " + id, Data: []byte(`{}`), Origin: store.Origin{Epoch: 1, Seq: seq}, Revision: 1,
		Original: []byte(`{"data":{}}`),
	}
}

func docs(n int) []*store.Document {
	list := make([]*store.Document, n)
	for i := range list {
		list[i] = doc(fmt.Sprintf("%05d", i), uint64(i+1))
	}
	return list
}

func expectCalls(t *testing.T, m *memory, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, m.calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestFreshDocumentsTakeOneInsert(t *testing.T) {
	m := newMemory()
	got, err := store.NewWriter(store.WriterConfig{Backend: m}).
		Write(t.Context(), []*store.Document{doc("c", 1), doc("a", 2), doc("b", 3)})
	if err != nil {
		t.Fatal(err)
	}
	expectCalls(t, m, "insert demo/a demo/b demo/c")
	if diff := cmp.Diff([]store.WriteResult{store.Inserted, store.Inserted, store.Inserted}, got); diff != "" {
		t.Error(diff)
	}
}

func TestNoDocumentsMakeNoCall(t *testing.T) {
	m := newMemory()
	got, err := store.NewWriter(store.WriterConfig{Backend: m}).Write(t.Context(), nil)
	if err != nil || len(got) != 0 {
		t.Fatalf("%v, %v", got, err)
	}
	expectCalls(t, m)
}

// TestResultsAreInTheOrderGiven mixes every result that needs no fault.
func TestResultsAreInTheOrderGiven(t *testing.T) {
	now := time.Now()
	held := doc("held", 5)
	m := newMemory(held, doc("same", 5))
	expired, expiring := doc("expired", 1), doc("expiring", 1)
	expired.ExpiresAt, expiring.ExpiresAt = now, now.Add(1)
	second := doc("held", 1)
	second.ContentHash = "another"
	w := store.NewWriter(store.WriterConfig{Backend: m, Now: func() time.Time { return now }})
	got, err := w.Write(t.Context(), []*store.Document{
		expired, second, doc("new", 2), doc("held", 4), doc("same", 5), doc("new", 1), expiring, doc("new", 3),
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []store.WriteResult{
		store.Expired, store.Conflict, store.Unchanged, store.Replaced, store.Unchanged, store.Inserted,
		store.Inserted, store.Unchanged,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	expectCalls(t, m,
		"insert demo/expiring demo/held demo/new demo/same",
		"holders demo/held demo/same",
		"replace demo/held",
		"insert demo#another/held",
		"holders demo#hash of expired/expired") // which an earlier delivery may have written
	if second.Status != store.Stored || second.ID != "demo/held" {
		t.Error("the caller's document was changed")
	}
}

// TestReplayReadsHoldersFirst: once most ids of a bulk were held, the next bulk
// reads the holders before it inserts, until the ids are new again.
func TestReplayReadsHoldersFirst(t *testing.T) {
	m := newMemory(docs(4)...)
	w := store.NewWriter(store.WriterConfig{Backend: m})
	for revision := range uint64(2) {
		list := docs(5)
		for _, d := range list[:2] {
			d.Revision = 2 + revision
		}
		list[4].EventID += "-" + fmt.Sprint(revision)
		list[4].ID = store.DocumentID("demo", list[4].EventID)
		if _, err := w.Write(t.Context(), list); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		fresh := doc(fmt.Sprint("fresh", len(m.calls)), 9)
		if _, err := w.Write(t.Context(), []*store.Document{fresh}); err != nil {
			t.Fatal(err)
		}
	}
	four := " demo/00000 demo/00001 demo/00002 demo/00003"
	expectCalls(t, m,
		"insert"+four+" demo/00004-0", "holders"+four, "replace demo/00000 demo/00001",
		"holders"+four+" demo/00004-1", "replace demo/00000 demo/00001", "insert demo/00004-1",
		"holders demo/fresh6", "insert demo/fresh6",
		"insert demo/fresh8")
}

// What the caller has read saves a look at the holders, and decides no result.
func TestWriteOverTrustsTheGuard(t *testing.T) {
	raised := func(d *store.Document, revision uint64) *store.Document {
		c := *d
		c.Revision = revision
		return &c
	}
	a, b, c, d := doc("a", 1), doc("b", 2), doc("c", 3), doc("d", 4)
	other := raised(c, 1)
	other.ContentHash = "another"
	m := newMemory(a, raised(b, 9), other)
	read := map[string]store.Held{
		a.ID: {Holder: store.HolderOf(a)},
		b.ID: {Holder: store.HolderOf(b)}, // a newer one has been written since
		c.ID: {Holder: store.HolderOf(c)}, // expired since, and other content came
		d.ID: {Holder: store.HolderOf(d)}, // expired since
	}
	w := store.NewWriter(store.WriterConfig{Backend: m})
	got, err := w.WriteOver(t.Context(), []*store.Document{raised(d, 2), raised(c, 2), raised(b, 2), raised(a, 2)}, read)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]store.WriteResult{store.Inserted, store.Conflict, store.Unchanged, store.Replaced}, got); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
	if m.calls[0] != "replace demo/a demo/b demo/c demo/d" {
		t.Errorf("the first call is %s", m.calls[0])
	}
	if m.docs[a.ID].Revision != 2 || m.docs[b.ID].Revision != 9 || m.docs[d.ID].Revision != 2 || m.docs[c.ID] != other {
		t.Errorf("it holds %v", m.docs)
	}
	m.calls = nil
	if _, err = w.WriteOver(t.Context(), []*store.Document{raised(a, 3)}, map[string]store.Held{a.ID: {Holder: store.HolderOf(raised(a, 2))}}); err != nil {
		t.Fatal(err)
	}
	expectCalls(t, m, "replace demo/a")
	if len(m.marked) == 0 || m.marked[len(m.marked)-1] != store.MarkOf(a) {
		t.Errorf("marked: %v", m.marked)
	}
}

func TestBulksAreBounded(t *testing.T) {
	m := newMemory()
	var sizes []int
	m.fail = func(_ string, ids []string) error { sizes = append(sizes, len(ids)); return nil }
	w := store.NewWriter(store.WriterConfig{Backend: m})
	if _, err := w.Write(t.Context(), docs(2500)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{1000, 1000, 500}, sizes); diff != "" {
		t.Errorf("documents a bulk (-want +got):\n%s", diff)
	}

	sizes = nil
	large := docs(40)
	for i, d := range large {
		d.EventID += "-large"
		d.ID = store.DocumentID(d.Application, d.EventID)
		d.Data = make([]byte, 1<<20)
		if i == 20 {
			d.Data = make([]byte, 20<<20)
		}
	}
	if _, err := w.Write(t.Context(), large); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{15, 5, 1, 15, 4}, sizes); diff != "" {
		t.Errorf("documents of 1 MiB, one of 20, a bulk (-want +got):\n%s", diff)
	}
}

// TestFailuresAreClassified: a caller sees one of two classes, and every unknown
// failure raises an alarm.
func TestFailuresAreClassified(t *testing.T) {
	for name, c := range map[string]struct {
		err    error
		class  error
		alarms int
	}{
		"unavailable":   {store.ErrUnavailable, store.ErrUnavailable, 0},
		"configuration": {store.ErrConfiguration, store.ErrConfiguration, 0},
		"unknown":       {store.ErrUnknown, store.ErrUnavailable, 1},
		"unclassified":  {errors.New("unclassified"), store.ErrUnavailable, 1},
	} {
		for _, operation := range []string{"insert", "holders", "replace"} {
			t.Run(name+" "+operation, func(t *testing.T) {
				m := newMemory(doc("a", 9))
				m.fail = func(op string, _ []string) error {
					if op == operation {
						return fmt.Errorf("wrapped: %w", c.err)
					}
					return nil
				}
				alarms := 0
				w := store.NewWriter(store.WriterConfig{Backend: m, Alarm: func(error) { alarms++ }})
				got, err := w.Write(t.Context(), []*store.Document{doc("a", 1)})
				if got != nil || !errors.Is(err, c.class) || !errors.Is(err, c.err) || alarms != c.alarms {
					t.Errorf("results %v, error %v, %d alarms", got, err, alarms)
				}
			})
		}
	}
}

func TestEndedContextRaisesNoAlarm(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	m := newMemory()
	m.fail = func(string, []string) error { cancel(); return errors.New("connection closed") }
	w := store.NewWriter(store.WriterConfig{Backend: m, Alarm: func(err error) { t.Errorf("alarm: %v", err) }})
	_, err := w.Write(ctx, docs(1))
	if !errors.Is(err, store.ErrUnavailable) || !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestAlternatingHolderEndsInAnError: an id that is alternately taken and free
// forever ends in an error, not in a loop.
func TestAlternatingHolderEndsInAnError(t *testing.T) {
	m := newMemory(doc("a", 1))
	m.forget = true
	_, err := store.NewWriter(store.WriterConfig{Backend: m}).Write(t.Context(), []*store.Document{doc("a", 1), doc("b", 2)})
	if !errors.Is(err, store.ErrUnavailable) {
		t.Error(err)
	}
	if n := len(m.calls); n > 20 {
		t.Errorf("%d calls", n)
	}
}

func TestNewWriterNeedsABackend(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	store.NewWriter(store.WriterConfig{})
}

func TestResultNames(t *testing.T) {
	var names []string
	for o := store.WriteResult(0); o <= store.Expired+1; o++ {
		names = append(names, o.String())
	}
	want := "pending inserted replaced unchanged conflict unstorable expired WriteResult(7)"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("names %q, want %q", got, want)
	}
}

// A conflict is rejected, and kept as long as rejected events are.
func TestConflictHasTheRetentionOfRejectedEvents(t *testing.T) {
	now := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	m := newMemory(doc("held", 1))
	second := doc("held", 2)
	second.ContentHash = "another"
	second.ExpiresAt, second.RejectedExpiresAt = now.Add(time.Hour), now.Add(time.Minute)
	w := store.NewWriter(store.WriterConfig{Backend: m, Now: func() time.Time { return now }})
	if _, err := w.Write(t.Context(), []*store.Document{second}); err != nil {
		t.Fatal(err)
	}
	kept := m.docs[store.ConflictID("demo", "another", "held")]
	if kept == nil || !kept.ExpiresAt.Equal(now.Add(time.Minute)) {
		t.Errorf("kept %+v, want it to expire after a minute", kept)
	}
}

// A mark has the timestamps of the document that is held, too: its own delivery may have
// died before the mark, and this one is acknowledged.
func TestMarkHasTheTimestampThatIsHeld(t *testing.T) {
	at := func(id string, seq uint64, us int64) *store.Document {
		d := doc(id, seq)
		d.Timestamp = time.UnixMicro(us)
		return d
	}
	rejected := at("b", 1, 40)
	rejected.Status = store.Rejected
	m := newMemory(at("a", 1, 10), rejected)
	_, err := store.NewWriter(store.WriterConfig{Backend: m}).Write(t.Context(), []*store.Document{at("a", 2, 20), at("b", 2, 30)})
	if err != nil {
		t.Fatal(err)
	}
	want := []store.SlotMark{{Slot: store.Slot{Application: "demo"}, Timestamps: store.Span{First: 10, Last: 30, Some: true}}}
	if diff := cmp.Diff(want, m.marked); diff != "" {
		t.Errorf("marks (-want +got):\n%s", diff)
	}
}
