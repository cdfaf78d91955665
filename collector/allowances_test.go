package collector

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/stream"
)

// keyJSON is a write key as a record of the registry has it.
type keyJSON struct {
	SHA256    string        `json:"sha256"`
	Kind      registry.Kind `json:"kind"`
	Origins   []string      `json:"origins,omitzero"`
	Disabled  bool          `json:"disabled,omitzero"`
	ExpiresAt time.Time     `json:"expires_at,omitzero"`
	Events    int64         `json:"events_per_second,omitzero"`
	Bytes     int64         `json:"bytes_per_second,omitzero"`
}

func sha256Hex(secret string) string {
	s := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(s[:])
}

// putKeys writes an application's record and waits until the service knows it.
func (w *fixture) putKeys(application string, keys ...keyJSON) {
	w.t.Helper()
	kv, err := w.js.KeyValue(w.ctx(), stream.BucketApplications)
	w.noError(err)
	record, err := json.Marshal(map[string]any{"keys": keys})
	w.noError(err)
	before := w.service.currentAccess()
	_, err = kv.Put(w.ctx(), application, record)
	w.noError(err)
	w.waitUntil("the application is known", func() bool { return w.service.currentAccess() != before })
}

const limitedKey = "key-of-the-limited-site"

// newLimitedFixture is a world with a clock of its own and a limited key.
func newLimitedFixture(t *testing.T, events, bytes int64) (*fixture, *manualClock) {
	t.Helper()
	clock := newManualClock()
	w := newFixture(t, func(c *Config) { c.Now = clock.Now })
	w.putLimitedKey(events, bytes)
	return w, clock
}

func (w *fixture) putLimitedKey(events, bytes int64) {
	w.t.Helper()
	w.putKeys("limited", keyJSON{
		SHA256: sha256Hex(limitedKey), Kind: registry.Browser, Origins: []string{shopOrigin}, Events: events, Bytes: bytes,
	})
}

// sendLimited sends a body with the limited key from its page.
func (w *fixture) sendLimited(path string, body []byte, headers ...string) answer {
	w.t.Helper()
	return w.send(path, body, append([]string{"X-Write-Key", limitedKey, "Origin", shopOrigin}, headers...)...)
}

// wantPassed checks an answer to a request that was not turned down.
func (r answer) wantPassed(t *testing.T) {
	t.Helper()
	if r.status/100 != 2 {
		t.Errorf("answer %d %s", r.status, r.text)
	}
}

// wantLimited checks an answer that tells a page to wait.
func (r answer) wantLimited(t *testing.T, seconds int) {
	t.Helper()
	r.wantProblem(t, http.StatusTooManyRequests, api.CodeRateLimited)
	if got := r.header.Get("Retry-After"); got != strconv.Itoa(seconds) {
		t.Errorf("Retry-After %q, want %d", got, seconds)
	}
	if r.header.Get("Access-Control-Allow-Origin") != shopOrigin ||
		r.header.Get("Access-Control-Expose-Headers") != "Retry-After" {
		t.Errorf("the page cannot read it: %v", r.header)
	}
}

func TestLimitsEventsPerSecond(t *testing.T) {
	w, clock := newLimitedFixture(t, 10, 0)
	w.sendLimited(api.PathEvents, clicks("a", 990)).wantPassed(t)
	before := w.messageCount()
	w.sendLimited(api.PathEvents, clicks("b", 35)).wantLimited(t, 3) // 25 are missing
	w.sendLimited(api.PathEvents, clicks("c", 35)).wantLimited(t, 3)
	w.sendLimited(api.PathValidate, clicks("d", 35)).wantLimited(t, 3)
	if got := w.messageCount(); got != before {
		t.Errorf("%d events of requests that were turned down are kept", got-before)
	}
	w.sendLimited(api.PathValidate, clicks("e", 5)).wantPassed(t)
	w.sendLimited(api.PathEvents, clicks("f", 5)).wantPassed(t)
	w.sendLimited(api.PathEvents, click("g")).wantLimited(t, 1)

	// Neither other keys nor wrong ones are in its way, or it in theirs.
	w.send(api.PathEvents, clicks("h", 1000)).wantPassed(t)
	clock.advance(3 * time.Second)
	w.sendLimited(api.PathEvents, clicks("i", 30)).wantPassed(t)
	if got := w.counterValue("eye_collector_rate_limited_total", limitEvents); got != 4 {
		t.Errorf("%v requests are counted as turned down, want 4", got)
	}
}

