package check

import (
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
)

// maxLines bounds a Go file that a person wrote.
const maxLines = 500

// skipped folders hold no text of ours.
var skipped = []string{".git", "bin", "data", "node_modules", "vendor", "vendored", "testdata"}

// unwanted is text that has no place in a finished tree.
var unwanted = map[string]*regexp.Regexp{
	"a note of unfinished work": regexp.MustCompile(`\b(TO[D]O|FIX[M]E|X{3}|HAC[K])\b`),
	"a path of one machine":     regexp.MustCompile(`(^|[\s"'` + "`" + `=(:])/(root|work|home/\w+|Users/\w+)/`),
	"a reference to a tracker":  regexp.MustCompile(`(?i)\b(issue|task|ticket)s? #?\d`),
	"a package registry's host": regexp.MustCompile(
		`\b(proxy\.golang|sum\.golang|registry\.npmjs|deb\.debian|ftp\.debian|archive\.ubuntu|pypi)\.org\b`),
}

// SourceFaults returns the faults of the text of a tree: Go files that are
// too long, packages without a comment, and unwanted text in any file.
// Generated files may be long.
func SourceFaults(tree fs.FS) ([]string, error) {
	var faults []string
	documented := map[string]bool{}
	err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains(skipped, entry.Name()):
			return fs.SkipDir
		case entry.IsDir() || !readable(name):
			return nil
		}
		content, err := fs.ReadFile(tree, name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // gone since the folder was listed
		} else if err != nil {
			return err
		}
		faults = append(faults, textFaults(name, string(content))...)
		if path.Ext(name) == ".go" {
			faults = append(faults, lengthFaults(name, string(content))...)
			documented[path.Dir(name)] = documented[path.Dir(name)] || hasPackageComment(content)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the tree: %w", err)
	}
	for folder, yes := range documented {
		if !yes {
			faults = append(faults, folder+": the package has no comment")
		}
	}
	slices.Sort(faults)
	return faults, nil
}

// readable reports whether people of the project write the file.
func readable(name string) bool {
	base := path.Base(name)
	if strings.HasSuffix(base, ".min.js") || strings.HasSuffix(base, ".min.css") {
		return false
	}
	switch path.Ext(base) {
	case ".go", ".md", ".sh", ".yml", ".yaml", ".json", ".conf", ".html", ".css", ".js", ".ts", ".py", ".mod", ".work":
		return true
	}
	return base == "Makefile" || base == "Dockerfile" || base == "run"
}

func textFaults(name, content string) []string {
	var faults []string
	number := 0
	for line := range strings.Lines(content) {
		number++
		for what, pattern := range unwanted {
			if found := pattern.FindString(line); found != "" {
				faults = append(faults, fmt.Sprintf("%s:%d: %s: %q", name, number, what, strings.TrimSpace(found)))
			}
		}
	}
	return faults
}

var generated = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)

func lengthFaults(name, content string) []string {
	lines := strings.Count(content, "\n")
	if lines <= maxLines || generated.MatchString(content) {
		return nil
	}
	return []string{fmt.Sprintf("%s: %d lines, at most %d are easy to read", name, lines, maxLines)}
}

func hasPackageComment(content []byte) bool {
	file, err := parser.ParseFile(token.NewFileSet(), "", content, parser.PackageClauseOnly|parser.ParseComments)
	return err == nil && file.Doc != nil && strings.TrimSpace(file.Doc.Text()) != ""
}
