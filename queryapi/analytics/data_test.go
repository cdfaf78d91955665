package analytics

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/columns"
	"github.com/theeye/theeye/shared/query/filter"
	"github.com/theeye/theeye/shared/store"
)

// dataset is a set of documents, and a snapshot that holds them.
type dataset struct {
	docs     []*store.Document
	snapshot *columns.Snapshot
}

// restrict returns the snapshot of some applications.
func (d *dataset) restrict(applications []string) *columns.Snapshot {
	s := *d.snapshot
	s.Applications = nil
	for _, name := range applications {
		for _, a := range d.snapshot.Applications {
			if a.Name == name {
				s.Applications = append(s.Applications, a)
			}
		}
	}
	return &s
}

var (
	testStart = time.Date(2026, 10, 22, 0, 0, 0, 0, time.UTC)
	testNow   = testStart.Add(6 * 24 * time.Hour)
	testZone  = func() *time.Location {
		zone, err := time.LoadLocation("Europe/Berlin") // its clocks change on 2026-10-25
		if err != nil {
			panic(err)
		}
		return zone
	}()
)

// randomDocuments returns documents of two applications that have session ids in common:
// few sessions, users and values, ties in time, events received days after they
// happened, and some that expire around testNow.
func randomDocuments(r *rand.Rand, n int) []*store.Document {
	docs := make([]*store.Document, n)
	for i := range docs {
		at := testStart.Add(time.Duration(r.IntN(5*24*6)) * 10 * time.Minute)
		if r.IntN(3) == 0 {
			at = testStart.Add(time.Duration(r.IntN(12)) * 10 * time.Hour).Add(time.Duration(r.IntN(3)) * time.Microsecond)
		}
		d := &store.Document{
			Status: store.Stored, Application: []string{"shop", "blog"}[r.IntN(2)], EventID: fmt.Sprintf("e%d", r.IntN(1_000_000)*1000+i),
			SessionID: fmt.Sprintf("%02x000000-0000-4000-8000-%012x", r.IntN(2)*0x90, r.IntN(4)),
			Category:  []string{"page", "form", "a"}[r.IntN(3)], Name: []string{"view", "submit", "b / c"}[r.IntN(3)],
			Timestamp: at, ReceivedAt: at.Add(time.Duration(r.IntN(36)) * time.Hour).Truncate(time.Millisecond),
			SchemaVersion: int64(r.IntN(3)),
		}
		if r.IntN(20) == 0 {
			d.Category, d.Name = "a / b", "c" // spells like "a" and "b / c"
		}
		d.ID = store.DocumentID(d.Application, d.EventID)
		d.Data = randomData(r)
		if r.IntN(6) == 0 {
			d.ExpiresAt = testNow.Add(time.Duration(r.IntN(5)-2) * time.Hour)
		}
		if r.IntN(15) == 0 {
			d.Status = store.Rejected
		}
		docs[i] = d
	}
	return docs
}

func randomData(r *rand.Rand) []byte {
	var members []string
	for name, values := range map[string][]string{
		"user": {`"u1"`, `"u2"`, `"u3"`, `4`, `null`},
		"path": {`"/"`, `"/a"`, `"/b"`, `1`, `1.0`, `null`, `"/c"`, `["/"]`},
		"tags": {`[]`, `["x","y","x"]`, `["y"]`, `"z"`, `[null,1]`},
	} {
		if r.IntN(4) > 0 {
			members = append(members, `"`+name+`":`+values[r.IntN(len(values))])
		}
	}
	return []byte("{" + strings.Join(members, ",") + "}")
}

// newDataset holds documents in parts by application and day, some of whose slots are
// masked by parts of their own: there the older part has other copies of the documents,
// and some that are gone.
func newDataset(t testing.TB, r *rand.Rand, docs []*store.Document) *dataset {
	t.Helper()
	clear(seen)
	d := &dataset{docs: docs, snapshot: &columns.Snapshot{AsOf: testNow, Now: testNow}}
	byKey := map[columns.Key][]*store.Document{}
	for _, doc := range docs {
		byKey[columns.KeyOf(doc)] = append(byKey[columns.KeyOf(doc)], doc)
	}
	keys := make([]columns.Key, 0, len(byKey))
	for key := range byKey {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b columns.Key) int {
		return cmp.Or(cmp.Compare(a.Application, b.Application), cmp.Compare(a.Day, b.Day))
	})
	for _, key := range keys {
		if n := len(d.snapshot.Applications); n == 0 || d.snapshot.Applications[n-1].Name != key.Application {
			d.snapshot.Applications = append(d.snapshot.Applications, columns.ApplicationViews{Name: key.Application})
		}
		a := &d.snapshot.Applications[len(d.snapshot.Applications)-1]
		a.Views = append(a.Views, newViews(t, r, key, byKey[key])...)
	}
	return d
}

