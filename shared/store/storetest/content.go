package storetest

import (
	"bytes"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/format/native"
	"github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/store"
)

// hostile are values of the member data that no store may change: keys that
// mean something to databases, every kind of number, every odd character.
func hostile() []string {
	list := []string{
		`{}`,
		`{"a":null,"b":true,"c":false,"d":[],"e":{},"f":""}`,
		`{"$where":"1","a.b":{"$gt":""},"":1,"__proto__":{},"_id":5,"status":"rejected","$set":{"x":1}}`,
		`{"\u0000":1,"a\u0000b":2,"\u0001":3,"\u00010":4,"\u00011":5,"\u0000\u0001\u0000":{"\u0000":[{"\u0001\u0000":null}]}}`,
		`{"z":1,"a":2,"m":3,"Z":4,"10":5,"9":6}`,
		`{"text":"NUL \u0000, U+2028 ` + "\u2028" + `, U+FFFF ` + "\uffff" + `, quote \", slash / and \\, DEL \u007f, tab \t"}`,
		`{"emoji":"👩‍💻","rtl":"שלום","combining":"é","key é":"ü"}`,
		`{"html":"<script>alert('x')</script>&amp;","csv":"=1+1","sql":"'; DROP TABLE events; --"}`,
		`{"long":"` + strings.Repeat("x", 100_000) + `"}`,
		`{"deep":` + strings.Repeat(`{"a":[`, 15) + strings.Repeat(`]}`, 15) + `}`,
		`{"array":[[1,"2",[3.5,null]],[],[{}],{"0":"a","1":"b"}]}`,
	}
	for _, n := range []string{
		"0", "-0", "1", "-1", "1.0", "0.1", "1e2", "1E+2", "100.0", "123456789.125", "2147483648",
		"9007199254740991", "9007199254740992", "9007199254740993", "9223372036854775807", "9223372036854775808",
		"-9223372036854775808", "-9223372036854775809", "1234567890123456789012345678901234",
		"-9999999999999999999999999999999999", "12345678901234567890123456789012345", "10000000000000000000000",
		"1.7976931348623157e308", "1e-308", "5e-300", "5e-324", "-5e-324", "2.2250738585072011e-308", "1e-310", "0.30000000000000004", "1e21", "1e20", "123e-7", "-1.5e-10", "0e10",
	} {
		list = append(list, `{"number":`+n+`,"in array":[`+n+`,`+n+`]}`)
	}
	return list
}

// decoded returns the document of an event with the given data, its data in
// the form that package event gives it.
func decoded(t *testing.T, n int, data string) *store.Document {
	t.Helper()
	d := Event(n)
	raw := strings.Replace(string(d.Original), string(d.Data), data, 1)
	e, refusal := native.Decode([]byte(raw))
	if refusal != nil {
		t.Fatalf("event %d with data %.80s: %v", n, data, refusal)
	}
	d.Data, d.ContentHash, d.Original = e.Data, e.ContentHash, []byte(raw)
	return d
}

func testContent(t *testing.T, s store.Store) {
	var docs []*store.Document
	for i, data := range hostile() {
		docs = append(docs, decoded(t, i, data))
	}
	write(t, s, docs...)
	for _, d := range docs {
		expectKept(t, s, d) // one by one, so that a failure is readable
	}
	// The same data beside another outcome, and after a replacement.
	for i, d := range docs {
		docs[i] = With(d, func(d *store.Document) {
			d.Revision++
			d.Status, d.Errors = store.Rejected, Rejected(0).Errors
		})
	}
	write(t, s, docs...)
	expectKept(t, s, docs...)
}

