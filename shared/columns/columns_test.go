package columns

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/query/filter"
	"github.com/theeye/theeye/shared/store"
)

// buildPart builds a part of documents of testKey.
func buildPart(t testing.TB, docs []*store.Document) *Part {
	t.Helper()
	b := NewBuilder(testKey)
	for _, d := range docs {
		if err := b.Add(d); err != nil {
			t.Fatal(err)
		}
	}
	p, err := b.Build(nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// sortedDocuments returns documents in the order of the rows of a part.
func sortedDocuments(docs []*store.Document) []*store.Document {
	docs = slices.Clone(docs)
	slices.SortFunc(docs, func(a, b *store.Document) int {
		return cmp.Or(-cmp.Compare(a.Status, b.Status), cmp.Compare(a.SessionID, b.SessionID),
			cmp.Compare(timestampOf(a), timestampOf(b)), cmp.Compare(a.ID, b.ID))
	})
	return docs
}

// columnKeys returns the keys of the values of a row.
func columnKeys(c *Column, row int) (keys []string) {
	code := c.Codes.CodeAt(row)
	if c.Elements == nil {
		if code == 0 {
			return nil
		}
		return []string{c.Values.ValueOf(code).Key()}
	}
	for _, e := range c.Elements[code] {
		keys = append(keys, c.Values.ValueOf(e).Key())
	}
	return keys
}

// checkColumn compares a column with what a filter sees of each document.
func checkColumn(t *testing.T, p *Part, docs []*store.Document, f filter.Field) {
	t.Helper()
	c, err := p.Column(t.Context(), f)
	if err != nil {
		t.Fatalf("%s: %v", f, err)
	}
	if (c.Elements != nil) != f.Path.Many() || c.Codes.Len() != len(docs) || !c.Values.ValueOf(0).IsMissing() {
		t.Fatalf("%s: elements %v, %d codes, first value %v", f, c.Elements != nil, c.Codes.Len(), c.Values.ValueOf(0))
	}
	distinct, used := make(map[string]bool), map[string]bool{"": true}
	for _, v := range c.Values.All() {
		distinct[v.Key()] = true
	}
	for row, d := range docs {
		var want []string
		for _, v := range seenEvent(d).Values(f) {
			want = append(want, v.Key())
			used[v.Key()] = true
		}
		if got := columnKeys(c, row); !slices.Equal(got, want) {
			t.Fatalf("%s of row %d is %q, want %q of %s", f, row, got, want, d.Data)
		}
	}
	if len(distinct) != c.Values.Len() || len(used) != len(distinct) {
		t.Fatalf("%s: %d values, %d of them distinct, %d in rows", f, c.Values.Len(), len(distinct), len(used))
	}
}

// checkPart compares a part with the documents that it was made of.
func checkPart(t *testing.T, p *Part, docs []*store.Document, r *rand.Rand, fields int) {
	t.Helper()
	docs = sortedDocuments(docs)
	checkFixed(t, p, docs)
	for name := filter.Application; name <= filter.Data; name++ {
		checkColumn(t, p, docs, filter.Field{Name: name})
	}
	for i := range p.Paths() {
		checkColumn(t, p, docs, p.Paths()[i].Field())
	}
	for range fields {
		checkColumn(t, p, docs, randomField(r))
	}
}

// checkFixed compares the fixed vectors, sessions and span.
func checkFixed(t *testing.T, p *Part, docs []*store.Document) {
	t.Helper()
	ctx := t.Context()
	timestamps, err1 := p.Timestamps(ctx)
	received, err2 := p.ReceivedAt(ctx)
	expiry, err3 := p.ExpiresAt(ctx)
	slots, err4 := p.SlotNumbers(ctx)
	types, err5 := p.TypeCodes(ctx)
	ids, err6 := p.EventIDs(ctx)
	sessions, err7 := p.Sessions(ctx)
	for _, err := range []error{err1, err2, err3, err4, err5, err6, err7} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if p.Rows() != len(docs) || timestamps.Len() != len(docs) || ids.Len() != len(docs) {
		t.Fatalf("%d rows, %d timestamps, %d ids of %d documents", p.Rows(), timestamps.Len(), ids.Len(), len(docs))
	}
	stored, session := 0, -1
	first, last, least := int64(math.MaxInt64), int64(math.MinInt64), int64(math.MaxInt64)
	for row, d := range docs {
		ms := expiryOf(d)
		least = min(least, ms)
		if expiry == nil && ms != neverExpires || expiry != nil && expiry.TimeAt(row) != ms {
			t.Fatalf("expiry of row %d is not %d", row, ms)
		}
		want := fmt.Sprint(timestampOf(d), d.ReceivedAt.UnixMilli(), d.EffectiveSlot()-p.Key().FirstSlot(), Type{d.Category, d.Name}, d.EventID)
		got := fmt.Sprint(timestamps.TimeAt(row), received.TimeAt(row), slots[row], p.Types()[types.CodeAt(row)], string(ids.At(row)))
		if got != want {
			t.Fatalf("row %d is %s, want %s", row, got, want)
		}
		if d.Status != store.Stored {
			continue
		}
		stored++
		first, last = min(first, timestamps.TimeAt(row)), max(last, timestamps.TimeAt(row))
		if session < 0 || uuid.UUID(sessions.IDs[session]).String() != d.SessionID {
			if session++; int(sessions.First[session]) != row || uuid.UUID(sessions.IDs[session]).String() != d.SessionID {
				t.Fatalf("session %d begins at row %d, want %s at %d", session, sessions.First[session], d.SessionID, row)
			}
		}
	}
	if len(sessions.IDs) != session+1 || len(sessions.First) != session+2 || int(sessions.First[session+1]) != stored || p.Stored() != stored {
		t.Fatalf("%d sessions of %d rows, want %d of %d", len(sessions.IDs), p.Stored(), session+1, stored)
	}
	if f, l, ok := p.Span(); ok != (stored > 0) || ok && (f != first || l != last) {
		t.Fatalf("span %d to %d, want %d to %d", f, l, first, last)
	}
	if ms, ok := p.LeastExpiry(); ok != (least != neverExpires) || ok && ms != least {
		t.Fatalf("least expiry %d, want %d", ms, least)
	}
	checkCounts(t, p, docs)
}

// receivedRows are counted rows and a sample of them.
type receivedRows struct {
	N, First, Last          int64
	SampleID, SampleEventID string
}

// checkCounts counts the documents as the description does.
func checkCounts(t *testing.T, p *Part, docs []*store.Document) {
	t.Helper()
	counts, received, totals := make(map[string]int64), make(map[string]receivedRows), make(map[string]receivedRows)
	add := func(to map[string]receivedRows, key string, d *store.Document) {
		ms := d.ReceivedAt.UnixMilli()
		g, known := to[key]
		if !known {
			g = receivedRows{First: ms, Last: ms}
		}
		g.N, g.First, g.Last = g.N+1, min(g.First, ms), max(g.Last, ms)
		if d.Status == store.Rejected && (g.SampleID == "" || d.ID < g.SampleID) {
			g.SampleID, g.SampleEventID = d.ID, d.EventID
		}
		to[key] = g
	}
	for _, d := range docs {
		typ := Type{d.Category, d.Name}
		if d.Status == store.Stored {
			quarter := floorDiv(d.Timestamp.UnixMicro(), quarterMicros)
			counts[fmt.Sprint(quarter, typ)]++
			counts[fmt.Sprint(quarter)]++
		}
		reasons := make([]Reason, 0)
		for _, f := range d.Errors {
			reasons = append(reasons, Reason{f.Code, f.Path})
		}
		add(received, fmt.Sprint(floorDiv(d.ReceivedAt.UnixMilli(), quarterMillis), typ, d.Status, reasons), d)
		add(totals, fmt.Sprint(typ, d.Status, reasons), d)
	}
	gotCounts := make(map[string]int64)
	for i := range p.Counts().CountQuarters() {
		quarter := p.Counts().QuarterAt(i)
		gotCounts[fmt.Sprint(quarter)] += p.Counts().TotalAt(i)
		for typ, n := range p.Counts().TypesAt(i) {
			gotCounts[fmt.Sprint(quarter, p.Types()[typ])] += n
		}
	}
	if diff := gocmp.Diff(counts, gotCounts); diff != "" {
		t.Fatal(diff)
	}
	gotReceived, gotTotals := make(map[string]receivedRows), make(map[string]receivedRows)
	for status, c := range map[store.Status]*ReceivedCounts{store.Stored: p.StoredReceived(), store.Rejected: p.RejectedReceived()} {
		collectReceived(t, p, status, c, gotReceived, gotTotals)
	}
	if diff := gocmp.Diff(received, gotReceived); diff != "" {
		t.Fatal(diff)
	}
	if diff := gocmp.Diff(totals, gotTotals); diff != "" {
		t.Fatal(diff)
	}
}

// collectReceived adds the counts of one outcome, which have to be distinct.
func collectReceived(t *testing.T, p *Part, status store.Status, c *ReceivedCounts, counts, totals map[string]receivedRows) {
	t.Helper()
	first, last := int64(math.MaxInt64), int64(math.MinInt64)
	for i := range c.CountQuarters() {
		quarterFirst, quarterLast := c.SpanAt(i)
		least, greatest := int64(math.MaxInt64), int64(math.MinInt64)
		for n := range c.CountsAt(i) {
			got := receivedRows{N: n.N, First: n.First, Last: n.Last}
			if status == store.Rejected {
				got.SampleID, got.SampleEventID = c.SampleOf(&n, p.Key().Application)
			}
			key := fmt.Sprint(c.QuarterAt(i), p.Types()[n.Type], status, p.Reasons()[n.Reasons])
			if _, twice := counts[key]; twice {
				t.Fatalf("two counts of %s", key)
			}
			counts[key] = got
			least, greatest = min(least, n.First), max(greatest, n.Last)
		}
		if least != quarterFirst || greatest != quarterLast {
			t.Fatalf("a quarter spans %d to %d, not %d to %d", quarterFirst, quarterLast, least, greatest)
		}
		first, last = min(first, least), max(last, greatest)
	}
	if gotFirst, gotLast, ok := c.Span(); ok != (c.CountQuarters() > 0) || ok && (gotFirst != first || gotLast != last) {
		t.Fatalf("rows span %d to %d, %v, not %d to %d", gotFirst, gotLast, ok, first, last)
	}
	for _, n := range c.Totals() {
		key := fmt.Sprint(p.Types()[n.Type], status, p.Reasons()[n.Reasons])
		if _, twice := totals[key]; twice {
			t.Fatalf("two totals of %s", key)
		}
		totals[key] = receivedRows{n.N, n.First, n.Last, n.SampleID, n.SampleEventID}
	}
}

func TestPartEqualsItsDocuments(t *testing.T) {
	for seed := range uint64(12) {
		r := rand.New(rand.NewPCG(seed, 1))
		docs := randomDocuments(r, r.IntN(200))
		checkPart(t, buildPart(t, docs), docs, r, 100)
	}
}

func TestFieldsThatReadDifferently(t *testing.T) {
	docs := []*store.Document{}
	for i, data := range []string{
		`{"a":1}`, `{"a":1.0}`, `{"a":null}`, `{}`, `{"a":{}}`, `{"a":[]}`, `{"a":[{"b":[1,2]},{"b":3},4]}`, `{"a":{"0":"member"}}`,
		`{"a":["element"]}`, `{"a":{"b":{"c":1},"d":2}}`, `{"a":9007199254740993}`, `{"a":9007199254740992}`, `{"a":"1"}`,
		`{"a":{"b":2,"c":{"d":[]}}}`, `{"a":{"c":{"d":[]},"b":2.0}}`,
	} {
		d := randomDocument(rand.New(rand.NewPCG(uint64(i), 3)), i)
		d.Status, d.Data, d.Category, d.SessionID = store.Stored, []byte(data), "page", "e2085be5-9137-4e4e-80b5-000000000000"
		d.ID = store.DocumentID(d.Application, d.EventID)
		docs = append(docs, d)
	}
	p := buildPart(t, docs)
	docs = sortedDocuments(docs)
	for _, text := range []string{
		"data.a", "data.a.0", `data.a."0"`, "data.a[]", "data.a[].b[]", "data.a[].b", "data.a.b", "data.a.b.c", "data.a.c.d[]", "data.a.c",
	} {
		f, err := filter.ParseField(text)
		if err != nil {
			t.Fatal(err)
		}
		checkColumn(t, p, docs, f)
	}
}

func TestDocumentsOfOtherKeysAreRefused(t *testing.T) {
	d := randomDocument(rand.New(rand.NewPCG(1, 1)), 1)
	for name, key := range map[string]Key{
		"day": {testKey.Application, testKey.Day + 1}, "application": {"other", testKey.Day},
		"path": {"../etc", testKey.Day}, "dots": {"..", testKey.Day}, "empty": {"", testKey.Day}, "year": {"shop", maxDay + 1},
	} {
		if err := NewBuilder(key).Add(d); err == nil {
			t.Errorf("%s: added", name)
		}
	}
	b := NewBuilder(testKey)
	if err := b.Add(d); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Build(map[int64]uint64{d.EffectiveSlot() + 1: 1}); err == nil {
		t.Error("a row without a generation was taken")
	}
}

func TestUnreadableDataAreMissing(t *testing.T) {
	for _, data := range []string{
		`{`, `{"a":`, `{"a":1`, `{"a":1}}`, `{"a":1,"b"}`, `[1]`, `{"a":tru}`, `{"a":"\ud800"}`, `{"a":[}`, "{\"a\":\"\xff\"}", `{"b":1,"a":"\x"}`, ``, `{"a":[1,]}`,
		strings.Repeat(`{"a":`, 20_000) + "1" + strings.Repeat("}", 20_000),
	} {
		d := randomDocument(rand.New(rand.NewPCG(1, 1)), 1)
		d.Status, d.Data = store.Stored, []byte(data)
		checkColumn(t, buildPart(t, []*store.Document{d}), []*store.Document{d}, filter.Field{Name: filter.Data, Path: filter.Path{{Name: "a"}}})
	}
}

func TestSampleIsTheLowestID(t *testing.T) {
	var docs []*store.Document
	for i := range 9 {
		d := documentWith(i, `{}`)
		d.ReceivedAt, d.Timestamp = dayStart, dayStart.Add(-time.Duration(i)*time.Second)
		d.Status, d.Errors = store.Rejected, []event.Fault{{Code: "unknown_type"}}
		docs = append(docs, d)
	}
	checkPart(t, buildPart(t, docs), docs, rand.New(rand.NewPCG(1, 1)), 0)
}