// newViews returns one view of documents, or an older and a newer one.
func newViews(t testing.TB, r *rand.Rand, key columns.Key, docs []*store.Document) []columns.View {
	older, newer := columns.NewBuilder(key), columns.NewBuilder(key)
	oldSlots, newSlots := map[int64]uint64{}, map[int64]uint64{}
	patched := func(slot int64) bool { return slot%3 == 0 }
	if r.IntN(3) == 0 {
		patched = func(int64) bool { return false }
	}
	add := func(b *columns.Builder, slots map[int64]uint64, d *store.Document) {
		if err := b.Add(d); err != nil {
			t.Fatal(err)
		}
		slots[d.ReceivedAt.UnixMilli()/10_000]++
	}
	for _, d := range docs {
		if !patched(d.ReceivedAt.UnixMilli() / 10_000) {
			add(older, oldSlots, d)
			continue
		}
		add(newer, newSlots, d)
		if stale := *d; r.IntN(2) == 0 {
			stale.Data, stale.Category, stale.ExpiresAt = randomData(r), "page", time.Time{}
			stale.Timestamp = stale.Timestamp.Add(-time.Hour)
			add(older, oldSlots, &stale)
		}
	}
	var views []columns.View
	for _, b := range []*columns.Builder{older, newer} {
		slots := oldSlots
		if b == newer {
			slots = newSlots
		}
		if b.Rows() == 0 {
			continue
		}
		part, err := b.Build(slots)
		if err != nil {
			t.Fatal(err)
		}
		view := columns.View{Part: part}
		if b == older {
			if view, err = part.ViewWhere(t.Context(), func(slot int64) bool { return !patched(slot) }); err != nil {
				t.Fatal(err)
			}
		}
		views = append(views, view)
	}
	return views
}

// seen are the events of the documents of the present dataset: each parses its data
// once. Tests of this package are not parallel.
var seen = map[*store.Document]*filter.Event{}

// eventOf returns a document as filters see it.
func eventOf(d *store.Document) *filter.Event {
	e := seen[d]
	if e == nil {
		e = &filter.Event{
			Application: d.Application, EventID: d.EventID, SessionID: d.SessionID, Category: d.Category, Name: d.Name,
			SchemaVersion: d.SchemaVersion, Timestamp: d.Timestamp, ReceivedAt: d.ReceivedAt, Data: d.Data,
		}
		seen[d] = e
	}
	return e
}

// has reports whether a set has a document.
func (s EventSet) has(d *store.Document) bool {
	return (s.Category == "" || s.Category == d.Category) && (s.Name == "" || s.Name == d.Name) && s.Filter.Match(eventOf(d))
}

// select returns the documents that count for a scope, its range aside, in order.
func (d *dataset) selectDocuments(s *Scope) []*store.Document {
	var selected []*store.Document
	for _, doc := range d.docs {
		set := EventSet{Category: s.Category, Name: s.Name, Filter: s.Filter}
		expired := !doc.ExpiresAt.IsZero() && !doc.ExpiresAt.After(testNow)
		if doc.Status == store.Stored && !expired && slices.Contains(s.Applications, doc.Application) && set.has(doc) &&
			(s.SessionID == "" || s.SessionID == doc.SessionID) {
			selected = append(selected, doc)
		}
	}
	slices.SortFunc(selected, func(a, b *store.Document) int {
		return cmp.Or(a.Timestamp.Compare(b.Timestamp), cmp.Compare(a.ID, b.ID))
	})
	return selected
}

