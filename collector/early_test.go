package collector

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/theeye/theeye/shared/api"
)

// writeThenRead sends a request as a whole before it reads the answer, as
// Python's urllib does. It returns the status.
func (f *fixture) writeThenRead(head string, body []byte) (int, error) {
	conn, err := net.Dial("tcp", f.service.Addr().String())
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	if _, err := io.Copy(conn, io.MultiReader(bytes.NewReader([]byte(head)), bytes.NewReader(body))); err != nil {
		return 0, fmt.Errorf("before the answer: %w", err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}

// A client that sends its whole body before it reads gets every early answer.
func TestEarlyAnswersAreRead(t *testing.T) {
	f := newFixture(t)
	for name, c := range map[string]struct {
		line, headers string
		size, want    int
	}{
		"no key":           {"POST /v1/events", "", 9e6, 401},
		"unknown key":      {"POST /v1/events", "X-Write-Key: unknown\r\n", 9e6, 401},
		"token as key":     {"POST /v1/validate", "Authorization: Bearer " + token + "\r\n", 9e6, 401},
		"disabled key":     {"POST /v1/events", "X-Write-Key: " + disabledKey + "\r\n", 9e6, 403},
		"unlisted origin":  {"POST /v1/events", "X-Write-Key: " + shopKey + "\r\nOrigin: https://x.example\r\n", 9e6, 403},
		"unknown path":     {"POST /v1/nothing", "", 9e6, 404},
		"unknown method":   {"PUT /v1/events", "", 9e6, 405},
		"health":           {"POST /healthz", "", 9e6, 405},
		"too large":        {"POST /v1/events", "X-Write-Key: " + serverKey + "\r\n", 9e6, 413},
		"far too large":    {"POST /v1/events", "X-Write-Key: " + serverKey + "\r\n", 40e6, 413},
		"unknown encoding": {"POST /v1/events", "X-Write-Key: " + serverKey + "\r\nContent-Encoding: br\r\n", 7e6, 415},
		"several keys":     {"POST /v1/events", "X-Write-Key: a\r\nAuthorization: Bearer b\r\n", 5e6, 400},
	} {
		t.Run(name, func(t *testing.T) {
			head := fmt.Sprintf("%s HTTP/1.1\r\nHost: eye\r\n%sContent-Length: %d\r\n\r\n", c.line, c.headers, c.size)
			for range 3 {
				if status, err := f.writeThenRead(head, make([]byte, c.size)); err != nil || status != c.want {
					t.Errorf("status %d, %v; want %d", status, err, c.want)
				}
			}
		})
	}
}

// A full disk and a stopped committer answer 503 before or behind the body.
func TestUnavailableIsRead(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.Guard = func() error { return net.ErrClosed } })
	head := fmt.Sprintf("%sContent-Length: %d\r\n\r\n", postHead, 7_000_000)
	if status, err := f.writeThenRead(head, make([]byte, 7e6)); err != nil || status != http.StatusServiceUnavailable {
		t.Errorf("status %d, %v", status, err)
	}
}

// All spellings of a path are one route, and one time series.
func TestSpellingsOfAPathAreOneRoute(t *testing.T) {
	f := newFixture(t)
	for i, path := range []string{
		"/v1/events", "/v1/events/", "//v1/events", "/v1/%65vents", "/v1/./events", "/v1/%2e/events", "/v1//events//",
		"/x/../v1/events", "/%2E%2E/v1/events", "/v1/events/?write_key=",
	} {
		if r := f.send(path, click(fmt.Sprint(i))); r.Accepted != 1 {
			t.Errorf("%s: %d %s", path, r.status, r.text)
		}
		if r := f.send(path, click("x"), "X-Write-Key", "unknown"); r.status == http.StatusAccepted {
			t.Errorf("%s accepts an unknown key", path)
		}
	}
	if n := f.messageCount(); n != 10 {
		t.Errorf("%d events are stored", n)
	}
	if n := testutil.CollectAndCount(f.service.metrics.requestSeconds); n > 3 {
		t.Errorf("%d time series", n)
	}
	if r := f.send(api.PathEvents+"%2F", click("y")); r.status != http.StatusNotFound {
		t.Errorf("an escaped slash: %d", r.status)
	}
}
