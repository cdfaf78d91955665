package clients

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The vectors with which every client must fail: in a file of their own, and behind those
// of another one.
const (
	wrongCase  = "an event that comes from nowhere"
	wrongOther = "another one"
)

// wrongVector returns a case that no client can pass.
func wrongVector(name string) string {
	return `{"name": "` + name + `", "steps": [],
		"end": {"at": 10, "accepted": [1], "refused": [], "dropped": [], "queued": 0, "messages": []}}`
}

// Each client runs every file of the vectors, and every case of each: a copy of it fails
// where these are wrong.
func TestClientsRunEveryVector(t *testing.T) {
	dir := t.TempDir()
	for _, part := range []string{"go", "js", "python", "testdata"} {
		if err := os.CopyFS(filepath.Join(dir, part), os.DirFS(filepath.Join("../../clients", part))); err != nil {
			t.Fatal(err)
		}
	}
	vectors := filepath.Join(dir, "testdata", "vectors")
	const known = "spool.json"
	text, err := os.ReadFile(filepath.Join(vectors, known))
	if err != nil {
		t.Fatal(err)
	}
	end := strings.LastIndex(string(text), "]")
	for name, content := range map[string]string{
		"a-new-file.json": `{"about": "", "cases": [` + wrongVector(wrongCase) + `]}`,
		known:             string(text[:end]) + ", " + wrongVector(wrongOther) + string(text[end:]),
	} {
		if err := os.WriteFile(filepath.Join(vectors, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for part, command := range map[string][]string{
		"go":     {"go", "test", "-count=1", "-run", "TestVectors", "."},
		"js":     {node(t), "--test", "test/vectors.test.mjs"},
		"python": {python(t), "-m", "unittest", "tests.test_vectors"},
	} {
		t.Run(part, func(t *testing.T) {
			suite := exec.CommandContext(waiting(t), command[0], command[1:]...)
			suite.Dir = filepath.Join(dir, part)
			suite.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
			out, err := suite.CombinedOutput()
			if err == nil {
				t.Fatalf("the suite passes with vectors that are wrong:\n%s", out)
			}
			for _, name := range []string{wrongCase, wrongOther} {
				if !strings.Contains(strings.ReplaceAll(string(out), "_", " "), name) {
					t.Errorf("the suite says nothing of the case %q:\n%s", name, out)
				}
			}
		})
	}
}