// testOneFieldChanged: a replacement that differs from its holder in one field, or in none
// but the revision, is kept.
func testOneFieldChanged(t *testing.T, s store.Store) {
	changes := []func(*store.Document){
		func(d *store.Document) { d.Category = "other" },
		func(d *store.Document) { d.Name = "other" },
		func(d *store.Document) { d.SessionID = Session(9) },
		func(d *store.Document) { d.Data = []byte(`{"n":1.0}`) },
		func(d *store.Document) { d.Data = nil },
		func(d *store.Document) { d.Timestamp = d.Timestamp.Add(time.Microsecond) },
		func(d *store.Document) { d.ClockOffsetMS = 1 },
		func(d *store.Document) { d.ExpiresAt = time.Time{} },
		func(d *store.Document) { d.ExpiresAt = d.ExpiresAt.Add(time.Millisecond) },
		func(d *store.Document) { d.SchemaVersion++ },
		func(d *store.Document) { d.SentSchemaVersion++ },
		func(d *store.Document) { d.Status, d.Errors = store.Rejected, Rejected(0).Errors },
		func(*store.Document) {},
	}
	rejections := []func(*store.Document){
		func(d *store.Document) { d.Errors = append(slices.Clone(d.Errors), d.Errors[0]) },
		func(d *store.Document) { d.Errors = nil },
		func(d *store.Document) { d.Original = d.Original[1:] },
		func(d *store.Document) { d.Original = nil },
		func(d *store.Document) { d.Timestamp = time.Time{} },
		func(d *store.Document) { d.Status, d.Errors = store.Stored, nil },
		func(*store.Document) {},
	}
	var before, after []*store.Document
	add := func(d *store.Document, change func(*store.Document)) {
		d.ExpiresAt = time.Now().Add(time.Hour).UTC().Truncate(time.Millisecond)
		before = append(before, d)
		after = append(after, With(d, func(d *store.Document) { d.Revision++; change(d) }))
	}
	// Each beside one that stays as it is, in one bulk.
	for _, change := range changes {
		add(Event(len(before)), change)
		add(Event(len(before)), func(*store.Document) {})
	}
	for _, change := range rejections {
		add(Rejected(len(before)), change)
		add(Rejected(len(before)), func(*store.Document) {})
	}
	write(t, s, before...)
	for _, r := range write(t, s, after...) {
		if r != store.Replaced {
			t.Errorf("a replacement is %v", r)
		}
	}
	for _, d := range after {
		expectKept(t, s, d) // one by one, so that a failure is readable
	}
	for _, r := range write(t, s, before...) {
		if r != store.Unchanged {
			t.Errorf("a lower revision is %v", r)
		}
	}
	expectKept(t, s, after...)
}

