package queryapi_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Schemas that the registry must not accept: 422 with the faults; no connection
// is made, and nothing is stored.
func TestRejectsHostileSchemas(t *testing.T) {
	fx := newFixture(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	called := make(chan struct{}, 100)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			called <- struct{}{}
			_ = conn.Close()
		}
	}()
	url := "http://" + l.Addr().String() + "/schema.json"
	deep := func(n int) string { return strings.Repeat(`{"not":`, n) + `{}` + strings.Repeat(`}`, n) }
	for name, body := range map[string]string{
		"empty": "", "no JSON": "{", "array": "[]", "text": `"x"`, "null": "null", "two documents": "{} {}", "duplicate": `{"type":"object","type":"object"}`,
		"not UTF-8": "{\"title\":\"\xff\"}", "NUL": "{}\x00", "byte order mark": "\ufeff{}",
		"http reference": `{"$ref":"` + url + `"}`, "nested reference": `{"properties":{"a":{"$ref":"` + url + `#/x"}}}`,
		"dialect elsewhere": `{"$schema":"` + url + `"}`, "id and reference": `{"$id":"` + url + `","properties":{"a":{"$ref":"other.json"}}}`,
		"file reference": `{"$ref":"file:///etc/passwd"}`, "relative file": `{"$ref":"../../etc/passwd"}`, "reference in a definition": `{"definitions":{"x":{"$ref":"` + url + `"}}}`,
		"missing reference": `{"$ref":"#/definitions/none"}`, "cycle": `{"definitions":{"a":{"$ref":"#/definitions/a"}},"$ref":"#/definitions/a"}`,
		"unknown keyword": `{"tpye":"object"}`, "unknown type": `{"type":"objekt"}`, "number": `{"maximum":1e999}`, "pattern": `{"properties":{"a":{"pattern":"("}}}`,
		"deep": deep(200), "very deep": deep(7000), "false example": `{"type":"object","required":["a"],"examples":[{}]}`,
		"true counterexample": `{"type":"object","x-eye-reject-examples":[{}]}`, "marks in the wrong place": `{"anyOf":[{"x-eye-pii":"hash"}]}`,
		"supersedes nothing": `{"x-eye-supersedes":[999]}`, "wide": `{"enum":[` + strings.Repeat("1,", 20_000) + `1]}`,
	} {
		if f := fx.asOperator(422, "PUT", "/v1/schemas/c/n", body); f.Code != "invalid_declaration" || len(f.Faults) == 0 {
			t.Errorf("%s: %s", name, f.raw)
		}
	}
	_ = l.Close()
	<-done
	if len(called) != 0 {
		t.Errorf("%d connections were made", len(called))
	}
	if got := fx.asOperator(200, "GET", "/v1/changes", ""); len(got.Changes) != 0 {
		t.Errorf("%s", got.raw)
	}
}

// Bodies over their limit, compressed or cut off.
func TestRejectsOversizedAndBrokenBodies(t *testing.T) {
	fx := newFixture(t)
	space := func(n int) string { return strings.Repeat(" ", n) }
	for target, limit := range map[string]int{"/v1/schemas/c/n": 64 << 10, "/v1/policy": 64 << 10, "/v1/applications/a": 256 << 10} {
		if f := fx.asOperator(413, "PUT", target, "{}"+space(limit-1)); f.Code != "body_too_large" {
			t.Errorf("%s: %s", target, f.raw)
		}
		if f := fx.asOperator(413, "PUT", target, space(8<<20)); f.Code != "body_too_large" {
			t.Errorf("%s: %s", target, f.raw)
		}
	}
	fx.asOperator(201, "PUT", "/v1/schemas/c/n", "{}"+space(64<<10-2))
	fx.asOperator(413, "POST", "/v1/tokens", "{}"+space(64<<10))
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = io.WriteString(z, "{}")
	_ = z.Close()
	if f := fx.asOperator(415, "PUT", "/v1/policy", packed.String(), "Content-Encoding", "gzip"); f.Code != "unsupported_encoding" {
		t.Errorf("%s", f.raw)
	}
	fx.asOperator(201, "PUT", "/v1/policy", "{}", "Content-Encoding", "identity", "Content-Type", "text/plain")
	for _, body := range []string{"Content-Length: 100\r\n\r\n{", "Transfer-Encoding: chunked\r\n\r\n5\r\n{}", "Transfer-Encoding: chunked\r\n\r\nx\r\n{}"} {
		if resp := fx.rawPut(t, body, true); resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%q: %d", body, resp.StatusCode)
		}
	}
}

// rawPut puts a schema over a connection of its own; rest starts with headers. If
// it ends too early, the connection is closed behind it.
func (fx *fixture) rawPut(t *testing.T, rest string, cut bool) *http.Response {
	t.Helper()
	conn, err := net.Dial("tcp", fx.service.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := fmt.Fprintf(conn, "PUT /v1/schemas/raw/n HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer %s\r\n%s", operator, rest); err != nil {
		t.Fatal(err)
	}
	if cut {
		_ = conn.(*net.TCPConn).CloseWrite()
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("%q: %v", rest, err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	return resp
}

// Headers whose values cannot be stored.
func TestRejectsHostileHeaders(t *testing.T) {
	fx := newFixture(t)
	for _, match := range []string{
		"", `""`, `"`, "x", `W/"1"`, `"1", "2"`, "-1", "+1", "1.0", "0x1", `"1`, `1"`, "**", `"*"`, "18446744073709551615", "9223372036854775808",
		"99999999999999999999", "1e3", " ", "\u0661",
	} {
		for _, method := range []string{"PUT", "DELETE"} {
			if f := fx.asOperator(400, method, "/v1/policy", "{}", "If-Match", match); f.Code != "invalid_header" {
				t.Errorf("%q: %s", match, f.raw)
			}
		}
	}
	fx.asOperator(400, "PUT", "/v1/policy", "{}", "If-Match", "1", "If-Match", "2")
	for _, note := range []string{strings.Repeat("👁", 501), "a\tb", "a\u0085b", "a\u2028b", "\xff"} {
		if f := fx.asOperator(400, "PUT", "/v1/policy", "{}", "X-Eye-Note", note); f.Code != "invalid_header" {
			t.Errorf("%q: %s", note, f.raw)
		}
	}
	// A line break ends the header; a folded one is a space.
	if resp := fx.rawPut(t, "X-Eye-Note: one\r\nX-Eye-Other: two\r\nContent-Length: 2\r\n\r\n{}", false); resp.StatusCode != http.StatusCreated {
		t.Errorf("%d", resp.StatusCode)
	}
	if resp := fx.rawPut(t, "X-Eye-Note: a\x1b[31m\r\nContent-Length: 2\r\n\r\n{}", false); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("%d", resp.StatusCode)
	}
	got := fx.asOperator(200, "GET", "/v1/schemas/raw/n/history", "")
	if len(got.Versions) != 1 || got.Versions[0].Note != "one" {
		t.Errorf("%s", got.raw)
	}
	long := strings.Repeat("👁", 500)
	fx.asOperator(201, "PUT", "/v1/policy", "{}", "X-Eye-Note", long)
	if got := fx.asOperator(200, "GET", "/v1/policy/history", ""); got.Versions[0].Note != long {
		t.Errorf("%s", got.raw)
	}
}
