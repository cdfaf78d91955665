package check_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/deploy/check"
)

// apart are the folders of modules that may stand in the workspace or not: this one, and
// the one that needs cgo.
var apart = []string{"deploy/check", "test/duckdb", "test/sdks"}

func modules(t *testing.T) []string {
	t.Helper()
	folders, err := check.Workspace(t.Context(), top)
	if err != nil {
		t.Fatal(err)
	}
	for _, module := range apart {
		if !slices.Contains(folders, module) {
			folders = append(folders, module)
		}
	}
	return folders
}

func TestWorkspaceModulesStandAlone(t *testing.T) {
	for _, module := range modules(t) {
		t.Run(module, func(t *testing.T) {
			if err := check.StandsAlone(t.Context(), path(module)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestWorkspaceImportsPointOneWay(t *testing.T) {
	for _, module := range modules(t) {
		packages, err := check.Packages(t.Context(), path(module))
		if err != nil {
			t.Fatal(err)
		}
		if len(packages) == 0 {
			t.Errorf("%s has no packages", module)
		}
		none(t, check.ImportFaults(packages))
	}
}

// The collector must serve while the database is unavailable; it does not import
// a driver. (database/sql is not one: the Prometheus library brings it along.)
func TestWorkspaceCollectorKnowsNoDatabase(t *testing.T) {
	dependencies, err := check.Dependencies(t.Context(), path("collector"), "./...")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range dependencies {
		if strings.HasPrefix(d, "go.mongodb.org/") || strings.HasPrefix(d, "modernc.org/sqlite") {
			t.Errorf("the collector depends on %s", d)
		}
	}
}

func TestWorkspaceIsWhatTheMakefileBuilds(t *testing.T) {
	line := regexp.MustCompile(`(?m)^MODULES\s*:=\s*(.*)$`).FindStringSubmatch(text(t, "Makefile"))
	if line == nil {
		t.Fatal("the Makefile has no MODULES")
	}
	want := slices.DeleteFunc(modules(t), func(m string) bool { return slices.Contains(apart, m) })
	got := strings.Fields(line[1])
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("modules in go.work and in the Makefile (-want +got):\n%s", diff)
	}
}

func TestImportFaultsAreFound(t *testing.T) {
	const our = "github.com/theeye/theeye/"
	given := []check.Package{
		{ImportPath: our + "shared/event", Imports: []string{"fmt", our + "shared/stream", our + "collector"}},
		{ImportPath: our + "collector", TestImports: []string{our + "shared/natsd", our + "processor"}},
		{ImportPath: our + "queryapi/cmd/queryapi", XTestImports: []string{our + "standalone"}},
		{ImportPath: our + "standalone", Imports: []string{our + "collector", our + "theeye"}},
		{ImportPath: our + "theeye", Imports: []string{our + "standalone", our + "shared/daemon"}},
		{ImportPath: our + "clients/go", Imports: []string{our + "shared/event"}},
		{ImportPath: our + "util", Imports: []string{"fmt"}},
	}
	want := []string{
		our + "clients/go imports " + our + "shared/event",
		our + "collector imports " + our + "processor",
		our + "queryapi/cmd/queryapi imports " + our + "standalone",
		our + "shared/event imports " + our + "collector",
		our + "standalone imports " + our + "theeye",
		our + "util: no rule says what module util may import",
	}
	if diff := cmp.Diff(want, check.ImportFaults(given)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestStandsAloneFindsAnUntidyModule(t *testing.T) {
	write := func(folder, name, content string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	good := t.TempDir()
	write(good, "go.mod", "module example.com/a\n\ngo 1.26.0\n")
	write(good, "a.go", "package a\n")
	if err := check.StandsAlone(t.Context(), good); err != nil {
		t.Errorf("a tidy module: %v", err)
	}

	broken := t.TempDir()
	write(broken, "go.mod", "module example.com/a\n\ngo 1.26.0\n")
	write(broken, "a.go", "package a\n\nvar x int = \"\"\n")
	if check.StandsAlone(t.Context(), broken) == nil {
		t.Error("a module that does not compile passes")
	}

	untidy := t.TempDir()
	write(untidy, "go.mod", "module example.com/a\n\ngo 1.26.0\n\nrequire example.com/b v0.0.0\n\nreplace example.com/b => ./b\n")
	write(untidy, "a.go", "package a\n")
	if err := os.Mkdir(filepath.Join(untidy, "b"), 0o700); err != nil {
		t.Fatal(err)
	}
	write(filepath.Join(untidy, "b"), "go.mod", "module example.com/b\n")
	if check.StandsAlone(t.Context(), untidy) == nil {
		t.Error("a module that requires what it does not use passes")
	}
}
