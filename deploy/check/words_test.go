package check_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/deploy/check"
)

// sharedNames are the method names that more than four types have, each with the
// reason.
var sharedNames = map[string]string{
	"Answer":       "the answer to a question: of the analytics, and of each question of the oracle",
	"Applications": "the applications that a part knows",
	"Close":        "io.Closer and its like",
	"countBytes":   "the memory that a column or a part of a description takes",
	"End":          "the end of a transfer, or of a document that is written in parts",
	"Error":        "the interface error",
	"Faults":       "all faults of some settings at once",
	"Name":         "format.Format, and the name of a bucket or a column",
	"Need":         "the columns and rows that a question reads",
	"Parse":        "a kind of setting: its value from the text of a flag or variable",
	"Read":         "io.Reader",
	"Ready":        "nil, or the missing parts, until a part of a process can work",
	"Revision":     "a registry revision: of a registry, a set, a version or a rule",
	"Run":          "a part of a process serves until its context ends; a command does its work",
	"Split":        "format.Format",
	"Stop":         "the end of a Start",
	"ServeHTTP":    "http.Handler",
	"String":       "fmt.Stringer",
	"Unwrap":       "errors.Is and errors.As call it",
	"Write":        "io.Writer, and http.ResponseWriter",
	"addVisit":     "a question about visitors takes in the visit of one visitor",
	"advance":      "the next pass of a measure, or the next window of a scan",
}

// storedShapes are structs of JSON that look like one of the HTTP interface and
// are records of their own, which keep their form while the interface changes.
var storedShapes = map[string]string{
	"shared/job.Selection":                "the record in the bucket JOBS, with times to the nanosecond",
	"shared/registry.ApplicationSettings": "the record in the bucket APPLICATIONS",
	"shared/registry.KeySettings":         "the record in the bucket APPLICATIONS",
}

// mostOneWord bounds the unexported methods named by one bare word, in percent
// of all: a verb with its object says what a method does where it is called.
const mostOneWord = 45

// goFiles lists the Go files that git tracks, or will.
func goFiles(t *testing.T) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", "ls-files", "--cached", "--others", "--exclude-standard", "--deduplicate", "--", "*.go")
	cmd.Dir = top
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("git ls-files: %v", err)
	}
	var files []string
	for name := range strings.Lines(string(out)) {
		name = strings.TrimSuffix(name, "\n")
		// This check names the idioms that it looks for.
		if found, _ := filepath.Glob(path(name)); found != nil && !strings.HasPrefix(name, "deploy/check/words") {
			files = append(files, name)
		}
	}
	if len(files) < 100 {
		t.Fatalf("git lists %d Go files", len(files))
	}
	return files
}

func TestWordsOfTheProject(t *testing.T) {
	w, err := check.ReadWords(top, goFiles(t))
	if err != nil {
		t.Fatal(err)
	}
	none(t, w.Idioms)
	oneWord := 100 * w.OneWord / w.Methods
	if oneWord > mostOneWord {
		t.Errorf("%d of %d unexported methods are named by one word: %d %%, at most %d %% may be", w.OneWord, w.Methods, oneWord, mostOneWord)
	}
	shared := w.Shared(4)
	for _, name := range shared {
		if sharedNames[name] == "" {
			t.Errorf("%s is a method of %d types; say what each does, or add the reason: %s", name, len(w.Receivers[name]), strings.Join(w.Receivers[name], " "))
		}
	}
	for name := range sharedNames {
		if !slices.Contains(shared, name) {
			t.Errorf("%s has a reason and needs none", name)
		}
	}
	for members, structs := range w.Shapes {
		structs = slices.DeleteFunc(structs, func(name string) bool { return storedShapes[name] != "" })
		if len(structs) > 1 {
			t.Errorf("one shape of JSON is declared by %s: %s", strings.Join(structs, ", "), members)
		}
	}
	t.Logf("unexported methods of one word: %d of %d, %d %%", w.OneWord, w.Methods, oneWord)
	t.Logf("comment lines with an idiom: %d of %d", len(w.Idioms), w.Comments)
	t.Logf("files: %d, lines p50 %d, p90 %d, p99 %d, most %d", len(w.FileLines),
		check.Percentile(w.FileLines, 50), check.Percentile(w.FileLines, 90), check.Percentile(w.FileLines, 99), check.Percentile(w.FileLines, 100))
	t.Logf("functions: %d, lines p50 %d, p90 %d, p99 %d, most %d", len(w.FunctionLines),
		check.Percentile(w.FunctionLines, 50), check.Percentile(w.FunctionLines, 90), check.Percentile(w.FunctionLines, 99), check.Percentile(w.FunctionLines, 100))
	t.Logf("lines of tests by lines of code: %d by %d, %.2f; %.2f with the %d lines of packages for tests counted as code",
		w.Test, w.Code, float64(w.Test)/float64(w.Code), float64(w.Test-w.Support)/float64(w.Code+w.Support), w.Support)
}

