package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// form is one way to send events.
type form struct {
	name  string
	key   edit // how the write key is shown; nil is Bearer
	count int
	body  func(events []string) string
	edits []edit
	gzip  bool
}

func oneEvent(events []string) string { return events[0] }
func anArray(events []string) string  { return batch(events...) }
func aWrapper(events []string) string {
	return `{"events":` + batch(events...) + `,"sent_at":` + quote(time.Now().UTC().Format(time.RFC3339)) + `}`
}
func theLines(events []string) string { return strings.Join(events, "\n") + "\n" }
func roughLines(e []string) string    { return "\r\n" + strings.Join(e, "\r\n\r\n") }
func withoutBearer(r *http.Request)   { r.Header.Del("Authorization") }
func contentType(media string) edit   { return header("Content-Type", media) }
func inHeader(r *http.Request)        { withoutBearer(r); r.Header.Set("X-Write-Key", siteServerKey) }
func asUser(r *http.Request)          { r.SetBasicAuth(siteServerKey, "") }
func inQuery(r *http.Request)         { withoutBearer(r); r.URL.RawQuery = "write_key=" + siteServerKey }
func twiceTheSame(r *http.Request)    { r.Header.Set("X-Write-Key", siteServerKey) }
func asBrowser(r *http.Request)       { bearer(siteBrowserKey)(r); r.Header.Set("Origin", siteOrigin) }
func browserNoOrigin(r *http.Request) { bearer(siteBrowserKey)(r) }

// forms are all forms in which a request may bring events.
var forms = []form{
	{name: "one", count: 1, body: oneEvent},
	{name: "array", count: 3, body: anArray},
	{name: "wrapper", count: 2, body: aWrapper},
	{name: "NDJSON by type", count: 2, body: theLines, edits: []edit{contentType("application/x-ndjson")}},
	{name: "NDJSON by its first line", count: 2, body: theLines},
	{name: "NDJSON with blank lines and CRLF", count: 3, body: roughLines},
	{name: "NDJSON of one line", count: 1, body: theLines, edits: []edit{contentType("application/x-ndjson")}},
	{name: "gzip by header", count: 2, body: anArray, gzip: true, edits: []edit{header("Content-Encoding", "gzip")}},
	{name: "gzip by its first bytes", count: 2, body: theLines, gzip: true},
	{name: "beacon", count: 1, body: oneEvent, edits: []edit{contentType("text/plain;charset=UTF-8")}},
	{name: "form type", count: 1, body: oneEvent, edits: []edit{contentType("application/x-www-form-urlencoded")}},
	{name: "X-Write-Key", count: 1, body: oneEvent, key: inHeader},
	{name: "Basic", count: 1, body: oneEvent, key: asUser},
	{name: "?write_key", count: 1, body: oneEvent, key: inQuery},
	{name: "one key in two places", count: 1, body: oneEvent, key: twiceTheSame},
	{name: "browser", count: 1, body: oneEvent, key: asBrowser},
	{name: "browser key without Origin", count: 1, body: oneEvent, key: browserNoOrigin},
}

// sent is an event as it was sent, and as it has to come back.
type sent struct {
	id, session, timestamp, data string
}

// testForms sends events in every form, the latest first, and reads them back
// in every way.
func testForms(t *testing.T, w *fixture) {
	c, session := w.caller(t), newSession()
	total := 0
	for _, f := range forms {
		total += f.count
	}
	var timeline []sent
	for _, f := range forms {
		events := make([]string, f.count)
		for i := range events {
			at := total - len(timeline) // later ones are sent before
			s := sent{
				id: newID(), session: session,
				timestamp: fmt.Sprintf("2021-01-01T09:%02d:%02d.%06dZ", at/60, at%60, at),
				data:      fmt.Sprintf(`{"host":"www.example.com","path":"/","element":"chat bubble","n":%d}`, at),
			}
			events[i] = click(s.id, session, s.timestamp, at)
			timeline = append(timeline, s)
		}
		f.send(t, c, events)
	}
	slices.Reverse(timeline)
	eventually(t, func() error {
		var s page
		if err := c.read(&s, "/v1/sessions/"+session, url.Values{"limit": {"1000"}}); err != nil {
			return err
		}
		if len(s.Events) != total {
			return fmt.Errorf("%d events of %d in the session", len(s.Events), total)
		}
		return sameEvents(timeline, s.Events)
	})
	t.Run("session", func(t *testing.T) { testSession(t, w, timeline) })
	t.Run("queries", func(t *testing.T) { testQueries(t, w, timeline) })
}