// Bytes are those of the body unpacked: packing does not stretch a limit.
func TestLimitsBytesPerSecond(t *testing.T) {
	w, clock := newLimitedFixture(t, 0, 1<<20)
	body := append(bytes.Repeat([]byte{' '}, 6<<20), click("a")...)
	w.sendLimited(api.PathEvents, gzipped(body)).wantPassed(t)
	w.sendLimited(api.PathEvents, gzipped(body)).wantLimited(t, 5) // 2 MiB are left of 8, less the event twice
	w.sendLimited(api.PathEvents, body).wantLimited(t, 5)
	w.sendLimited(api.PathEvents, click("b")).wantPassed(t)
	clock.advance(5 * time.Second)
	w.sendLimited(api.PathEvents, gzipped(body)).wantPassed(t)
	if got := w.counterValue("eye_collector_rate_limited_total", limitBytes); got != 2 {
		t.Errorf("%v requests are counted as turned down, want 2", got)
	}
}

// A body that packing made larger still costs what it holds.
func TestLimitCountsDecompressedBytes(t *testing.T) {
	w, _ := newLimitedFixture(t, 0, 1)
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.NoCompression)
	w.noError(err)
	body := click("a")
	_, err = z.Write(body)
	w.noError(err)
	w.noError(z.Close())
	w.sendLimited(api.PathValidate, append(bytes.Repeat([]byte{' '}, maxBody-2*len(body)), body...)).wantPassed(t)
	w.sendLimited(api.PathValidate, packed.Bytes(), "Content-Encoding", "gzip").wantPassed(t)
	w.sendLimited(api.PathValidate, []byte("1")).wantLimited(t, 1)
}

// A request that is answered without a claim costs nothing, so that sending it
// again finds room.
func TestFailedRequestsCostNothing(t *testing.T) {
	w, _ := newLimitedFixture(t, 1, 0)
	for range 3 {
		w.sendLimited(api.PathEvents, append(clicks("a", 900), '}')).wantProblem(t, http.StatusBadRequest, "invalid_json")
	}
	w.nats.Shutdown()
	for range 3 {
		if r := w.sendLimited(api.PathEvents, clicks("a", 900)); r.status != http.StatusServiceUnavailable {
			t.Errorf("without NATS: %d %s", r.status, r.text)
		}
	}
	w.nats.Restart()
	w.waitUntil("the stream is back", func() bool { return w.service.checkStream() == nil })
	w.sendLimited(api.PathValidate, clicks("a", 1000)).wantPassed(t)
	w.sendLimited(api.PathValidate, click("b")).wantLimited(t, 1)
}

// Limits follow the registry; what a key has left does not start anew.
func TestLimitsFollowTheRegistry(t *testing.T) {
	w, clock := newLimitedFixture(t, 10, 0)
	w.sendLimited(api.PathEvents, clicks("a", 1000)).wantPassed(t)
	w.putKeys("another", keyJSON{SHA256: sha256Hex("another"), Kind: registry.Server, Bytes: 1})
	w.sendLimited(api.PathEvents, clicks("b", 40)).wantLimited(t, 1) // the least that may pass is one event
	w.putLimitedKey(500, 0)
	w.sendLimited(api.PathEvents, clicks("c", 40)).wantLimited(t, 1)
	clock.advance(time.Second)
	w.sendLimited(api.PathEvents, clicks("c", 500)).wantPassed(t)
	w.putLimitedKey(1, 7)
	w.wantLimiters(keyID{"limited", sha256Hex(limitedKey)[:12]}, keyID{"another", sha256Hex("another")[:12]})
	w.putLimitedKey(0, 0)
	for range 3 {
		w.sendLimited(api.PathEvents, clicks("d", 1000)).wantPassed(t)
	}
	w.wantLimiters(keyID{"another", sha256Hex("another")[:12]})
	w.putLimitedKey(2, 0)
	w.sendLimited(api.PathEvents, clicks("e", 1000)).wantPassed(t)
	w.sendLimited(api.PathEvents, click("f")).wantLimited(t, 1)
}

