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

// keyJSON is a write key in a record of the registry.
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
func (f *fixture) putKeys(application string, keys ...keyJSON) {
	f.t.Helper()
	kv, err := f.js.KeyValue(f.ctx(), stream.BucketApplications)
	f.noError(err)
	record, err := json.Marshal(map[string]any{"keys": keys})
	f.noError(err)
	before := f.service.currentAccess()
	_, err = kv.Put(f.ctx(), application, record)
	f.noError(err)
	f.waitUntil("the application is known", func() bool { return f.service.currentAccess() != before })
}

const limitedKey = "key-of-the-limited-site"

// newLimitedFixture returns a fixture with a manual clock and a limited key.
func newLimitedFixture(t *testing.T, events, bytes int64) (*fixture, *manualClock) {
	t.Helper()
	clock := newManualClock()
	f := newFixture(t, func(c *Config) { c.Now = clock.Now })
	f.putLimitedKey(events, bytes)
	return f, clock
}

func (f *fixture) putLimitedKey(events, bytes int64) {
	f.t.Helper()
	f.putKeys("limited", keyJSON{
		SHA256: sha256Hex(limitedKey), Kind: registry.Browser, Origins: []string{shopOrigin}, Events: events, Bytes: bytes,
	})
}

// sendLimited posts a body with the limited key from its page.
func (f *fixture) sendLimited(path string, body []byte, headers ...string) answer {
	f.t.Helper()
	return f.send(path, body, append([]string{"X-Write-Key", limitedKey, "Origin", shopOrigin}, headers...)...)
}

// wantPassed checks that a request was within the limits.
func (r answer) wantPassed(t *testing.T) {
	t.Helper()
	if r.status/100 != 2 {
		t.Errorf("answer %d %s", r.status, r.text)
	}
}

// wantLimited checks that a request was over a limit, and that its page can read
// how long to wait.
func (r answer) wantLimited(t *testing.T, seconds int) {
	t.Helper()
	r.wantProblem(t, http.StatusTooManyRequests, api.CodeRateLimited)
	if got := r.header.Get("Retry-After"); got != strconv.Itoa(seconds) {
		t.Errorf("Retry-After %q, want %d", got, seconds)
	}
	if r.header.Get("Access-Control-Allow-Origin") != shopOrigin ||
		r.header.Get("Access-Control-Expose-Headers") != "Retry-After" {
		t.Errorf("the page cannot read the answer: %v", r.header)
	}
}

func TestLimitsEventsPerSecond(t *testing.T) {
	f, clock := newLimitedFixture(t, 10, 0)
	f.sendLimited(api.PathEvents, clicks("a", 990)).wantPassed(t)
	before := f.messageCount()
	f.sendLimited(api.PathEvents, clicks("b", 35)).wantLimited(t, 3) // 25 tokens are missing
	f.sendLimited(api.PathEvents, clicks("c", 35)).wantLimited(t, 3)
	f.sendLimited(api.PathValidate, clicks("d", 35)).wantLimited(t, 3)
	if got := f.messageCount(); got != before {
		t.Errorf("%d events of requests over the limit are stored", got-before)
	}
	f.sendLimited(api.PathValidate, clicks("e", 5)).wantPassed(t)
	f.sendLimited(api.PathEvents, clicks("f", 5)).wantPassed(t)
	f.sendLimited(api.PathEvents, click("g")).wantLimited(t, 1)

	// The limits of a key do not affect other keys.
	f.send(api.PathEvents, clicks("h", 1000)).wantPassed(t)
	clock.advance(3 * time.Second)
	f.sendLimited(api.PathEvents, clicks("i", 30)).wantPassed(t)
	if got := f.counterValue("eye_collector_rate_limited_total", limitEvents); got != 4 {
		t.Errorf("%v requests are counted as limited, want 4", got)
	}
}

