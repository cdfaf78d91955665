package declare

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/schema"
)

func TestLoadDirReadsEveryKindOfFile(t *testing.T) {
	d, err := LoadDir(mapFS(map[string]string{
		"policy.json": `{"future_skew": "1m"}`,
		"schemas/page=20interaction/cta=20click.json": `{"required": ["a"]}`,

		"schemas/a/b.json":          `true`,
		"applications/shop.json":    `{"keys": [{"sha256": "` + strings.ToUpper(hash) + `", "kind": "browser", "origins": ["https://shop.example", "http://[::1]:3000"]}]}`,
		"applications/empty.json":   `{"keys": []}`,
		"README.md":                 "# Ours",
		".git/config":               "x",
		"applications/.hidden.json": "x",
	}))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range d.Files() {
		got = append(got, strings.TrimSpace(f.Kind+" "+f.Category+" "+f.Name))
	}
	want := []string{
		"application  empty", "application  shop", "policy", "schema a b",
		"schema page interaction cta click",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("declarations (-want +got):\n%s", diff)
	}
}

func TestLoadDirOfEmptyAndMissingFolders(t *testing.T) {
	if d, err := LoadDir(mapFS(nil)); err != nil || len(d.files) != 0 {
		t.Errorf("an empty folder: %v, %v", d, err)
	}
	if _, err := LoadDir(os.DirFS(filepath.Join(t.TempDir(), "missing"))); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder that is not there: %v", err)
	}
}

// Every fault of every file at once.
func TestLoadDirListsEveryFault(t *testing.T) {
	_, err := LoadDir(mapFS(map[string]string{
		"policy.json":                `{"skew": 1, "oldest_age": 1}`,
		"settings.json":              `{}`,
		"schema/a/b.json":            `{}`,
		"schemas/loose.json":         `{}`,
		"schemas/a/b.yaml":           `{}`,
		"schemas/a/c d.json":         `{}`,
		"schemas/a/d.json":           `{"type": "x", "$ref": "http://example.com/"}`,
		"schemas/a/e.json/deep.json": `{}`,
		"schemas/=zz/a.json":         `{}`,
		"schemas/a/" + strings.Repeat("=C3=A9", 90) + ".json": `{}`,
		"schemas/a/big.json":      `{"title": "` + strings.Repeat("x", schema.MaxBytes) + `"}`,
		"applications/Shop.json":  `{"keys": []}`,
		"applications/list.json":  `[]`,
		"applications/bare.json":  `{}`,
		"applications/twice.json": `{"keys": [{"sha256": "` + hash + `", "kind": "server"}, {"sha256": "` + strings.ToUpper(hash) + `", "kind": "server"}]}`,
		"applications/zz.json":    `{"keys": [{"sha256": "` + hash + `", "kind": "server"}], "secret": "x"}`,
		"applications/keys.json": `{"keys": [1, {}, {"sha256": "plain-secret", "kind": "robot", "disabled": "no"},
			{"sha256": "` + registry.DigestOf("2").String() + `", "kind": "browser"},
			{"sha256": "` + registry.DigestOf("3").String() + `", "kind": "browser", "origins": []},
			{"sha256": "` + registry.DigestOf("4").String() + `", "kind": "server", "origins": ["https://a.example"]},
			{"sha256": "` + registry.DigestOf("5").String() + `", "kind": "browser", "origins": ["*", "https://a.example/", "https://A.example", "https://a.example:443", "a.example", "null", 1, "https://b.example", "https://b.example", "https://*.a.example:", "ftp://a.example"]}]}`,
	}))
	var folder *FolderError
	if !errors.As(err, &folder) {
		t.Fatalf("error %v", err)
	}
	var got []string
	for _, f := range folder.Faults {
		name := f.File
		if len(name) > 60 {
			name = name[:60]
		}
		got = append(got, strings.TrimSpace(name+" "+f.Path))
	}
	want := []string{
		"applications/Shop.json",
		"applications/bare.json",
		"applications/keys.json /keys/0",
		"applications/keys.json /keys/1",
		"applications/keys.json /keys/1",
		"applications/keys.json /keys/2/disabled",
		"applications/keys.json /keys/2/kind",
		"applications/keys.json /keys/2/sha256",
		"applications/keys.json /keys/3",
		"applications/keys.json /keys/4/origins",
		"applications/keys.json /keys/5/origins",
		"applications/keys.json /keys/6/origins/0",
		"applications/keys.json /keys/6/origins/1",
		"applications/keys.json /keys/6/origins/3",
		"applications/keys.json /keys/6/origins/4",
		"applications/keys.json /keys/6/origins/6",
		"applications/keys.json /keys/6/origins/8",
		"applications/keys.json /keys/6/origins/9",
		"applications/list.json",
		"applications/twice.json /keys/1/sha256",
		"applications/zz.json",
		"applications/zz.json /secret",
		"policy.json /oldest_age",
		"policy.json /skew",
		"schema",
		"schemas/=zz/a.json",
		("schemas/a/" + strings.Repeat("=C3=A9", 9))[:60],
		"schemas/a/b.yaml",
		"schemas/a/big.json",
		"schemas/a/c d.json",
		"schemas/a/d.json /$ref",
		"schemas/a/d.json /type",
		"schemas/a/e.json",
		"schemas/loose.json",
		"settings.json",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("faults (-want +got):\n%s\n%v", diff, err)
	}
	if text := err.Error(); strings.Contains(text, "plain-secret") || strings.Count(text, "\n") != len(want) {
		t.Errorf("the error quotes a secret, or is not one line for each fault:\n%s", text)
	}
}

// Mounted declarations (of Kubernetes) are links.
func TestLoadDirFollowsLinks(t *testing.T) {
	dir, target := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(target, "p"), []byte(`{"future_skew": "x"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(target, "p"), filepath.Join(dir, "policy.json")); err != nil {
		t.Fatal(err)
	}
	var folder *FolderError
	if _, err := LoadDir(os.DirFS(dir)); !errors.As(err, &folder) || folder.Faults[0].Path != "/future_skew" {
		t.Errorf("error %v", err)
	}
}

// The embedded sample types are those that are shipped for deployment.
func TestSampleTypesAreTheShippedOnes(t *testing.T) {
	d, err := LoadDir(SampleTypes())
	if err != nil {
		t.Fatal(err)
	}
	shipped, err := LoadDir(os.DirFS("../../../deploy/config"))
	if err != nil {
		t.Fatal(err)
	}
	texts := func(d *Declarations) map[string]string {
		m := map[string]string{}
		for _, f := range d.files {
			if strings.HasPrefix(f.name, schemasFolder) {
				m[f.name] = string(f.raw)
			}
		}
		return m
	}
	if diff := cmp.Diff(texts(shipped), texts(d)); diff != "" || len(d.files) != 8 {
		t.Errorf("%d files; differences between shipped and embedded ones:\n%s", len(d.files), diff)
	}
}
