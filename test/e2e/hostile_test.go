package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// hostile is one row: a request, the collector's answer, and the outcome of each
// accepted event, read back through the query API.
type hostile struct {
	name  string
	body  string
	edits []edit
	// status and code are the door's; code is "" where it answers with
	// results.
	status int
	code   string
	// results say what becomes of each event: accepted, or the code of its
	// refusal.
	results []string
	// ends are the outcomes of the accepted ones, in order.
	ends []end
}

// end is the outcome of an event.
type end struct {
	// codes are those of its errors, in order; none means that it is stored.
	codes []string
	// data is what the stored data reads as, exactly; "" is not looked at.
	data string
	// timestamp is what the stored timestamp reads as; "" is not looked at.
	timestamp string
	// id is the event's id; "" is not looked at.
	id string
	// original is what a rejected event was received as; "" is not looked at.
	original string
}

const accepted = "accepted"

// refusedBody is a body of which nothing can be said event by event.
func refusedBody(name, body string, status int, code string, edits ...edit) hostile {
	return hostile{name: name, body: body, status: status, code: code, edits: edits}
}

// refusedEvent is one event that is refused beside two that are not.
func refusedEvent(name, event, code string) hostile {
	before, after := native(newID()), native(newID())
	return hostile{
		name: name, body: batch(before, event, after), status: http.StatusAccepted,
		results: []string{accepted, code, accepted}, ends: []end{{data: `{"v":1}`}, {data: `{"v":1}`}},
	}
}

// refusedAlone is a body of one event that is refused.
func refusedAlone(name, body, code string) hostile {
	return hostile{name: name, body: body, status: http.StatusUnprocessableEntity, results: []string{code}}
}

// keptData is an event whose data comes back as it was sent, or as told.
func keptData(name, data string, reads ...string) hostile {
	want := data
	if len(reads) > 0 {
		want = reads[0]
	}
	id := newID()
	return one(name, nativeData(id, data), end{data: want, id: id})
}

// rejectedFor is an event that is accepted and rejected.
func rejectedFor(name, body string, codes ...string) hostile {
	return one(name, body, end{codes: codes, original: body})
}

// one is a body of one accepted event.
func one(name, body string, e end) hostile {
	return hostile{name: name, body: body, status: http.StatusAccepted, results: []string{accepted}, ends: []end{e}}
}

// testHostileEvents runs the table on a pipeline: every row is sent first,
// then every outcome is looked at.
func testHostileEvents(t *testing.T, w *fixture) {
	rows := hostileEvents()
	ids := make([][]string, len(rows))
	for i, row := range rows {
		t.Run("door/"+row.name, func(t *testing.T) { ids[i] = row.send(t, w) })
	}
	for i, row := range rows {
		if len(ids[i]) == len(row.ends) {
			t.Run("end/"+row.name, func(t *testing.T) { row.check(t, w, ids[i]) })
		}
	}
}

// send sends a row and returns the ids of the accepted events.
func (h hostile) send(t *testing.T, w *fixture) []string {
	c := w.caller(t)
	r := c.post("/v1/events", []byte(h.body), h.edits...)
	var ids, verdicts []string
	for _, res := range r.results() {
		verdicts = append(verdicts, res.verdict())
		if res.Status == accepted {
			ids = append(ids, res.EventID)
		}
	}
	if r.status != h.status || r.code() != h.code || !slices.Equal(verdicts, h.results) {
		t.Fatalf("the door answers %d %s %v, want %d %s %v: %s", r.status, r.code(), verdicts, h.status, h.code, h.results, r)
	}
	return ids
}

func (h hostile) check(t *testing.T, w *fixture, ids []string) {
	c := w.caller(t)
	for i, want := range h.ends {
		if err := want.differs(c.settled(ids[i])); err != nil {
			t.Errorf("event %d: %v", i, err)
		}
	}
}

