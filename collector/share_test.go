package collector

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/registry"
)

// dialHalf opens a connection and sends the beginning of a request on it.
func (f *fixture) dialHalf(key, headers, body string) net.Conn {
	f.t.Helper()
	conn, err := net.Dial("tcp", f.service.Addr().String())
	f.noError(err)
	f.t.Cleanup(func() { _ = conn.Close() })
	_, err = fmt.Fprintf(conn, "POST /v1/events HTTP/1.1\r\nHost: eye\r\nX-Write-Key: %s\r\n%s%s", key, headers, body)
	f.noError(err)
	return conn
}

// sendHonest sends events of an application beside an attack. Every request must
// be accepted, a large one among them.
func (f *fixture) sendHonest(key string) {
	f.t.Helper()
	large := append(click("large"), bytes.Repeat([]byte(" "), maxBody-1000)...)
	for i := range 40 {
		body := clicks(fmt.Sprintf("honest-%d", i), 50)
		switch i % 8 {
		case 5:
			body = gzipped(body)
		case 7:
			body = large
		}
		if r := f.send(api.PathEvents, body, "X-Write-Key", key); r.status != http.StatusAccepted {
			f.t.Errorf("request %d of an honest client: %d %.300s", i, r.status, r.text)
		}
	}
}

// What one write key sends and does not end leaves room for every other key.
func TestNoKeyStarvesAnother(t *testing.T) {
	const half8MB = "Content-Length: 8388608\r\n\r\n"
	for name, attack := range map[string]func(f *fixture, i int){
		"half-sent bodies": func(f *fixture, i int) {
			length := []int{maxBody, 1 << 20, 100 << 10}[i%3]
			f.dialHalf(serverKey, fmt.Sprintf("Content-Length: %d\r\n\r\n", length), "{")
		},
		"half-sent chunked bodies": func(f *fixture, _ int) {
			f.dialHalf(serverKey, "Transfer-Encoding: chunked\r\n\r\n", fmt.Sprintf("100000\r\n%s", strings.Repeat(" ", 300<<10)))
		},
		"half-sent compressed bodies": func(f *fixture, _ int) {
			f.dialHalf(serverKey, "Content-Encoding: gzip\r\n"+half8MB, "\x1f\x8b")
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			for i := range 70 {
				attack(f, i)
			}
			for range 400 { // and other connections of all kinds
				f.dialHalf(serverKey, "Content-Length: 100\r\n\r\n", "{")
				f.dialHalf(serverKey, "X-Half-A-Hea", "")
				f.dialHalf("unknown", half8MB, "{")
			}
			f.waitUntil("the attack holds memory", func() bool { return f.service.bodies.budget.Used() > 8<<20 })
			f.sendHonest(otherKey)
		})
	}
}

// Small bodies of a key do not wait for its own large ones, which hold its share.
func TestLargeBodiesLeaveRoomForSmallOnesOfTheirKey(t *testing.T) {
	f := newFixture(t)
	for range 70 {
		f.dialHalf(shopKey, "Content-Length: 8388608\r\n\r\n", "{")
	}
	f.waitUntil("the share is taken", func() bool { return f.service.bodies.budget.Used() > 80<<20 })
	for i := range 50 {
		r := f.send(api.PathEvents, clicks(fmt.Sprint(i), 20), "X-Write-Key", shopKey, "Origin", shopOrigin)
		if r.status != http.StatusAccepted {
			t.Errorf("request %d: %d %.300s", i, r.status, r.text)
		}
	}
}

// A key that may send one event a second cannot hold memory for more than its
// largest request, in each part of the budget.
func TestLimitedKeyHoldsLittle(t *testing.T) {
	limited := func(events, bytes int64) registry.Key {
		return registry.Key{KeySettings: registry.KeySettings{EventsPerSecond: events, BytesPerSecond: bytes}}
	}
	for _, c := range []struct {
		key  registry.Key
		want int64
	}{
		{limited(1, 0), 2 * (maxBody + 1)},
		{limited(0, 1), 2 * (maxBody + 1)},
		{limited(1, 1<<62), 2 * (maxBody + 1)},
		{limited(100_000, 0), 100_000 * firstRead},
		{limited(0, 100<<20), 200 << 20},
		{limited(100_000, 10<<20), 20 << 20},
	} {
		if got := maxHeld(c.key); got != c.want {
			t.Errorf("%d events and %d bytes a second may hold %d bytes, want %d", c.key.EventsPerSecond, c.key.BytesPerSecond, got, c.want)
		}
	}
	for _, k := range []registry.Key{{}, limited(1<<62, 0), limited(0, 1<<62)} {
		if got := maxHeld(k); got < 1<<40 {
			t.Errorf("%+v may hold %d bytes", k.KeySettings, got)
		}
	}
}