// wantLimiters checks that exactly these keys cost memory.
func (w *fixture) wantLimiters(want ...keyID) {
	w.t.Helper()
	order := func(a, b keyID) int { return strings.Compare(a.application, b.application) }
	slices.SortFunc(want, order)
	if got := slices.SortedFunc(maps.Keys(w.service.limiters.currentTable().limiters), order); !slices.Equal(got, want) {
		w.t.Errorf("allowances of %v, want %v", got, want)
	}
}

// A key that has nothing left is told so before it sends its body, and that is
// not read into memory.
func TestExceededKeyNeedNotSendItsBody(t *testing.T) {
	w, _ := newLimitedFixture(t, 1, 0)
	w.sendLimited(api.PathEvents, clicks("a", 1000)).wantPassed(t)
	conn, err := net.Dial("tcp", w.service.Addr().String())
	w.noError(err)
	defer func() { _ = conn.Close() }()
	w.noError(conn.SetDeadline(time.Now().Add(30 * time.Second)))
	_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: eye\r\nX-Write-Key: %s\r\nContent-Length: 8000000\r\nExpect: 100-continue\r\n\r\n",
		api.PathEvents, limitedKey)
	w.noError(err)
	status, err := bufio.NewReader(conn).ReadString('\n')
	if w.noError(err); !strings.Contains(status, " 429 ") {
		t.Errorf("answer %q", status)
	}
	w.waitUntil("no memory is held for bodies", func() bool { return w.service.bodies.budget.used.Load() == 0 })
}

// A client that sends its whole body first comes to read the answer: the body
// is taken off the line.
func TestExceededKeyMaySendItsBody(t *testing.T) {
	w, _ := newLimitedFixture(t, 1, 0)
	w.sendLimited(api.PathEvents, clicks("a", 1000)).wantPassed(t)
	conn, err := net.Dial("tcp", w.service.Addr().String())
	w.noError(err)
	defer func() { _ = conn.Close() }()
	w.noError(conn.SetDeadline(time.Now().Add(30 * time.Second)))
	_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: eye\r\nX-Write-Key: %s\r\nContent-Length: %d\r\n\r\n%s",
		api.PathEvents, limitedKey, maxBody, bytes.Repeat([]byte{' '}, maxBody))
	w.noError(err)
	status, err := bufio.NewReader(conn).ReadString('\n')
	if w.noError(err); !strings.Contains(status, " 429 ") {
		t.Errorf("answer %q", status)
	}
}

// An expired key says so, from its last moment on and on every path.
func TestRefusesExpiredKeys(t *testing.T) {
	clock := newManualClock()
	w := newFixture(t, func(c *Config) { c.Now = clock.Now })
	w.putKeys("limited", keyJSON{
		SHA256: sha256Hex(limitedKey), Kind: registry.Browser, Origins: []string{shopOrigin}, ExpiresAt: clock.Now().Add(time.Hour),
	})
	w.sendLimited(api.PathEvents, click("a")).wantPassed(t)
	clock.advance(time.Hour - 1)
	w.sendLimited(api.PathEvents, click("b")).wantPassed(t)
	before := w.messageCount()
	for range 2 {
		clock.advance(1)
		w.sendLimited(api.PathEvents, click("c")).wantProblem(t, http.StatusForbidden, api.CodeKeyExpired)
		w.sendLimited(api.PathValidate, click("c")).wantProblem(t, http.StatusForbidden, api.CodeKeyExpired)
	}
	if w.messageCount() != before {
		t.Error("an expired key writes")
	}
	w.send(api.PathEvents, click("d")).wantPassed(t)
}

// counterValue returns a counter by its first label.
func (w *fixture) counterValue(name, label string) float64 {
	w.t.Helper()
	families, err := w.metrics.Gather()
	w.noError(err)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name && m.GetLabel()[0].GetValue() == label {
				return m.GetCounter().GetValue()
			}
		}
	}
	return 0
}
