package queryapi_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// oddIDs are ids that some layer between a site and the store might mangle.
var oddIDs = []string{
	"a/b", "/", "//", ".", "..", "../../etc/passwd", "a b", "a+b", "%2F", "%", "%25", "a%00b", "* > .", "\r\n", "\x00",
	"\x1b[31m", "?x=1", "#x", "a;b", "a&b=c", "é", "日本語", "\u2028", "\U0001F441", `"`, `\`, "<script>", "'", "{}", "[$ne]",
	"pending", "summary", strings.Repeat("x", 200), strings.Repeat("é", 200), strings.Repeat("/", 200),
}

func TestFindsEventByAnyID(t *testing.T) {
	fx := newFixtureOnMongo(t)
	for _, id := range oddIDs {
		fx.putEvents("shop", time.Now(), anEvent(id, aSession, "c", "n", "2026-01-01T00:00:00Z"))
	}
	for _, id := range oddIDs {
		for _, target := range []string{
			"/v1/events/" + url.PathEscape(id),
			"/v1/events/" + everyByteEscaped(id) + "?application=shop",
			"/v1/events/-?application=shop&event_id=" + url.QueryEscape(id),
		} {
			// A client library may clean a path of dots; the service must not.
			if (id == "." || id == "..") && !strings.Contains(target, "event_id") {
				target = "/v1/events/" + everyByteEscaped(id)
			}
			status, got := fx.get(operator, target)
			if status != http.StatusOK || got.EventID != id || got.item.Status != "stored" {
				t.Errorf("%q by %s: %d %s", id, target, status, got.raw)
			}
		}
		status, got := fx.get(operator, "/v1/events?event_id="+url.QueryEscape(id))
		if status != http.StatusOK || len(got.Events) != 1 || got.Events[0].EventID != id {
			t.Errorf("%q by parameter: %d %s", id, status, got.raw)
		}
	}
	for target, want := range map[string]int{
		"/v1/events/a/b":                              http.StatusNotFound, // two segments are no id
		"/v1/events/%ff":                              http.StatusBadRequest,
		"/v1/events/" + strings.Repeat("x", 201):      http.StatusBadRequest,
		"/v1/events/" + strings.Repeat("%C3%A9", 201): http.StatusBadRequest,
		"/v1/events/%252F":                            http.StatusOK,       // unescaped once: %2F
		"/v1/events/%25252F":                          http.StatusNotFound, // and not twice
	} {
		if resp, body := fx.do(http.MethodGet, operator, target); resp.StatusCode != want {
			t.Errorf("%s: %d, want %d: %s", target, resp.StatusCode, want, body)
		}
	}
}

func everyByteEscaped(s string) string {
	const digits = "0123456789abcdef"
	var b strings.Builder
	for i := range len(s) {
		b.WriteByte('%')
		b.WriteByte(digits[s[i]>>4])
		b.WriteByte(digits[s[i]&15])
	}
	return b.String()
}

func TestFindsRejectedEventByID(t *testing.T) {
	fx := newFixtureOnMongo(t)
	raw := `{"event_id": "bad", "session_id": "` + aSession + `", "category": "c", "name": 1, "timestamp": "2026-01-01T00:00:00Z"}`
	fx.putEvents("shop", time.Now(), raw)
	status, got := fx.get(shopOnly, "/v1/events/bad")
	if status != http.StatusOK || got.item.Status != "rejected" || got.Original != raw || len(got.Errors) != 2 {
		t.Errorf("%d %s", status, got.raw)
	}
	if got.Timestamp == "" || got.Data != nil {
		t.Errorf("valid members stay, others are absent: %s", got.raw)
	}
}

// An event is unknown only if it is neither stored nor pending.
func TestFindsPendingEvent(t *testing.T) {
	fx := newFixtureOnMongo(t)
	received := time.Date(2026, 1, 1, 0, 0, 0, 123456789, time.UTC)
	fx.publish("shop", received, anEvent("other", aSession, "c", "n", "2026-01-01T00:00:00Z"))
	fx.publish("blog", received, anEvent("blog's", aSession, "c", "n", "2026-01-01T00:00:00Z"))
	odd := "a/b\r\n* > ."
	seq := fx.publish("shop", received, anEvent(odd, aSession, "c", "n", "2026-01-01T00:00:00Z"))
	fx.publish("shop", received.Add(time.Second), anEvent(odd, aSession, "c", "n", "2026-01-01T00:00:00Z"))
	fx.publish("shop", received, `{"session_id":"`+aSession+`"}`) // an id is derived

	for _, application := range []string{"", "?application=shop"} {
		status, got := fx.get(operator, "/v1/events/"+url.PathEscape(odd)+application)
		if status != http.StatusOK || got.item.Status != "pending" || got.EventID != odd || got.Application != "shop" ||
			got.ReceivedAt != "2026-01-01T00:00:00.123000Z" || got.Origin.Seq != seq || got.Origin.Epoch == 0 {
			t.Errorf("%q: %d %s", application, status, got.raw)
		}
	}
	derived := fx.document("shop", received, `{"session_id":"`+aSession+`"}`)
	if status, got := fx.get(operator, "/v1/events/"+derived.EventID); status != http.StatusOK || got.item.Status != "pending" {
		t.Errorf("derived id: %d %s", status, got.raw)
	}
	for target, want := range map[string]int{
		"/v1/events/unknown":                                   http.StatusNotFound,
		"/v1/events/blog%27s":                                  http.StatusNotFound, // not for this token
		"/v1/events/" + url.PathEscape(odd):                    http.StatusOK,
		"/v1/events/" + url.PathEscape(odd) + "?application=x": http.StatusForbidden,
	} {
		if status, got := fx.get(shopOnly, target); status != want {
			t.Errorf("%s: %d %s, want %d", target, status, got.raw, want)
		}
	}
}

func TestPendingInTwoApplicationsIsAmbiguous(t *testing.T) {
	fx := newFixtureOnMongo(t)
	fx.publish("shop", time.Now(), anEvent("x", aSession, "c", "n", "2026-01-01T00:00:00Z"))
	fx.publish("blog", time.Now(), anEvent("x", aSession, "c", "n", "2026-01-01T00:00:00Z"))
	if status, got := fx.get(operator, "/v1/events/x"); status != http.StatusConflict || got.Code != "ambiguous_event" {
		t.Errorf("%d %s", status, got.raw)
	}
	if status, got := fx.get(operator, "/v1/events/x?application=blog"); status != http.StatusOK || got.Application != "blog" {
		t.Errorf("%d %s", status, got.raw)
	}
}
