package cmd

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/api/client/clienttest"
	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/shared/schema"
)

func TestSchemaTypeComesFromFlagsOrTheFileName(t *testing.T) {
	for _, c := range []struct {
		file, category, name string
		want                 schema.Type
	}{
		{"x.json", "shop", "order", schema.Type{Category: "shop", Name: "order"}},
		{"-", "a/b", "ü", schema.Type{Category: "a/b", Name: "ü"}},
		{"schemas/shop/order.json", "", "", schema.Type{Category: "shop", Name: "order"}},
		{"./registry/schemas/page=20interaction/cta=20click.json", "", "", schema.Type{Category: "page interaction", Name: "cta click"}},
		{"schemas/shop/order.json", "shop", "basket", schema.Type{Category: "shop", Name: "basket"}},
		{"schemas/shop/order.json", "shop", "", schema.Type{}},
		{"schemas/shop/order.json", "", "order", schema.Type{}},
		{"shop/order.json", "", "", schema.Type{}},
		{"shop/order/schemas/x.json", "", "", schema.Type{}},
		{"schemas/shop/order.yaml", "", "", schema.Type{}},
		{"schemas/shop/page view.json", "", "", schema.Type{}},
		{"schemas//order.json", "", "", schema.Type{}},
		{"-", "", "", schema.Type{}},
	} {
		cmd := &schemaCheckCmd{File: c.file, coverageFlags: coverageFlags{Category: c.category, Name: c.name}}
		got, err := cmd.schemaType()
		if c.want == (schema.Type{}) {
			if exitCodeOf(err) != daemon.ExitUsage {
				t.Errorf("%+v: %v, %v", c, got, err)
			}
		} else if got != c.want || err != nil {
			t.Errorf("%+v: %v, %v", c, got, err)
		}
	}
}

// A fault is at its place in the file, whatever the request looks like.
func TestSchemaCheckPointsIntoTheFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "schemas", "n=2Fnull")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "c.json")
	if err := os.WriteFile(file, []byte(`{"properties": {"a": {"type": "text"}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	d := clienttest.NewServer(t, clienttest.Answer{Status: 422, Body: `{"status": 422, "code": "invalid_declaration", "faults": [` +
		`{"code": "invalid_declaration", "path": "/schemas/0/schema/properties/a/type", "message": "m1"},` +
		`{"code": "invalid_declaration", "path": "/schemas/0/schema/properties/b", "message": "m2"},` +
		`{"code": "invalid_declaration", "path": "/schemas/0/schema", "message": "m3"}]}`})
	code, _, errs := call(t, "schema", "check", file, "--url", d.URL)
	for _, want := range []string{"\n  /properties/a/type: m1", "\n  /properties/b: m2", "\n  m3"} {
		if !strings.Contains(errs, want) {
			t.Errorf("%d %s\nwant %q", code, errs, want)
		}
	}
}

func TestSchemaCheckSendsTheSchemaUnchanged(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "schemas", "a=20b")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "c.json")
	if err := os.WriteFile(file, []byte(`{"maximum": 1.50}`), 0o600); err != nil {
		t.Fatal(err)
	}
	d := clienttest.NewServer(t, clienttest.Answer{Status: 202, Body: `{"id": "1", "state": "done", "dry_run": true, "report": {"newly_rejected": 2}}`})
	code, _, errs := call(t, "schema", "check", file, "--only", "rejected", "--from-seq", "5", "--url", d.URL)
	if code != daemon.ExitFailure || len(d.Requests) != 1 {
		t.Fatalf("%d %s", code, errs)
	}
	want := `{"dry_run":true,"from_seq":5,"category":"a b","name":"c","only":"rejected","schemas":[{"category":"a b","name":"c","schema":{"maximum":1.50}}]}`
	if diff := cmp.Diff(want, d.Bodies[0]); diff != "" {
		t.Error(diff)
	}
}