// The memory that a body claims is reserved before it is read. One over the
// share of its key is answered 503 with the cure, and takes nothing.
func TestBodyBudget(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.Limits.BodyBytes = minBodyBytes })
	held := f.service.bodies.budget.Used
	conn := f.dialHalf(serverKey, fmt.Sprintf("Content-Length: %d\r\n\r\n", maxBody), "{")
	f.waitUntil("the body is reserved", func() bool { return held() == maxBody+1 })
	f.dialHalf(serverKey, fmt.Sprintf("Content-Length: %d\r\n\r\n", maxBody), "{")
	f.waitUntil("the second is reserved", func() bool { return held() == 2*(maxBody+1) })
	body := bytes.Repeat([]byte(" "), maxBody)
	r := f.send(api.PathEvents, body)
	r.wantProblem(t, http.StatusServiceUnavailable, api.CodeOverloaded)
	if !strings.Contains(r.Detail, "write key") || !strings.Contains(r.Detail, "fewer at a time") {
		t.Errorf("the detail %q has no cure", r.Detail)
	}
	if r := f.send(api.PathEvents, clicks("small", 100)); r.Accepted != 100 {
		t.Errorf("a small one beside: %d %.300s", r.status, r.text)
	}
	if r := f.send(api.PathEvents, body, "X-Write-Key", otherKey); r.Code != api.CodeEmptyBody {
		t.Errorf("a large one of another key: %d %.300s", r.status, r.text)
	}
	_, err := conn.Write(body[1:])
	f.noError(err)
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil || !strings.Contains(line, "400") {
		t.Errorf("answer %q (%v)", line, err)
	}
	f.waitUntil("its memory is released", func() bool { return held() == maxBody+1 })
}

// watchingWriter is a client that notes the memory held while it gets its answer.
type watchingWriter struct {
	*httptest.ResponseRecorder
	held func() int64
	most int64
}

func (w *watchingWriter) Write(p []byte) (int, error) {
	w.most = max(w.most, w.held())
	return w.ResponseRecorder.Write(p)
}

// A client that is slow to read its answer holds no memory of its body.
func TestAnswerHoldsNoBody(t *testing.T) {
	f := newFixture(t)
	for _, path := range []string{api.PathEvents, api.PathValidate} {
		w := &watchingWriter{ResponseRecorder: httptest.NewRecorder(), held: f.service.bodies.budget.Used}
		r := httptest.NewRequest(http.MethodPost, path, bytes.NewReader(clicks("held", 1000)))
		r.Header.Set("X-Write-Key", serverKey)
		f.service.Handler().ServeHTTP(w, r)
		if w.Code/100 != 2 || w.most != 0 {
			t.Errorf("%s: answer %d, %d bytes are held", path, w.Code, w.most)
		}
	}
}

// A body far behind gives way to another of its key: it is answered 503, and its
// memory serves the next.
func TestStalledBodiesGiveWay(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.Limits.BodyBytes = minBodyBytes })
	stalled := make([]net.Conn, 2)
	for i := range stalled {
		stalled[i] = f.dialHalf(serverKey, "Content-Length: 8388608\r\n\r\n", "{")
	}
	f.waitUntil("they hold the share", func() bool { return f.service.bodies.budget.Used() == 2*(maxBody+1) })
	body := append(click("next"), bytes.Repeat([]byte(" "), maxBody-1000)...)
	f.waitUntil("one gives way", func() bool { return f.send(api.PathEvents, body).status == http.StatusAccepted })
	answers := make(chan string, len(stalled))
	for _, conn := range stalled {
		_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
		go func() {
			line, _ := bufio.NewReader(conn).ReadString('\n')
			answers <- strings.TrimSpace(line)
		}()
	}
	if got := <-answers; got != "HTTP/1.1 503 Service Unavailable" {
		t.Errorf("the body that gave way is answered %q", got)
	}
}
