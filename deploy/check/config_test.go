package check_test

import (
	"crypto/sha256"
	"encoding/hex"
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
		"applications/demo.json",
		"policy.json",
		"schemas/form=20interaction/submit.json",
		"schemas/page=20interaction/cta=20click.json",
		"schemas/page=20interaction/pageview.json",
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
			"form=20interaction/submit",
			`{"host": "www.example.com", "path": "/", "form": {"first_name": "John"}}`,
			`{"host": "www.example.com", "path": "/"} {"host": "h", "path": "/", "form": "text"} {"host": "h", "path": "/", "form": []}`,
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

func TestConfigDemoKeyIsTheDocumentedOne(t *testing.T) {
	var application struct {
		Keys []struct {
			SHA256, Kind string
			Origins      []string
		}
	}
	if err := json.Unmarshal([]byte(text(t, "deploy/config/applications/demo.json")), &application); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte("dev-write-key"))
	if len(application.Keys) != 1 || application.Keys[0].SHA256 != hex.EncodeToString(sum[:]) || application.Keys[0].Kind != "browser" {
		t.Errorf("got %+v", application)
	}
}
