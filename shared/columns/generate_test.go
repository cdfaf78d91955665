package columns

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/query/filter"
	"github.com/theeye/theeye/shared/store"
)

// testKey is the key of generated documents: 2026-10-24.
var testKey = Key{"shop", 20750}

// dayStart is the first moment of testKey.
var dayStart = time.Unix(20750*86400, 0).UTC()

// names are those of generated members. They collide: digits are members of objects
// and elements of arrays.
var names = []string{"a", "b", "0", "1", "path", "x.y", "", "Ä\"\\", "items", "00"}

// randomJSON returns a value with the given depth at most.
func randomJSON(r *rand.Rand, depth int) string {
	n := 12
	if depth > 0 {
		n = 17
	}
	switch r.IntN(n) {
	case 0:
		return "null"
	case 1:
		return "true"
	case 2:
		return "false"
	case 3:
		return "{}"
	case 4:
		return "[]"
	case 5, 6:
		numbers := []string{
			"1", "1.0", "0", "-0.0", "9007199254740992", "9007199254740993", "9007199254740994.0", "-9223372036854775808", "0.1", "1e+21",
			"1000000000000000000000", "123456789012345678901234567890", "5e-324", "1.7976931348623157e+308", "1152921504606846976",
		}
		return numbers[r.IntN(len(numbers))]
	case 7:
		return fmt.Sprint(r.IntN(40))
	case 8, 9, 10, 11:
		texts := []string{`""`, `"1"`, `"null"`, `"a"`, `"ä\u0000\n\"\\"`, `"é"`, `"e\u0301"`, `"{}"`, fmt.Sprintf(`"v%d"`, r.IntN(30))}
		return texts[r.IntN(len(texts))]
	case 12, 13:
		return randomObject(r, depth-1)
	}
	elements := make([]string, r.IntN(4))
	for i := range elements {
		elements[i] = randomJSON(r, depth-1)
	}
	return "[" + strings.Join(elements, ", ") + "]"
}

func randomObject(r *rand.Rand, depth int) string {
	var members []string
	for _, i := range r.Perm(len(names))[:r.IntN(5)] {
		members = append(members, string(filter.Text(names[i]).AppendJSON(nil))+" :"+randomJSON(r, depth))
	}
	return "{" + strings.Join(members, ",") + " }"
}

// randomDocument returns the nth document of a day: one of ten is rejected, one of five
// expires.
func randomDocument(r *rand.Rand, n int) *store.Document {
	received := dayStart.Add(time.Duration(r.IntN(86_400_000)) * time.Millisecond)
	d := &store.Document{
		Status: store.Stored, Application: testKey.Application, EventID: fmt.Sprintf("e%04d", n),
		SessionID: fmt.Sprintf("e2085be5-9137-4e4e-80b5-%012x", r.IntN(20)),
		Category:  []string{"page", "form / x", "ä"}[r.IntN(3)], Name: []string{"view", "x / submit", "submit"}[r.IntN(3)],
		Timestamp:  received.Add(time.Duration(r.IntN(5)-4) * time.Hour).Add(time.Duration(r.IntN(3)) * time.Microsecond),
		ReceivedAt: received, SchemaVersion: int64(r.IntN(3)), ContentHash: fmt.Sprint(n),
	}
	if r.IntN(8) == 0 {
		d.Timestamp = []time.Time{time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC), {}, dayStart}[r.IntN(3)]
	}
	if r.IntN(5) == 0 {
		d.ExpiresAt = received.Add(time.Duration(r.IntN(1000)) * time.Hour)
	}
	if r.IntN(10) == 0 { // an earlier copy was there first
		slot := dayStart.Unix()/10 + r.Int64N(slotsPerDay)
		d.Slot, d.ReceivedAt = &slot, d.ReceivedAt.AddDate(0, 0, -1)
	}
	if r.IntN(20) != 0 {
		d.Data = []byte(randomObject(r, 3))
	}
	d.ID = store.DocumentID(d.Application, d.EventID)
	if r.IntN(10) == 0 {
		rejectDocument(r, d)
	}
	return d
}

func rejectDocument(r *rand.Rand, d *store.Document) {
	d.Status = store.Rejected
	d.Errors = []event.Fault{{Code: "schema_violation", Path: fmt.Sprintf("/data/%d", r.IntN(3)), Message: "m"}}
	switch r.IntN(4) {
	case 0:
		d.SessionID, d.Category, d.Timestamp, d.Data = "", "", time.Time{}, nil
	case 1:
		d.ID = store.ConflictID(d.Application, d.ContentHash, d.EventID)
		d.Errors = append(d.Errors, event.Fault{Code: "id_conflict", Path: "/event_id"})
	case 2:
		d.Errors = nil
	}
}

func randomDocuments(r *rand.Rand, n int) []*store.Document {
	docs := make([]*store.Document, n)
	for i := range docs {
		docs[i] = randomDocument(r, i)
	}
	return docs
}

// randomField returns a field, most often one that occurs.
func randomField(r *rand.Rand) filter.Field {
	if r.IntN(4) == 0 {
		return filter.Field{Name: filter.Name(1 + r.IntN(int(filter.SchemaVersion)))}
	}
	f := filter.Field{Name: filter.Data}
	for range r.IntN(5) {
		s := filter.Segment{Name: names[r.IntN(len(names))]}
		switch {
		case r.IntN(4) == 0:
			s = filter.Segment{Each: true}
		case s.Name == "0" || s.Name == "1" || s.Name == "00":
			s.Element = r.IntN(2) == 0
		}
		f.Path = append(f.Path, s)
	}
	return f
}

// seenEvent is a document as a filter sees it; the data of a rejected one is not held.
func seenEvent(d *store.Document) *filter.Event {
	e := &filter.Event{
		Application: d.Application, EventID: d.EventID, SessionID: d.SessionID, Category: d.Category, Name: d.Name,
		SchemaVersion: d.SchemaVersion, Timestamp: d.Timestamp, ReceivedAt: d.ReceivedAt,
	}
	if d.Status == store.Stored {
		e.Data = d.Data
	}
	return e
}

type storeDocument = store.Document