func TestFaultsOfWordsAreFound(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"a/a.go": "// Package a is read by nobody.\npackage a\n\n" +
			"type one struct {\n\tA, B int `json:\"a\"`\n\tC int `json:\"c,omitempty\"`\n\tD int `json:\"d\"`\n\tE int `json:\"e\"`\n}\n\n" +
			"func (o *one) take() string { return \"the store is away\" }\n\nfunc (one) takeAll() {}\n",
		"b/b.go":      "// Package b is plain.\npackage b\n\ntype two[T any] struct {\n\tE, D, C, A int `json:\"e\"`\n}\n\nfunc (t *two[T]) take() {}\n",
		"b/b_test.go": "package b\n\n// whoever comes\nfunc f() string { return \"nobody\" }\n",
	} {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w, err := check.ReadWords(dir, []string{"a/a.go", "b/b.go", "b/b_test.go"})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`a/a.go:11: "is away" in "the store is away"`,
		`a/a.go:1: "nobody" in "// Package a is read by nobody."`,
		`b/b_test.go:3: "whoever" in "// whoever comes"`,
	}
	slices.Sort(w.Idioms)
	if diff := cmp.Diff(want, w.Idioms); diff != "" {
		t.Errorf("idioms (-want +got):\n%s", diff)
	}
	if w.Methods != 3 || w.OneWord != 2 {
		t.Errorf("%d of %d methods are named by one word, want 2 of 3", w.OneWord, w.Methods)
	}
	if diff := cmp.Diff([]string{"take"}, w.Shared(1)); diff != "" {
		t.Errorf("shared names (-want +got):\n%s", diff)
	}
	if got := w.Shapes["a c d e"]; len(got) != 1 || got[0] != "a.one" {
		t.Errorf("shapes: %v", w.Shapes)
	}
}

// mostPathFiles and mostPathLines bound the files that ARCHITECTURE.md lists for
// a reader who checks what survives which crash.
const (
	mostPathFiles = 14
	mostPathLines = 1900
)

func TestCrashPathStaysShort(t *testing.T) {
	_, list, found := strings.Cut(text(t, "ARCHITECTURE.md"), "what survives which crash**")
	list, _, ended := strings.Cut(list, "\n## ")
	if !found || !ended {
		t.Fatal("ARCHITECTURE.md lists no files to check what survives which crash")
	}
	files := regexp.MustCompile("(?m)^\\d+\\. `(.+\\.go)`$").FindAllStringSubmatch(list, -1)
	lines := 0
	for _, file := range files {
		lines += strings.Count(text(t, file[1]), "\n")
	}
	t.Logf("%d files, %d lines", len(files), lines)
	if len(files) == 0 || len(files) > mostPathFiles || lines > mostPathLines {
		t.Errorf("the path has %d files and %d lines; at most %d and %d may be", len(files), lines, mostPathFiles, mostPathLines)
	}
}