// inRange keeps the documents of a range.
func inRange(docs []*store.Document, from, to time.Time) []*store.Document {
	var kept []*store.Document
	for _, d := range docs {
		if !d.Timestamp.Before(from) && d.Timestamp.Before(to) {
			kept = append(kept, d)
		}
	}
	return kept
}

// groupVisitors divides documents by application and the value of a field; those
// without one have no visitor.
func groupVisitors(docs []*store.Document, by filter.Field) map[string][]*store.Document {
	visitors := map[string][]*store.Document{}
	for _, d := range docs {
		if keys, _ := valuesOf(d, by); keys[0] != "" {
			key := d.Application + " " + keys[0]
			visitors[key] = append(visitors[key], d)
		}
	}
	return visitors
}

// valuesOf returns what groups and nodes are made of: the distinct values of a field by
// a distinguishing key, or one with an empty key without a value.
func valuesOf(d *store.Document, f filter.Field) (keys []string, values map[string]namedValue) {
	values = map[string]namedValue{}
	for _, v := range eventOf(d).Values(f) {
		named, key := namedValue{Value: v}, v.Key()
		if v.Kind() == filter.KindNumber {
			named.Value = filter.Number(key) // 1 and 1.0 are one value
		}
		if f.Name == filter.Type {
			named.Type = columns.Type{Category: d.Category, Name: d.Name}
			key += "\n" + d.Category
		}
		if _, ok := values[key]; !ok {
			keys, values[key] = append(keys, key), named
		}
	}
	if len(keys) == 0 {
		keys, values[""] = []string{""}, namedValue{}
	}
	return keys, values
}

func mustField(text string) filter.Field {
	f, err := filter.ParseField(text)
	if err != nil {
		panic(err)
	}
	return f
}

func mustFilter(texts ...string) filter.Filter {
	f, err := filter.Parse(texts, testNow)
	if err != nil {
		panic(err)
	}
	return f
}

// filters are those of random questions.
var filters = [][]string{
	nil, nil, nil,
	{"data.path=/"},
	{"data.path=1"},
	{"data.path!=/a"},
	{"data.tags[]=x"},
	{"data.tags[]!=y"},
	{"data.user exists"},
	{`data.path in ["/","/b"]`},
	{"name=view"},
	{"type=page / view"},
	{"type=a / b / c"},
	{"category^=pa", "data.user!=u1"},
	{"timestamp>=2026-10-24"},
	{"received_at<2026-10-25T12:00:00Z"},
	{"schema_version=2"},
	{"schema_version exists false"},
	{"session_id=00000000-0000-4000-8000-000000000001"},
	{"session_id^=9"},
	{"application=shop"},
	{"data.path=null"},
	{"data.none exists"},
}

func randomFilter(r *rand.Rand) filter.Filter { return mustFilter(filters[r.IntN(len(filters))]...) }

func randomSet(r *rand.Rand) EventSet {
	s := EventSet{Filter: randomFilter(r)}
	if r.IntN(2) == 0 {
		s.Category = []string{"page", "form", "a", "a / b"}[r.IntN(4)]
	}
	if r.IntN(3) == 0 {
		s.Name = []string{"view", "submit"}[r.IntN(2)]
	}
	return s
}

func randomScope(r *rand.Rand) Scope {
	s := Scope{Applications: []string{"shop", "blog"}, Location: testZone, From: testStart, To: testNow}
	if r.IntN(3) == 0 {
		s.Applications = s.Applications[:1]
	}
	if r.IntN(3) == 0 {
		s.Filter = randomFilter(r)
	}
	if r.IntN(6) == 0 {
		s.Category = "page"
	}
	if r.IntN(6) == 0 {
		s.Name = "view"
	}
	if r.IntN(8) == 0 {
		s.SessionID = "00000000-0000-4000-8000-000000000002"
	}
	if r.IntN(2) == 0 {
		s.From = testStart.Add(time.Duration(r.IntN(12)) * 10 * time.Hour)
	}
	if r.IntN(2) == 0 {
		s.To = s.From.Add(time.Duration(r.IntN(8)) * 10 * time.Hour)
	}
	return s
}

var visitorFields = []filter.Field{
	mustField("session_id"), mustField("session_id"), mustField("data.user"), mustField("category"), mustField("type"), mustField("data.path"),
}
