package collector

import (
	"bufio"
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/raced"
)

func TestRefusesBadEncodings(t *testing.T) {
	f := newFixture(t)
	var deflated bytes.Buffer
	z, err := flate.NewWriter(&deflated, 9)
	f.noError(err)
	_, _ = z.Write(click("d"))
	f.noError(z.Close())
	good := gzipped(click("z"))
	flipped := bytes.Clone(good)
	flipped[len(flipped)/2] ^= 0x10
	sum := bytes.Clone(good)
	sum[len(sum)-6] ^= 1
	size := bytes.Clone(good)
	size[len(size)-4] ^= 1
	for name, c := range map[string]struct {
		body     []byte
		encoding string
		status   int
		code     string
	}{
		"br":               {[]byte("\x8b\x03\x80{}\x03"), "br", 415, api.CodeUnsupportedEncoding},
		"deflate":          {deflated.Bytes(), "deflate", 415, api.CodeUnsupportedEncoding},
		"gzip twice":       {gzipped(good), "gzip, gzip", 415, api.CodeUnsupportedEncoding},
		"zstd":             {[]byte("\x28\xb5\x2f\xfd\x04"), "gzip, zstd", 415, api.CodeUnsupportedEncoding},
		"compressed twice": {gzipped(good), "gzip", 415, api.CodeUnsupportedEncoding},
		"not gzip":         {[]byte("\x00\x01{}"), "gzip", 400, api.CodeInvalidGzip},
		"text, not JSON":   {[]byte("category=a"), "gzip", 400, "invalid_json"},
		"empty":            {nil, "gzip", 400, api.CodeEmptyBody},
		"only the magic":   {good[:2], "-", 400, api.CodeInvalidGzip},
		"truncated":        {good[:len(good)-9], "-", 400, api.CodeInvalidGzip},
		"half a trailer":   {good[:len(good)-3], "gzip", 400, api.CodeInvalidGzip},
		"broken":           {flipped, "gzip", 400, api.CodeInvalidGzip},
		"wrong checksum":   {sum, "gzip", 400, api.CodeInvalidGzip},
		"wrong size":       {size, "gzip", 400, api.CodeInvalidGzip},
		"garbage behind":   {append(bytes.Clone(good), "garbage garbage garbage"...), "gzip", 400, api.CodeInvalidGzip},
	} {
		t.Run(name, func(t *testing.T) {
			r := f.send(api.PathEvents, c.body, "Content-Encoding", c.encoding)
			r.wantProblem(t, c.status, c.code)
			if c.status == http.StatusUnsupportedMediaType && r.header.Get("Accept-Encoding") != "gzip" {
				t.Errorf("Accept-Encoding %q", r.header.Get("Accept-Encoding"))
			}
		})
	}
	if n := f.messageCount(); n != 0 {
		t.Errorf("%d events are stored", n)
	}
	if got := f.service.bodies.budget.Used(); got != 0 {
		t.Errorf("%d bytes are still held", got)
	}
}

// The largest bodies are accepted, compressed or not, with and without
// Content-Length.
func TestAcceptsLargestBody(t *testing.T) {
	f := newFixture(t)
	part := `{"x": "` + strings.Repeat("y", 1<<20-64) + `"}`
	body := []byte("[" + strings.Repeat(part+",", 7) + part)
	body = append(body, bytes.Repeat([]byte(" "), maxBody-1-len(body))...)
	body = append(body, ']')
	for _, b := range [][]byte{body, gzipped(body)} {
		if r := f.send(api.PathEvents, b); r.Accepted != 8 {
			t.Fatalf("answer %d %.300s", r.status, r.text)
		}
		if r := f.send(api.PathEvents, append(bytes.Clone(body), ' ')); r.status != http.StatusRequestEntityTooLarge {
			t.Fatalf("one byte more: answer %d %.300s", r.status, r.text)
		}
	}
	if r := f.send(api.PathEvents, gzipped(append(body, ' '))); r.status != http.StatusRequestEntityTooLarge {
		t.Errorf("compressed, one byte more: answer %d %.300s", r.status, r.text)
	}
}

// gzipBomb returns a gzip file of about 200 KB that decompresses to 200 MB. With
// lie its trailer claims one byte.
func gzipBomb(lie bool) []byte {
	var b bytes.Buffer
	b.Write(gzipped(bytes.Repeat([]byte{' '}, 200<<20)))
	compressed := b.Bytes()
	if lie {
		copy(compressed[len(compressed)-4:], []byte{1, 0, 0, 0})
	}
	return compressed
}

func TestGzipBombsAreBounded(t *testing.T) {
	f := newFixture(t)
	// Garbage is collected in time on a loaded machine, too: the rest is in use.
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(384 << 20))
	for _, lie := range []bool{false, true} {
		compressed := gzipBomb(lie)
		stop := make(chan struct{})
		peak := make(chan uint64)
		go func() { peak <- peakHeap(stop) }()
		var wg sync.WaitGroup
		for range raced.Cases(200) {
			wg.Go(func() {
				r, err := f.trySend(api.PathEvents, compressed, "Content-Encoding", "gzip")
				if err != nil || r.status != http.StatusRequestEntityTooLarge || r.Code != api.CodeBodyTooLarge {
					t.Errorf("answer %d %s (%v)", r.status, r.text, err)
				}
			})
		}
		wg.Wait()
		close(stop)
		// The compressed bodies, those in the slots, and room for garbage.
		if got := <-peak; got > 512<<20 {
			t.Errorf("the heap grew to %d MiB", got>>20)
		}
	}
	if got := f.service.bodies.budget.Used(); got != 0 {
		t.Errorf("%d bytes are still held", got)
	}
}