// The limit counts decompressed bytes: compression does not extend it.
func TestLimitsBytesPerSecond(t *testing.T) {
	f, clock := newLimitedFixture(t, 0, 1<<20)
	body := append(bytes.Repeat([]byte{' '}, 6<<20), click("a")...)
	f.sendLimited(api.PathEvents, gzipped(body)).wantPassed(t)
	f.sendLimited(api.PathEvents, gzipped(body)).wantLimited(t, 5) // 2 MiB of 8 are left, less the event twice
	f.sendLimited(api.PathEvents, body).wantLimited(t, 5)
	f.sendLimited(api.PathEvents, click("b")).wantPassed(t)
	clock.advance(5 * time.Second)
	f.sendLimited(api.PathEvents, gzipped(body)).wantPassed(t)
	if got := f.counterValue("eye_collector_rate_limited_total", limitBytes); got != 2 {
		t.Errorf("%v requests are counted as limited, want 2", got)
	}
}

// An event may be in the query: that costs what a body of its size does.
func TestLimitCountsBytesOfTheQuery(t *testing.T) {
	f, _ := newLimitedFixture(t, 0, 1)
	f.sendLimited(api.PathValidate, append(bytes.Repeat([]byte{' '}, maxBody-len(click("a"))-30_000), click("a")...)).wantPassed(t)
	query := "?q=" + strings.Repeat("x", 20_000)
	f.sendLimited(api.PathValidate+query, click("b")).wantPassed(t)
	f.sendLimited(api.PathValidate+query, click("c")).wantProblem(t, http.StatusTooManyRequests, api.CodeRateLimited)
	f.sendLimited(api.PathValidate, click("d")).wantPassed(t)
}

// A body that compression made larger costs its decompressed size.
func TestLimitCountsDecompressedBytes(t *testing.T) {
	f, _ := newLimitedFixture(t, 0, 1)
	var compressed bytes.Buffer
	z, err := gzip.NewWriterLevel(&compressed, gzip.NoCompression)
	f.noError(err)
	body := click("a")
	_, err = z.Write(body)
	f.noError(err)
	f.noError(z.Close())
	f.sendLimited(api.PathValidate, append(bytes.Repeat([]byte{' '}, maxBody-2*len(body)), body...)).wantPassed(t)
	f.sendLimited(api.PathValidate, compressed.Bytes(), "Content-Encoding", "gzip").wantPassed(t)
	f.sendLimited(api.PathValidate, []byte("1")).wantLimited(t, 1)
}

// A request that fails costs nothing, so that its repetition is within the limits.
func TestFailedRequestsCostNothing(t *testing.T) {
	f, _ := newLimitedFixture(t, 1, 0)
	for range 3 {
		f.sendLimited(api.PathEvents, append(clicks("a", 900), '}')).wantProblem(t, http.StatusBadRequest, "invalid_json")
	}
	f.nats.Shutdown()
	for range 3 {
		if r := f.sendLimited(api.PathEvents, clicks("a", 900)); r.status != http.StatusServiceUnavailable {
			t.Errorf("without NATS: %d %s", r.status, r.text)
		}
	}
	f.nats.Restart()
	f.waitUntil("the stream is available again", func() bool { return f.service.checkStream() == nil })
	f.sendLimited(api.PathValidate, clicks("a", 1000)).wantPassed(t)
	f.sendLimited(api.PathValidate, click("b")).wantLimited(t, 1)
}

// Limits follow the registry; a change does not refill the tokens of a key.
func TestLimitsFollowTheRegistry(t *testing.T) {
	f, clock := newLimitedFixture(t, 10, 0)
	f.sendLimited(api.PathEvents, clicks("a", 1000)).wantPassed(t)
	f.putKeys("another", keyJSON{SHA256: sha256Hex("another"), Kind: registry.Server, Bytes: 1})
	f.sendLimited(api.PathEvents, clicks("b", 40)).wantLimited(t, 1) // the wait until one event may pass
	f.putLimitedKey(500, 0)
	f.sendLimited(api.PathEvents, clicks("c", 40)).wantLimited(t, 1)
	clock.advance(time.Second)
	f.sendLimited(api.PathEvents, clicks("c", 500)).wantPassed(t)
	f.putLimitedKey(1, 7)
	f.wantLimiters(keyID{"limited", sha256Hex(limitedKey)[:12]}, keyID{"another", sha256Hex("another")[:12]})
	f.putLimitedKey(0, 0)
	for range 3 {
		f.sendLimited(api.PathEvents, clicks("d", 1000)).wantPassed(t)
	}
	f.wantLimiters(keyID{"another", sha256Hex("another")[:12]})
	f.putLimitedKey(2, 0)
	f.sendLimited(api.PathEvents, clicks("e", 1000)).wantPassed(t)
	f.sendLimited(api.PathEvents, click("f")).wantLimited(t, 1)
}

