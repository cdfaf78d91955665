package queryapi_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/store"
)

func TestFiltersEvents(t *testing.T) {
	fx := newFixtureOnMongo(t)
	at := time.Now()
	fx.putEvents("shop", at,
		anEvent("3", aSession, "page", "view", "2026-01-01T00:00:03.000001Z"),
		anEvent("1", aSession, "page", "view", "2026-01-01T00:00:01Z"),
		anEvent("2", anotherOne, "page", "click", "2026-01-01T00:00:02Z"),
		anEvent("4", anotherOne, "form", "view", "2026-01-01T00:00:03.000002Z"),
		`{"event_id":"rejected","session_id":"`+aSession+`","category":"page"}`)
	fx.putEvents("blog", at, anEvent("5", aSession, "page", "view", "2026-01-01 00:00:05.5"))
	for params, want := range map[string]string{
		"":                                   "1 2 3 4 5",
		"order=asc":                          "1 2 3 4 5",
		"order=desc":                         "5 4 3 2 1",
		"application=shop":                   "1 2 3 4",
		"application=none":                   "",
		"category=page":                      "1 2 3 5",
		"category=Page":                      "",
		"name=view":                          "1 3 4 5",
		"category=page&name=view&order=desc": "5 3 1",
		"session_id=" + aSession:             "1 3 5",
		"session_id=" + strings.ToUpper(anotherOne) + "&application=shop": "2 4",
		"event_id=4":                                        "4",
		"event_id=rejected":                                 "",
		"event_id=4&category=page":                          "",
		"event_id=5&application=shop":                       "",
		"from=2026-01-01T00:00:02Z":                         "2 3 4 5",
		"to=2026-01-01T00:00:02Z":                           "1",
		"from=2026-01-01T00:00:02Z&to=2026-01-01T00:00:02Z": "",
		"from=2026-01-01+00:00:03.000001&to=2026-01-01T00:00:03.000002Z": "3",
		"from=2026-01-01T01:00:03.000002%2B01:00":                        "4 5",
		"limit=2":            "1 2",
		"order=desc&limit=1": "5",
	} {
		status, got := fx.get(operator, "/v1/events?"+params)
		if status != http.StatusOK || strings.Join(got.ids(), " ") != want {
			t.Errorf("%s: %d %v, want %s", params, status, got.ids(), want)
		}
	}
}

// Numbers, names and strings come back as they were sent, and the timestamp with
// every microsecond.
func TestEventComesBackExactly(t *testing.T) {
	fx := newFixtureOnMongo(t)
	data := `{"z":1,"a":[9007199254740993,9223372036854775807,9223372036854775808,1234567890123456789012345678901234,-0.0,1.0,0.1],` +
		`"a.b":{"$where":"x","":null,"__proto__":true,"_id":1,"status":"stored"},"\u0000":"\u0000\uffff","t":"<script>\r\n"}`
	fx.putEvents("shop", time.Date(2026, 1, 1, 0, 0, 0, 123456789, time.UTC),
		`{"event_id":"x","session_id":"`+aSession+`","category":"c","name":"n","timestamp":"2021-01-01 09:15:27.243860","data":`+data+`}`)
	for _, target := range []string{"/v1/events/x", "/v1/events", "/v1/sessions/" + aSession} {
		_, got := fx.get(operator, target)
		event := got.item
		if len(got.Events) > 0 {
			event = got.Events[0]
		}
		want := strings.ReplaceAll(data, `\uffff`, "\uffff")
		if string(event.Data) != want {
			t.Errorf("%s: data = %s", target, event.Data)
		}
		if event.Timestamp != "2021-01-01T09:15:27.243860Z" || event.ReceivedAt != "2026-01-01T00:00:00.123000Z" {
			t.Errorf("%s: timestamp %s, received at %s", target, event.Timestamp, event.ReceivedAt)
		}
	}
}