// peakHeap samples the heap until stop is closed.
func peakHeap(stop <-chan struct{}) (peak uint64) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		peak = max(peak, m.HeapAlloc)
		select {
		case <-stop:
			return peak
		case <-tick.C:
		}
	}
}

// dialServer returns a connection that is closed at the end of the test.
func (f *fixture) dialServer() net.Conn {
	f.t.Helper()
	conn, err := net.Dial("tcp", f.service.Addr().String())
	f.noError(err)
	f.t.Cleanup(func() { _ = conn.Close() })
	f.noError(conn.SetDeadline(time.Now().Add(30 * time.Second)))
	return conn
}

// sendRaw sends text on its own connection and returns the first line of the
// answer, or "" if the connection was closed without an answer.
func (f *fixture) sendRaw(text string, halfClose bool) string {
	f.t.Helper()
	conn := f.dialServer()
	_, err := io.WriteString(conn, text)
	f.noError(err)
	if half, ok := conn.(*net.TCPConn); ok && halfClose {
		f.noError(half.CloseWrite())
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if late := net.Error(nil); errors.As(err, &late) && late.Timeout() {
		f.t.Errorf("read: %v", err)
	}
	return strings.TrimSpace(line)
}

const postHead = "POST /v1/events HTTP/1.1\r\nHost: eye\r\nX-Write-Key: " + serverKey + "\r\n"

func TestAnswersBrokenTransfers(t *testing.T) {
	// A short limit is for the cases that exceed it: on a busy machine others would, too.
	patient := newFixture(t)
	hasty := newFixture(t, func(c *Config) { c.Limits.BodyPace.Stall = 300 * time.Millisecond })
	for name, c := range map[string]struct {
		text      string
		halfClose bool
		want      string
	}{
		"short body":          {postHead + "Content-Length: 100\r\n\r\n{\"a\": 1}  ", true, "HTTP/1.1 400 Bad Request"},
		"slow body":           {postHead + "Content-Length: 100\r\n\r\n{\"a\": 1}  ", false, "HTTP/1.1 408 Request Timeout"},
		"slow chunks":         {postHead + "Transfer-Encoding: chunked\r\n\r\n8\r\n{\"a\": 1}\r\n", false, "HTTP/1.1 408 Request Timeout"},
		"bad chunk size":      {postHead + "Transfer-Encoding: chunked\r\n\r\nzz\r\n{\"a\": 1}\r\n0\r\n\r\n", false, "HTTP/1.1 400 Bad Request"},
		"bad chunk end":       {postHead + "Transfer-Encoding: chunked\r\n\r\n8\r\n{\"a\": 1}garbage", false, "HTTP/1.1 400 Bad Request"},
		"missing last chunk":  {postHead + "Transfer-Encoding: chunked\r\n\r\n8\r\n{\"a\": 1}\r\n", true, "HTTP/1.1 400 Bad Request"},
		"too large by header": {postHead + "Content-Length: 99999999\r\nExpect: 100-continue\r\n\r\n", false, "HTTP/1.1 413 Request Entity Too Large"},
		"slow and too large":  {postHead + "Content-Length: 99999999\r\n\r\n{}", false, "HTTP/1.1 413 Request Entity Too Large"},
		"no key, slow body":   {"POST /v1/events HTTP/1.1\r\nHost: eye\r\nContent-Length: 100\r\n\r\n{}", true, "HTTP/1.1 401 Unauthorized"},
		"gzip, slow":          {postHead + "Content-Encoding: gzip\r\nContent-Length: 100\r\n\r\n\x1f\x8b\x08", false, "HTTP/1.1 408 Request Timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			f := patient
			if strings.Contains(c.want, "408") {
				f = hasty
			}
			if got := f.sendRaw(c.text, c.halfClose); got != c.want {
				t.Errorf("answer %q, want %q", got, c.want)
			}
		})
	}
	for _, f := range []*fixture{patient, hasty} {
		if n := f.messageCount(); n != 0 {
			t.Errorf("%d events are stored", n)
		}
		f.waitUntil("the memory is released", func() bool { return f.service.bodies.budget.Used() == 0 })
		if strings.Contains(f.log.String(), `"level":"WARN"`) || strings.Contains(f.log.String(), `"level":"ERROR"`) {
			t.Errorf("clients' mistakes are logged: %s", f.log)
		}
	}
}

// The server closes a connection whose headers do not end within its limit.
func TestSlowHeadersAreCutOff(t *testing.T) {
	f := newFixture(t)
	if got := f.sendRaw(postHead, false); got != "" {
		t.Errorf("answer %q, want a closed connection", got)
	}
}

func TestNextSize(t *testing.T) {
	for _, c := range []struct{ size, likely, want int }{
		{0, 0, firstRead},
		{0, 100, firstRead},
		{firstRead, 0, 4 * firstRead},
		{firstRead, firstRead, firstRead + 1},
		{firstRead, 3 * firstRead, 3*firstRead + 1},
		{firstRead, maxBody, 4 * firstRead},
		{4 << 20, 0, maxBody + 1},
		{4 << 20, maxBody, maxBody + 1},
	} {
		if got := nextSize(c.size, c.likely); got != c.want {
			t.Errorf("nextSize(%d, %d) = %d, want %d", c.size, c.likely, got, c.want)
		}
	}
}
