package check_test

import (
	"os"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/deploy/check"
)

func TestDocumentsTellTheTruth(t *testing.T) {
	faults, err := check.DocumentFaults(os.DirFS(top))
	if err != nil {
		t.Fatal(err)
	}
	none(t, faults)
}

func TestPicturesAreSmallAndDescribed(t *testing.T) {
	faults, err := check.PictureFaults(os.DirFS(top))
	if err != nil {
		t.Fatal(err)
	}
	none(t, faults)
	faults, err = check.PictureFaults(fstest.MapFS{
		"README.md":  {Data: []byte("![](a.webp) ![two words](b.webp) ![what it shows](c.webp) [no picture](d.webp)")},
		"a.webp":     {Data: make([]byte, 200<<10)},
		"b.webp":     {},
		"c.webp":     {Data: make([]byte, 101<<10)},
		"docs/x.png": {Data: make([]byte, 500<<10)},
	})
	want := []string{
		"README.md: the picture a.webp has no text that says what it shows",
		"README.md: the picture b.webp has no text that says what it shows",
		"README.md: its pictures have 308224 bytes, at most 307200; make screenshots makes them",
	}
	if err != nil || !slices.Equal(faults, want) {
		t.Errorf("the faults are %q: %v", faults, err)
	}
}

func TestMakefileHasThePromisedTargets(t *testing.T) {
	targets, err := check.MakeTargets(os.DirFS(top))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"help", "run", "build", "test", "lint", "bench", "fuzz", "mongo", "chaos", "cross", "tidy-check"} {
		if !slices.Contains(targets, want) {
			t.Errorf("there is no make %s", want)
		}
	}
}

func TestDocumentFaultsAreFound(t *testing.T) {
	tree := fstest.MapFS{}
	for name, content := range map[string]string{
		"README.md": "[a](docs/a.md#top) [b](docs/b.md) [c](https://example.com/x) [d](#here)\n" +
			"`deploy/x.sh` `deploy/y.sh` `shared/event.Decode` `shared/event.decode` `shared/stream` `text/plain`\n" +
			"`make test` and `make tests`, which make sense\nmake all\n",
		"docs/a.md":           "[up](../README.md) [aside](a.md) [gone](README.md)\n",
		"deploy/x.sh":         "",
		"shared/event/e.go":   "package event\n",
		"Makefile":            "test: build\n\tgo test\nbuild:\n",
		"ARCHITECTURE.md":     "",
		"CHANGELOG.md":        "",
		"LICENSE":             "",
		"docker-compose.yml":  "",
		"go.work":             "",
		".golangci.yml":       "",
		"testdata/ignored.md": "[x](nowhere)",
	} {
		tree[name] = &fstest.MapFile{Data: []byte(content)}
	}
	want := []string{
		".ci/run: missing",
		"README.md: the link to docs/b.md leads nowhere",
		"README.md: there is no deploy/y.sh",
		"README.md: there is no make all",
		"README.md: there is no make tests",
		"README.md: there is no shared/event.decode",
		"README.md: there is no shared/stream",
		"docs/a.md: the link to README.md leads nowhere",
	}
	got, err := check.DocumentFaults(tree)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