func testOddIDs(t *testing.T, s store.Store) {
	var docs []*store.Document
	for i, id := range []string{
		"x", "x\x00", "x\x00y", "x\x00z", "X", "\x00", "*", ">", ".", " ", "a b\r\nc", "$where", "é", "e\u0301", "a/b", "#",
		strings.Repeat("👩", 200), strings.Repeat("a", 200), strings.Repeat("a", 199) + "b", "null", "1", `"`, `\`, "%", "_", "'",
	} {
		docs = append(docs, With(Event(i), func(d *store.Document) { d.EventID, d.Timestamp = id, Start() }))
	}
	for i, o := range write(t, s, docs...) {
		if o != store.Inserted {
			t.Errorf("id %q: %v", docs[i].EventID, o)
		}
	}
	expectKept(t, s, docs...)
	for _, d := range docs {
		got, err := s.Find(t.Context(), query.Events{Filter: query.Filter{Applications: []string{"demo"}, EventID: d.EventID}, Limit: 10})
		expectIDs(t, got, err, d)
	}
	// The order of equal times is that of the ids' bytes, page by page.
	sortByID(docs)
	expectPages(t, s, query.Events{Limit: 3}, docs)

	two := With(docs[0], func(d *store.Document) { d.Application = "other" })
	expectResults(t, write(t, s, two), store.Inserted) // each application has its own ids
	expectKept(t, s, docs[0], two)
}

func testTimes(t *testing.T, s store.Store) {
	var docs []*store.Document
	for i, at := range []time.Time{
		time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), // Go's zero time
		time.Date(0, 1, 1, 0, 0, 0, 1000, time.UTC),
		time.Date(1969, 12, 31, 23, 59, 59, 999_999_000, time.UTC),
		time.Unix(0, 0).UTC(),
		time.Date(2021, 1, 1, 9, 15, 27, 243_860_000, time.UTC),
		time.Date(2021, 1, 1, 9, 15, 27, 243_861_000, time.UTC),
		time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC),
	} {
		docs = append(docs, With(Event(i), func(d *store.Document) { d.Timestamp = at }))
	}
	docs[0], docs[1] = docs[1], docs[0] // year 0 comes first
	write(t, s, docs...)
	expectKept(t, s, docs...)
	expectPages(t, s, query.Events{Limit: 1}, docs)

	at := docs[4].Timestamp
	got, err := s.Find(t.Context(), query.Events{Filter: query.Filter{From: at, To: at.Add(time.Microsecond)}, Limit: 10})
	expectIDs(t, got, err, docs[4]) // from is inclusive, to exclusive
	got, err = s.Find(t.Context(), query.Events{Filter: query.Filter{From: at.Add(1), To: at.Add(time.Microsecond + 1)}, Limit: 10})
	expectIDs(t, got, err, docs[5]) // bounds finer than the precision kept
}

func testRejectedContent(t *testing.T, s store.Store) {
	var every bytes.Buffer
	for b := range 256 {
		every.WriteByte(byte(b))
	}
	faults := make([]event.Fault, event.MaxFaults)
	for i := range faults {
		faults[i] = event.Fault{
			Code: event.CodeSchemaViolation, Path: "/data/a\x00b/" + strconv.Itoa(i), Message: "says <\"\u2028\\\x00> 👩",
		}
	}
	full := Rejected(0, faults...)
	full.Original = every.Bytes()
	full.Origin = store.Origin{Epoch: math.MaxInt64, Seq: math.MaxInt64}
	full.Revision, full.SchemaVersion, full.SentSchemaVersion = math.MaxInt64, math.MaxInt64, math.MaxInt64
	full.ClockOffsetMS = math.MinInt64
	// Only valid fields are filled; a replacement adds and removes fields.
	bare := &store.Document{
		ID: "demo/bare", Status: store.Rejected, Application: "demo", EventID: "bare",
		ReceivedAt: Start(), ContentHash: "h", Origin: store.Origin{Epoch: 1, Seq: 1}, Revision: 1,
		Errors: Rejected(0).Errors, Original: []byte(`[]`),
	}
	write(t, s, full, bare)
	expectKept(t, s, full, bare)

	filled := With(Event(1), func(d *store.Document) {
		d.ID, d.EventID, d.ContentHash, d.Origin, d.Revision = bare.ID, bare.EventID, bare.ContentHash, bare.Origin, 2
		d.ExpiresAt = time.Now().Add(time.Hour).UTC().Truncate(time.Millisecond)
	})
	write(t, s, filled)
	expectKept(t, s, filled)
	again := With(bare, func(d *store.Document) { d.Revision = 3 })
	write(t, s, again)
	expectKept(t, s, again)
}

// testVersions: the version that an event names comes and goes with a
// replacement, and is another thing than the one that judged.
func testVersions(t *testing.T, s store.Store) {
	for revision, versions := range [][2]int64{{0, 0}, {3, 0}, {3, 2}, {0, 2}, {4, 4}, {0, 0}} {
		d := With(Event(0), func(d *store.Document) {
			d.Revision, d.SchemaVersion, d.SentSchemaVersion = uint64(revision)+1, versions[0], versions[1]
			d.ClockOffsetMS = -versions[1]
		})
		write(t, s, d)
		expectKept(t, s, d)
	}
}

// testNoOriginal: a rejected event whose original the policy drops is kept
// without it, in every form, and its data with it.
func testNoOriginal(t *testing.T, s store.Store) {
	drop := func(d *store.Document) { d.Original = nil }
	rejected := With(Rejected(0), func(d *store.Document) { d.Original, d.Data = nil, nil })
	stored, second := With(Event(1), drop), With(Event(1), drop)
	second.ContentHash, second.Origin.Seq = "second", 99
	expectResults(t, write(t, s, rejected, stored), store.Inserted, store.Inserted)
	expectResults(t, write(t, s, second), store.Conflict)
	conflict := With(second, func(d *store.Document) {
		d.ID, d.Status, d.Data = store.ConflictID(d.Application, d.ContentHash, d.EventID), store.Rejected, nil
		d.Errors = []event.Fault{{
			Code: event.CodeIDConflict, Path: "/event_id", Message: "another event was written under this event_id first",
		}}
	})
	expectKept(t, s, rejected, stored, conflict)

	kept := With(Rejected(0), func(d *store.Document) { d.Revision++ })
	write(t, s, kept) // another policy keeps it
	expectKept(t, s, kept)
	again := With(rejected, func(d *store.Document) { d.Revision += 2 })
	write(t, s, again)
	expectKept(t, s, again)
}