func (f form) send(t *testing.T, c *caller, events []string) {
	t.Helper()
	body := []byte(f.body(events))
	if f.gzip {
		body = packed(t, string(body))
	}
	edits := f.edits
	if f.key != nil {
		edits = append(edits[:len(edits):len(edits)], f.key)
	}
	for range 2 { // a retry is the same event
		r := c.post("/v1/events", body, edits...)
		if r.status != http.StatusAccepted || len(r.results()) != len(events) {
			t.Fatalf("%s: the door answers %s", f.name, r)
		}
		for i, res := range r.results() {
			if res.Status != "accepted" || res.Index != i || res.EventID == "" {
				t.Errorf("%s: result %d is %+v", f.name, i, res)
			}
		}
	}
}

// sameEvents compares the events read back with those sent, in order.
func sameEvents(want []sent, got []document) error {
	if len(want) != len(got) {
		return fmt.Errorf("%d events, want %d", len(got), len(want))
	}
	for i, s := range want {
		d := got[i]
		if d.EventID != s.id || d.SessionID != s.session || d.Timestamp != s.timestamp || d.Status != "stored" || string(d.Data) != s.data {
			return fmt.Errorf("event %d is %+v with data %s, sent %+v", i, d, d.Data, s)
		}
	}
	return nil
}

// testSession reads a session with its summary, at once and page by page.
func testSession(t *testing.T, w *fixture, timeline []sent) {
	c, session := w.caller(t), timeline[0].session
	type landmark struct {
		EventID string `json:"event_id"`
	}
	type summary struct {
		SessionID  string   `json:"session_id"`
		First      string   `json:"first"`
		Last       string   `json:"last"`
		DurationMS int64    `json:"duration_ms"`
		Count      int      `json:"count"`
		Entry      landmark `json:"entry"`
		Exit       landmark `json:"exit"`
	}
	first, last := timeline[0], timeline[len(timeline)-1]
	want := summary{
		SessionID: session, First: first.timestamp, Last: last.timestamp,
		DurationMS: int64(len(timeline)-1) * 1000, Count: len(timeline),
		Entry: landmark{first.id}, Exit: landmark{last.id},
	}
	for _, limit := range []int{1000, 4} {
		var got summary
		query := url.Values{"limit": {strconv.Itoa(limit)}}
		if err := c.read(&got, "/v1/sessions/"+strings.ToUpper(session), query); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("limit %d: the session is %+v, want %+v", limit, got, want)
		}
		docs, err := c.all("/v1/sessions/"+session, query)
		if err == nil {
			err = sameEvents(timeline, docs)
		}
		if err != nil {
			t.Errorf("limit %d: %v", limit, err)
		}
	}
	if r, err := c.ask("/v1/sessions/"+newSession(), nil); err != nil || r.status != http.StatusNotFound {
		t.Errorf("a session without events: %s, %v", r, err)
	}
}

// testQueries finds the events by every parameter.
func testQueries(t *testing.T, w *fixture, timeline []sent) {
	c, session := w.caller(t), timeline[0].session
	n := len(timeline)
	backwards := slices.Clone(timeline)
	slices.Reverse(backwards)
	type values = url.Values
	for name, q := range map[string]struct {
		query values
		want  []sent
	}{
		"pages of three":     {values{"limit": {"3"}}, timeline},
		"backwards":          {values{"order": {"desc"}, "limit": {"5"}}, backwards},
		"from is inclusive":  {values{"from": {timeline[3].timestamp}}, timeline[3:]},
		"to is exclusive":    {values{"to": {timeline[3].timestamp}}, timeline[:3]},
		"type":               {values{"category": {"page interaction"}, "name": {"cta click"}}, timeline},
		"other name":         {values{"category": {"page interaction"}, "name": {"pageview"}}, nil},
		"category alone":     {values{"category": {"page interaction"}, "from": {timeline[n-2].timestamp}}, timeline[n-2:]},
		"application":        {values{"application": {"site"}}, timeline},
		"other application":  {values{"application": {"other"}}, nil},
		"event id":           {values{"event_id": {timeline[5].id}}, timeline[5:6]},
		"times as sites do":  {values{"from": {"2021-01-01 09:00:00"}, "to": {"2021-01-01T10:00:00+01:00"}}, nil},
		"nothing in between": {values{"from": {timeline[3].timestamp}, "to": {timeline[3].timestamp}}, nil},
	} {
		q.query.Set("session_id", session)
		docs, err := c.all("/v1/events", q.query)
		if err == nil {
			err = sameEvents(q.want, docs)
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, s := range timeline[:3] {
		if err := sameEvents([]sent{s}, []document{c.settled(s.id)}); err != nil {
			t.Errorf("by id: %v", err)
		}
	}
	if r, err := c.ask("/v1/events/"+newID(), nil); err != nil || r.status != http.StatusNotFound {
		t.Errorf("an unknown event: %s, %v", r, err)
	}
}