func (e end) differs(d document) error {
	status := "stored"
	if len(e.codes) > 0 {
		status = "rejected"
	}
	var all error
	note := func(what string, want, got any) {
		all = errors.Join(all, fmt.Errorf("%s is %.300q, want %.300q", what, got, want))
	}
	if d.Status != status || !slices.Equal(d.codes(), e.codes) {
		note("outcome", append([]string{status}, e.codes...), append([]string{d.Status}, d.codes()...))
	}
	if e.data != "" && string(d.Data) != e.data {
		note("data", e.data, string(d.Data))
	}
	if e.timestamp != "" && d.Timestamp != e.timestamp {
		note("timestamp", e.timestamp, d.Timestamp)
	}
	if e.id != "" && d.EventID != e.id {
		note("event_id", e.id, d.EventID)
	}
	if e.original != "" && d.Original != e.original {
		note("original", e.original, d.Original)
	}
	size := 0
	for _, f := range d.Errors {
		size += len(f.Code) + len(f.Path) + len(f.Message)
	}
	if len(d.Errors) > 20 || size > 4<<10 {
		all = errors.Join(all, fmt.Errorf("%d errors of %d bytes", len(d.Errors), size))
	}
	return all
}

// testHostileQueries: what no query may say is answered 400, and what looks
// like an operator is text like any other.
func testHostileQueries(t *testing.T, w *fixture) {
	c := w.caller(t)
	id := c.accept(native(newID()))[0]
	c.settled(id)
	for _, raw := range []string{
		"filter=$where=1", "session_id[$ne]=", "session_id[$ne]=" + defaultSession, "$where=1", "event_id[]=x",
		"limit=-1", "limit=0", "limit=1e9", "limit=1000000000", "limit=NaN", "limit=", "limit=1001", "limit=%2B5", "limit=0x10",
		"from=2022-01-01T00:00:00Z&to=2021-01-01T00:00:00Z", "from=someday", "to=1e9", "from=" + url.QueryEscape(`{"$gt":""}`),
		"cursor=x", "cursor=", "cursor=" + strings.Repeat("A", 5000), "order=up", "order=1", "limit=1&limit=2",
		"application=" + url.QueryEscape(`{"$ne":null}`), "application=../site", "session_id=" + url.QueryEscape(`{"$ne":null}`),
		"category=%ff", "category=" + strings.Repeat("x", 201), "category=%zz", "a;b", "unknown=1",
	} {
		for _, path := range []string{"/v1/events", "/v1/rejected"} {
			r, err := c.do(t.Context(), http.MethodGet, w.Query+path+"?"+raw, nil, bearer(w.Token))
			if err != nil || r.status != http.StatusBadRequest || r.code() == "" {
				t.Errorf("%s?%.100s answers %s, %v", path, raw, r, err)
			}
		}
	}
	for name, value := range map[string]string{
		"category": `{"$ne":null}`, "name": `{"$gt":""}`, "event_id": `' OR 1=1 --`,
	} {
		docs, err := c.all("/v1/events", url.Values{name: {value}})
		if err != nil || len(docs) != 0 {
			t.Errorf("%s=%s finds %d events, %v", name, value, len(docs), err)
		}
	}
	testCursors(t, c)
}

// testCursors tampers with a cursor.
func testCursors(t *testing.T, c *caller) {
	t.Helper()
	query := url.Values{"limit": {"1"}, "application": {"site"}}
	var p page
	if err := c.read(&p, "/v1/events", query); err != nil || p.Next == nil {
		t.Fatalf("no page with a cursor: %+v, %v", p, err)
	}
	good := *p.Next
	middle := []byte(good)
	middle[len(middle)/2] ^= 1
	for name, cursor := range map[string]string{
		"first cut off": good[1:], "last cut off": good[:len(good)-1], "doubled": good + good, "changed": string(middle),
	} {
		query.Set("cursor", cursor)
		r, err := c.ask("/v1/events", query)
		if err != nil || r.status != http.StatusBadRequest {
			t.Errorf("a cursor, %s: %s, %v", name, r, err)
		}
	}
	query.Set("cursor", good)
	for name, other := range map[string][2]string{
		"another order": {"order", "desc"}, "another query": {"category", "hostile"},
	} {
		q := url.Values{other[0]: {other[1]}}
		for n, v := range query {
			q[n] = v
		}
		r, err := c.ask("/v1/events", q)
		if err != nil || r.status != http.StatusBadRequest {
			t.Errorf("a cursor of %s: %s, %v", name, r, err)
		}
	}
	if r, err := c.ask("/v1/rejected", query); err != nil || r.status != http.StatusBadRequest {
		t.Errorf("a cursor of another call: %s, %v", r, err)
	}
}
