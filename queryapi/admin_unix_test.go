//go:build unix

package queryapi_test

import (
	"path/filepath"
	"syscall"
	"testing"
)

// A put opens no file: to read this one would block for ever.
func TestSchemaOpensNoFile(t *testing.T) {
	fx := newFixture(t)
	pipe := filepath.Join(t.TempDir(), "schema.json")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{
		`{"$ref":"file://` + pipe + `"}`, `{"$ref":"` + pipe + `"}`, `{"$schema":"file://` + pipe + `"}`,
		`{"$id":"file://` + filepath.Dir(pipe) + `/","$ref":"schema.json"}`,
	} {
		fx.asOperator(422, "PUT", "/v1/schemas/c/n", body)
	}
}
