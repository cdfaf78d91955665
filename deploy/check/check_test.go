package check_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// top is the project's folder.
const top = "../.."

// path returns where a file of the project is.
func path(name string) string { return filepath.Join(top, filepath.FromSlash(name)) }

// text returns what a file of the project holds.
func text(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(path(name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// none fails the test if there are faults.
func none(t *testing.T, faults []string) {
	t.Helper()
	if len(faults) > 0 {
		t.Errorf("%d faults:\n%s", len(faults), strings.Join(faults, "\n"))
	}
}
