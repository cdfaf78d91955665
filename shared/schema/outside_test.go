package schema

import (
	"net"
	"path/filepath"
	"sync/atomic"
	"testing"
)

// A schema never makes The Eye open a file or a connection. The file is a pipe,
// which would block a process that opens it; the listener counts.
func TestCompileStaysInside(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "schema.json")
	makePipe(t, pipe)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var connections atomic.Int32
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			connections.Add(1)
			_ = conn.Close()
		}
	}()
	file, web := "file://"+filepath.ToSlash(pipe), "http://"+listener.Addr().String()+"/schema.json"
	for _, target := range []string{file, file + "#/definitions/a", web, web + "#/definitions/a", "//" + listener.Addr().String() + "/x"} {
		for name, raw := range map[string]string{
			"ref":             `{"$ref": "` + target + `"}`,
			"ref inside":      `{"properties": {"a": {"items": [{"$ref": "` + target + `"}]}}}`,
			"id as base":      `{"$id": "` + target + `", "properties": {"a": {"$ref": "#/definitions/a"}}, "definitions": {"a": {}}}`,
			"id as base, ref": `{"$id": "` + target + `", "properties": {"a": {"$ref": "schema.json"}}}`,
			"inner id":        `{"properties": {"a": {"$id": "` + target + `", "$ref": "#"}}}`,
			"draft 4 id":      `{` + draft4 + `"id": "` + target + `", "properties": {"id": {"id": "x"}}}`,
			"dialect":         `{"$schema": "` + target + `"}`,
			"annotation":      `{"default": {"$ref": "` + target + `"}, "examples": [{"$id": "#/definitions/a", "$ref": "` + target + `"}], "definitions": {"a": {}}, "not": {"$ref": "#/definitions/a"}}`,
			"our annotation":  `{"x-eye-reject-examples": [{"$ref": "` + target + `"}], "const": {"$ref": "` + target + `"}, "enum": [{"$ref": "` + target + `"}]}`,
			"as a name":       `{"properties": {"` + target + `": {"$ref": "#/definitions/` + target + `"}}}`,
		} {
			s, faults := Compile([]byte(raw))
			if s != nil {
				s.Validate(map[string]any{"a": "x"})
			} else if len(faults) == 0 {
				t.Errorf("%s: neither a schema nor a fault", name)
			}
		}
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	<-done
	if n := connections.Load(); n != 0 {
		t.Errorf("%d connections were made", n)
	}
}
