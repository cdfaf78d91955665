package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// testConnections: requests that no HTTP client makes.
func testConnections(t *testing.T, w *fixture) {
	const head = "POST /v1/events HTTP/1.1\r\nHost: eye\r\nAuthorization: Bearer " + siteServerKey + "\r\n"
	id := newID()
	whole := native(id)
	var work sync.WaitGroup // in parallel: some take what slowness is granted
	for _, r := range []struct {
		name, text string
		// finish says that the client sends no more; else it waits.
		finish bool
		status int // 0 is a connection that is closed without a word
	}{
		{"slow headers", head, false, 0},
		{"slow body", head + "Content-Length: 1000\r\n\r\n" + whole[:10], false, 408},
		{"body that never comes", head + "Content-Length: 5\r\n\r\n", false, 408},
		{"less than said", head + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(whole)+90) + whole, true, 400},
		{"broken chunks", head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n" + whole, true, 400},
		{"last chunk missing", head + "Transfer-Encoding: chunked\r\n\r\n" + strconv.FormatInt(int64(len(whole)), 16) + "\r\n" + whole + "\r\n", true, 400},
		{"two lengths", head + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n" + whole, true, 400},
		{"controls in a header", head + "User-Agent: \x1b[31m\x00\r\nContent-Length: 0\r\n\r\n", true, 400},
		{"controls in the path", "POST /v1/\x1b[31m HTTP/1.1\r\nHost: eye\r\n\r\n", true, 400},
		{"line breaks in the path", "POST /v1/events%0d%0a%7b%22msg%22 HTTP/1.1\r\nHost: eye\r\nContent-Length: 0\r\n\r\n", true, 404},
		{"headers without end", head + "X: " + strings.Repeat("x", 2*mib) + "\r\n\r\n", true, 431},
		{"not HTTP", "\x16\x03\x01\x00\xa5\x01\x00\x00", true, 400},
	} {
		work.Go(func() {
			got, err := speak(w.Collector, r.text, r.finish)
			switch {
			case err == nil && got != r.status:
				t.Errorf("%s: answered %d, want %d", r.name, got, r.status)
			case err != nil && (r.status != 0 || isTimeout(err)):
				t.Errorf("%s: not answered: %v", r.name, err)
			}
		})
	}
	work.Wait()
	c := w.caller(t)
	if r, err := c.ask("/v1/events/"+id, nil); err != nil || r.status != http.StatusNotFound {
		t.Errorf("something was kept of half a request: %s, %v", r, err)
	}
}

// speak sends bytes, says so if there will be no more, and returns the status
// of the answer.
func speak(base, text string, finish bool) (int, error) {
	c, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		return 0, err
	}
	defer func() { _ = c.Close() }()
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return 0, err
	}
	_, _ = c.Write([]byte(text)) // a server may have answered before the end
	if tcp, ok := c.(*net.TCPConn); ok && finish {
		_ = tcp.CloseWrite()
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}

// halfRequest sends the beginning of a request whose rest never comes, and
// waits until the collector has asked for that.
func halfRequest(t *testing.T, base, key string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	_, err = fmt.Fprintf(c, "POST /v1/events HTTP/1.1\r\nHost: eye\r\nAuthorization: Bearer %s\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n", key)
	if err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(c).ReadString('\n')
	if err != nil || !strings.Contains(line, "100") {
		t.Fatalf("the body is not asked for: %q, %v", line, err)
	}
	return c
}
