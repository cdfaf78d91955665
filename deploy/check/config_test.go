package check_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xeipuuv/gojsonschema"
)

// The declarations in deploy/config are what a newcomer starts from.
func TestConfigHoldsTheSampleDeclarations(t *testing.T) {
	var got []string
	err := fs.WalkDir(os.DirFS(path("deploy/config")), ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			got = append(got, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"policy.json",
		"schemas/form=20interaction/submit.json",
		"schemas/page=20interaction/cta=20click.json",
		"schemas/page=20interaction/download.json",
		"schemas/page=20interaction/outbound=20link.json",
		"schemas/page=20interaction/pageview.json",
		"schemas/session/login.json",
		"schemas/shop/add=20to=20cart.json",
		"schemas/shop/purchase.json",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestConfigSchemasJudgeAsDescribed(t *testing.T) {
	for _, c := range []struct{ schema, good, bad string }{
		{
			"page=20interaction/pageview",
			`{"host": "www.example.com", "path": "/", "more": 1}`,
			`{"host": "www.example.com"} {"path": "/"} {"host": 1, "path": "/"} {"host": "", "path": null} []`,
		},
		{
			"page=20interaction/cta=20click",
			`{"host": "www.example.com", "path": "/", "element": "chat bubble"}`,
			`{"host": "www.example.com", "path": "/"} {"host": "h", "path": "/", "element": {}}`,
		},
		{
			"page=20interaction/download",
			`{"host": "www.example.com", "path": "/", "url": "https://www.example.com/prices.pdf"}`,
			`{"host": "www.example.com", "path": "/"} {"host": "h", "path": "/", "url": null}`,
		},
		{
			"page=20interaction/outbound=20link",
			`{"host": "www.example.com", "path": "/", "url": "https://elsewhere.example/"}`,
			`{"host": "www.example.com", "path": "/"} {"host": "h", "path": "/", "url": {}}`,
		},
		{
			"form=20interaction/submit",
			`{"host": "www.example.com", "path": "/", "form": {"first_name": "John"}}`,
			`{"host": "www.example.com", "path": "/"} {"host": "h", "path": "/", "form": "text"} {"host": "h", "path": "/", "form": []}`,
		},
		{
			"shop/add=20to=20cart",
			`{"host": "shop.example.com", "path": "/products/mug", "sku": "M-001", "price": 9.95, "quantity": 1, "currency": "EUR"}`,
			`{"host": "h", "path": "/", "sku": "M-001", "price": 9.95} {"host": "h", "path": "/", "sku": "M-001", "price": "9.95", "quantity": 1}
				{"host": "h", "path": "/", "sku": "M-001", "price": 9.95, "quantity": 0} {"host": "h", "path": "/", "sku": "M-001", "price": 9.95, "quantity": 1, "currency": "euro"}`,
		},
		{
			"shop/purchase",
			`{"host": "h", "path": "/checkout", "revenue": 9.95, "coupon": null, "items": [{"sku": "M-001", "price": 9.95, "quantity": 1}]}`,
			`{"host": "h", "path": "/checkout", "revenue": 9.95, "items": []} {"host": "h", "path": "/checkout", "revenue": 9.95, "items": [{"sku": "M-001"}]}
				{"host": "h", "path": "/checkout", "items": [{"sku": "M-001", "price": 9.95, "quantity": 1}]}`,
		},
		{
			"session/login",
			`{"host": "h", "path": "/", "method": "password"}`,
			`{"host": "h", "path": "/"} {"host": "h", "path": "/", "method": 1}`,
		},
	} {
		t.Run(c.schema, func(t *testing.T) {
			source := text(t, "deploy/config/schemas/"+c.schema+".json")
			var head struct {
				Schema string `json:"$schema"`
			}
			if err := json.Unmarshal([]byte(source), &head); err != nil || head.Schema != "http://json-schema.org/draft-07/schema#" {
				t.Errorf("draft %q, error %v", head.Schema, err)
			}
			schema, err := gojsonschema.NewSchema(gojsonschema.NewStringLoader(source))
			if err != nil {
				t.Fatal(err)
			}
			judge := func(data string, want bool) {
				t.Helper()
				result, err := schema.Validate(gojsonschema.NewStringLoader(data))
				if err != nil {
					t.Fatal(err)
				}
				if result.Valid() != want {
					t.Errorf("%s: valid is %t: %v", data, result.Valid(), result.Errors())
				}
			}
			judge(c.good, true)
			for decoder := json.NewDecoder(strings.NewReader(c.bad)); decoder.More(); {
				var data json.RawMessage
				if err := decoder.Decode(&data); err != nil {
					t.Fatal(err)
				}
				judge(string(data), false)
			}
		})
	}
}