// wantLimiters checks that exactly these keys have a limiter.
func (f *fixture) wantLimiters(want ...keyID) {
	f.t.Helper()
	order := func(a, b keyID) int { return strings.Compare(a.application, b.application) }
	slices.SortFunc(want, order)
	if got := slices.SortedFunc(maps.Keys(f.service.limiters.currentTable().limiters), order); !slices.Equal(got, want) {
		f.t.Errorf("limiters of %v, want %v", got, want)
	}
}

// A key over its limits is refused before it sends its body, and the body is not
// read into memory.
func TestExceededKeyNeedNotSendItsBody(t *testing.T) {
	f, _ := newLimitedFixture(t, 1, 0)
	f.sendLimited(api.PathEvents, clicks("a", 1000)).wantPassed(t)
	conn := f.dialServer()
	_, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: eye\r\nX-Write-Key: %s\r\nContent-Length: 8000000\r\nExpect: 100-continue\r\n\r\n",
		api.PathEvents, limitedKey)
	f.noError(err)
	status, err := bufio.NewReader(conn).ReadString('\n')
	if f.noError(err); !strings.Contains(status, " 429 ") {
		t.Errorf("answer %q", status)
	}
	f.waitUntil("no memory is held for bodies", func() bool { return f.service.bodies.budget.Used() == 0 })
}

// A client that sends its whole body first gets to read the answer, because the
// server reads and discards the body.
func TestExceededKeyMaySendItsBody(t *testing.T) {
	f, _ := newLimitedFixture(t, 1, 0)
	f.sendLimited(api.PathEvents, clicks("a", 1000)).wantPassed(t)
	conn := f.dialServer()
	_, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: eye\r\nX-Write-Key: %s\r\nContent-Length: %d\r\n\r\n%s",
		api.PathEvents, limitedKey, maxBody, bytes.Repeat([]byte{' '}, maxBody))
	f.noError(err)
	status, err := bufio.NewReader(conn).ReadString('\n')
	if f.noError(err); !strings.Contains(status, " 429 ") {
		t.Errorf("answer %q", status)
	}
}

// An expired key is refused from the moment of its expiry, on every path.
func TestRefusesExpiredKeys(t *testing.T) {
	clock := newManualClock()
	f := newFixture(t, func(c *Config) { c.Now = clock.Now })
	f.putKeys("limited", keyJSON{
		SHA256: sha256Hex(limitedKey), Kind: registry.Browser, Origins: []string{shopOrigin}, ExpiresAt: clock.Now().Add(time.Hour),
	})
	f.sendLimited(api.PathEvents, click("a")).wantPassed(t)
	clock.advance(time.Hour - 1)
	f.sendLimited(api.PathEvents, click("b")).wantPassed(t)
	before := f.messageCount()
	for range 2 {
		clock.advance(1)
		f.sendLimited(api.PathEvents, click("c")).wantProblem(t, http.StatusForbidden, api.CodeKeyExpired)
		f.sendLimited(api.PathValidate, click("c")).wantProblem(t, http.StatusForbidden, api.CodeKeyExpired)
	}
	if f.messageCount() != before {
		t.Error("an event of an expired key is stored")
	}
	f.send(api.PathEvents, click("d")).wantPassed(t)
}

// counterValue returns the counter with a value of its first label.
func (f *fixture) counterValue(name, label string) float64 {
	f.t.Helper()
	families, err := f.metrics.Gather()
	f.noError(err)
	for _, family := range families {
		for _, m := range family.GetMetric() {
			if family.GetName() == name && m.GetLabel()[0].GetValue() == label {
				return m.GetCounter().GetValue()
			}
		}
	}
	return 0
}
