package pixel_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/format"
	"github.com/theeye/theeye/shared/format/foreign/foreigntest"
)

func TestWire(t *testing.T) { foreigntest.CheckWire(t, format.Pixel, 6) }

// decode returns the event of a query that is received some time after the others.
func decode(t *testing.T, query string, later time.Duration, change ...func(*event.Receipt)) *event.Event {
	t.Helper()
	b, err := format.Pixel.Split(foreigntest.Request(http.MethodGet, "/v1/pixel.gif?"+query), nil, 1)
	if err != nil {
		t.Fatal(err)
	}
	return foreigntest.Decode(t, format.Pixel, string(b.Items[0].Raw), append(change, func(r *event.Receipt) { r.ReceivedAt = r.ReceivedAt.Add(later) })...)
}

// An image that is shown again counts again, unless the address has an id or says when it
// happened.
func TestIdentity(t *testing.T) {
	for query, same := range map[string]bool{
		"category=a&name=b": false, "category=a&name=b&session_id=e2085be5-9137-4e4e-80b5-f1ffddc25423": false, "category=a&name=b&event_id=": false,
		"category=a&name=b&event_id=x": true, "category=a&name=b&timestamp=2026-05-06T07:08:08Z": true,
	} {
		first, again := decode(t, query, 0), decode(t, query+"&_=2", time.Nanosecond)
		if (first.EventID == again.EventID) != same || first.ContentHash != again.ContentHash {
			t.Errorf("%s: %s and %s", query, first.EventID, again.EventID)
		}
	}
	if e := decode(t, "event_id="+url.QueryEscape("mail/é"), 0); e.EventID != "mail/é" || e.Derived {
		t.Errorf("%+v", e.Head)
	}
	if e := decode(t, "event_id="+strings.Repeat("x", 201), 0); !e.Derived || e.Faults[0].Code != event.CodeInvalidEventID {
		t.Errorf("%+v %v", e.Head, e.Faults)
	}
}

func TestSessions(t *testing.T) {
	session := func(query string, change ...func(*event.Receipt)) string {
		return decode(t, query, 0, change...).SessionID
	}
	if session("sender=a&event_id=1") != session("sender=a&event_id=2") {
		t.Error("a sender has two sessions")
	}
	if session("event_id=1") != decode(t, "event_id=1", time.Hour).SessionID {
		t.Error("an event has two sessions")
	}
	seen := map[string]string{}
	for _, query := range []string{"sender=a", "sender=b", "event_id=a", "event_id=b", "name=n", "session_id=e2085be5-9137-4e4e-80b5-f1ffddc25423&sender=a"} {
		id := session(query)
		if id == "" || seen[id] != "" {
			t.Errorf("%s has the session %q of %q", query, id, seen[id])
		}
		seen[id] = query
	}
	if session("name=n") == decode(t, "name=n", time.Nanosecond).SessionID {
		t.Error("two visitors without ids share a session")
	}
	required := func(r *event.Receipt) { r.MissingSession = event.SessionRequired }
	if got := session("sender=a", required); got != "" {
		t.Errorf("session %q though one is required", got)
	}
}

func FuzzSplit(f *testing.F) {
	f.Add("category=a&name=%ED%A0%80&d.a=1&data={\"b\":[{}]}&data={}&schema_version=1e3&event_id=%00")
	f.Add("&&=&d.=&data=&data={\"d\":1,\"d\":2}&write_key=k&_=1&%zz=%FF&sender=a")
	f.Fuzz(func(t *testing.T, query string) {
		r := foreigntest.Request(http.MethodGet, "/v1/pixel.gif")
		r.URL.RawQuery = query
		_, _, _ = foreigntest.CheckSplit(t, format.Pixel, r, nil)
	})
}
