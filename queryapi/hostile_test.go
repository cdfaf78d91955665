package queryapi_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Hostile query parameters are refused or compared literally, on every call; they
// never become an operator of a database.
func TestRejectsHostileParameters(t *testing.T) {
	fx := newFixture(t)
	fx.putEvents("shop", time.Now(), anEvent("x", aSession, "c", "n", "2026-01-01T00:00:00Z"), `{"event_id":"r"}`)
	refused := []string{
		"session_id[$ne]=", "session_id%5B%24ne%5D=x", "filter=$where=1", "filter=data.path%3D%2F&filter=data", "$where=1", "category[$regex]=.",
		"limit=-1", "limit=0", "limit=1e9", "limit=NaN", "limit=1001", "limit=1&limit=2", "limit=%00", "limit=%zz", "a;b=c",
		"from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "from=%7B%22%24gt%22%3A%22%22%7D", "application[]=shop",
		"application=%7B%22%24ne%22%3A1%7D", "cursor=x", "cursor=%7B%7D", "order=1%3Bdrop", "unknown=1", "Category=c",
		"limit=" + strings.Repeat("1", 10_000), strings.Repeat("limit=1&", 2_500),
	}
	for _, path := range []string{"/v1/events", "/v1/events/x", "/v1/sessions/" + aSession, "/v1/rejected", "/v1/rejected/summary"} {
		for _, query := range refused {
			status, got := fx.get(operator, path+"?"+query)
			if status != http.StatusBadRequest || got.Code == "" {
				t.Errorf("%s?%.60s: %d %.200s", path, query, status, got.raw)
			}
		}
	}
	for _, query := range []string{"path=/x", "path=", "code=x&path=x", "code=x&path=$ne", "code=x&path=/" + strings.Repeat("x", 4<<10)} {
		if status, got := fx.get(operator, "/v1/rejected?"+query); status != http.StatusBadRequest || got.Code != "invalid_parameter" {
			t.Errorf("%.60s: %d %.200s", query, status, got.raw)
		}
	}
	// A parameter of one call is refused by another.
	for _, target := range []string{
		"/v1/events?code=x", "/v1/events?path=/x", "/v1/rejected/summary?path=/x", "/v1/events/x?limit=1", "/v1/events/x?session_id=" + aSession, "/v1/sessions/" + aSession + "?order=desc",
		"/v1/sessions/" + aSession + "?from=2026-01-01T00:00:00Z", "/v1/rejected/summary?order=desc", "/v1/rejected/summary?cursor=x",
	} {
		if status, got := fx.get(operator, target); status != http.StatusBadRequest || got.Code != "unknown_parameter" {
			t.Errorf("%s: %d %s", target, status, got.raw)
		}
	}
	for _, query := range []string{
		"category=%7B%22%24ne%22%3Anull%7D", "name=%24where", "event_id=%7B%24gt%3A1%7D", "category=.*", "category=%00", "name=c%27+OR+1%3D1--",
		"category=%25", "name=_", "event_id=" + strings.Repeat("%F0%9F%91%81", 200), "category=c%00",
	} {
		for _, path := range []string{"/v1/events", "/v1/rejected"} {
			status, got := fx.get(operator, path+"?"+query)
			if status != http.StatusOK || len(got.Events) != 0 {
				t.Errorf("%s?%s matched: %d %s", path, query, status, got.raw)
			}
		}
	}
}

// Requests that no client library makes: each is answered or closed, and the
// service keeps serving.
func TestSurvivesHostileRequests(t *testing.T) {
	fx := newFixture(t)
	addr := fx.service.Addr().String()
	for _, request := range []string{
		"GET /v1/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \x1b[31m\x00\r\n\r\n",
		"GET /v1/events?\x1b[31m HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"GET http://[::1/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"GET //v1/events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
		"GET /v1/events/%zz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
		"GET /v1/../v1/events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
		"GET /v1/events HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 1.2.3.4\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello",
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
	} {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Fprint(conn, request); err != nil {
			t.Fatal(err)
		}
		_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Errorf("%q: %v", request, err)
		} else {
			if resp.StatusCode < 400 {
				t.Errorf("%q: %d", request, resp.StatusCode)
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
		_ = conn.Close()
	}
	if status, _ := fx.get(operator, "/v1/events"); status != http.StatusOK {
		t.Errorf("%d", status)
	}
}