// While events arrive on both sides of the cursor, its pages contain every event
// of the start once, in order.
func TestPagesAreStableWhileEventsArrive(t *testing.T) {
	fx := newFixtureOnMongo(t)
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	event := func(kind string, i int, at time.Time) *store.Document {
		return fx.document("shop", at, anEvent(fmt.Sprintf("%s-%03d", kind, i), aSession, "c", "n", at.Format(time.RFC3339Nano)))
	}
	var docs []*store.Document
	for i := range 60 {
		// Three share each timestamp: the id decides among them.
		docs = append(docs, event("old", i, start.Add(time.Duration(i/3)*time.Microsecond)))
	}
	fx.writeDocuments(docs...)
	for _, order := range []string{"asc", "desc"} {
		var seen []string
		query := url.Values{"order": {order}, "limit": {"7"}, "application": {"shop"}}
		for page := 0; ; page++ {
			status, got := fx.get(operator, "/v1/events?"+query.Encode())
			if status != http.StatusOK {
				t.Fatalf("%d %s", status, got.raw)
			}
			for _, id := range got.ids() {
				if strings.HasPrefix(id, "old") {
					seen = append(seen, id)
				}
			}
			if got.NextCursor == nil {
				break
			}
			query.Set("cursor", *got.NextCursor)
			fx.writeDocuments(event(order+"-before", page, start.Add(-time.Second)), event(order+"-after", page, start.Add(time.Second)),
				event(order+"-among", page, start.Add(time.Duration(page)*time.Microsecond)))
		}
		var want []string
		for _, d := range docs {
			want = append(want, d.EventID)
		}
		if order == "desc" {
			slices.Reverse(want)
		}
		if diff := cmp.Diff(want, seen); diff != "" {
			t.Errorf("%s: %s", order, diff)
		}
	}
}

// A cursor is valid for its own query alone.
func TestRejectsCursorOfAnotherQuery(t *testing.T) {
	fx := newFixtureOnMongo(t)
	fx.putEvents("shop", time.Now(), anEvent("1", aSession, "c", "n", "2026-01-01T00:00:01Z"), anEvent("2", aSession, "c", "n", "2026-01-01T00:00:02Z"),
		`{"event_id":"r1"}`, `{"event_id":"r2"}`)
	_, first := fx.get(operator, "/v1/events?limit=1&category=c")
	if first.NextCursor == nil {
		t.Fatal("no cursor")
	}
	cursor := "&cursor=" + *first.NextCursor
	for target, want := range map[string]int{
		"/v1/events?limit=1&category=c" + cursor:         http.StatusOK,
		"/v1/events?limit=50&category=c" + cursor:        http.StatusOK, // pages may differ in size
		"/v1/events?limit=1" + cursor:                    http.StatusBadRequest,
		"/v1/events?limit=1&category=d" + cursor:         http.StatusBadRequest,
		"/v1/events?category=c&order=desc" + cursor:      http.StatusBadRequest,
		"/v1/rejected?category=c" + cursor:               http.StatusBadRequest,
		"/v1/events?category=c" + cursor[:len(cursor)-1]: http.StatusBadRequest,
		"/v1/events?category=c" + cursor + "A":           http.StatusBadRequest,
		"/v1/sessions/" + aSession + "?limit=1" + cursor: http.StatusBadRequest,
	} {
		status, got := fx.get(operator, target)
		if status != want || status == http.StatusBadRequest && got.Code != "invalid_cursor" {
			t.Errorf("%s: %d %s, want %d", target, status, got.raw, want)
		}
	}
}

// A page of large events ends early, and the next one continues behind it.
func TestLargePageEndsEarly(t *testing.T) {
	fx := newFixture(t)
	heavy := strings.Repeat("x", 900_000)
	var want []string
	for i := range 12 {
		id := fmt.Sprintf("%02d", i)
		want = append(want, id)
		fx.putEvents("shop", time.Now(), `{"event_id":"`+id+`","session_id":"`+aSession+
			`","category":"c","name":"n","timestamp":"2026-01-01T00:00:00Z","data":{"x":"`+heavy+`"}}`)
	}
	var seen []string
	pages, target := 0, "/v1/events?limit=1000"
	for {
		_, got := fx.get(operator, target)
		seen = append(seen, got.ids()...)
		if len(got.raw) > 10<<20 {
			t.Errorf("a page of %d bytes", len(got.raw))
		}
		if pages++; got.NextCursor == nil {
			break
		}
		target = "/v1/events?limit=1000&cursor=" + *got.NextCursor
	}
	if !slices.Equal(seen, want) || pages != 2 {
		t.Errorf("%d pages: %v", pages, seen)
	}
}
