package check

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
)

// required files are looked for by people, and by the sites that show projects.
var required = []string{
	"README.md", "ARCHITECTURE.md", "CHANGELOG.md", "LICENSE", "Makefile", "docker-compose.yml", "go.work",
	".golangci.yml", ".ci/run",
}

var (
	link   = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	quoted = regexp.MustCompile("`([A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.=%-]+)+/?)`")
	// Only where it is written as a command: prose makes many things.
	makeCall = regexp.MustCompile("(?m)(?:`|^)make ([a-z0-9-]+)")
	target   = regexp.MustCompile(`(?m)^([a-z0-9-]+):`)
)

// DocumentFaults returns the faults of the documents of a tree: required
// files that are missing, links and quoted paths that lead nowhere, and make
// targets that do not exist.
func DocumentFaults(tree fs.FS) ([]string, error) {
	var faults []string
	for _, name := range required {
		if !exists(tree, name) {
			faults = append(faults, name+": missing")
		}
	}
	targets, err := MakeTargets(tree)
	if err != nil {
		return nil, err
	}
	documents, err := findDocuments(tree)
	if err != nil {
		return nil, err
	}
	for _, name := range documents {
		content, err := fs.ReadFile(tree, name)
		if err != nil {
			return nil, fmt.Errorf("read document: %w", err)
		}
		for _, m := range link.FindAllStringSubmatch(string(content), -1) {
			if !leadsSomewhere(tree, name, m[1]) {
				faults = append(faults, fmt.Sprintf("%s: the link to %s leads nowhere", name, m[1]))
			}
		}
		for _, m := range quoted.FindAllStringSubmatch(string(content), -1) {
			if !pathHolds(tree, m[1]) {
				faults = append(faults, fmt.Sprintf("%s: there is no %s", name, m[1]))
			}
		}
		for _, m := range makeCall.FindAllStringSubmatch(string(content), -1) {
			if !slices.Contains(targets, m[1]) {
				faults = append(faults, fmt.Sprintf("%s: there is no make %s", name, m[1]))
			}
		}
	}
	slices.Sort(faults)
	return slices.Compact(faults), nil
}

// maxPictures bounds the pictures of the README together, in bytes.
const maxPictures = 300 << 10

// picture is an image in Markdown: its text for those who do not see it, and its file.
var picture = regexp.MustCompile(`!\[([^\]]*)\]\(([^)\s]+)\)`)

// PictureFaults returns the faults of the pictures of a tree's README: pictures without a
// text of a few words, and more bytes than a reader should wait for.
func PictureFaults(tree fs.FS) ([]string, error) {
	content, err := fs.ReadFile(tree, "README.md")
	if err != nil {
		return nil, fmt.Errorf("read the README: %w", err)
	}
	var faults []string
	var size int64
	for _, m := range picture.FindAllStringSubmatch(string(content), -1) {
		if len(strings.Fields(m[1])) < 3 {
			faults = append(faults, fmt.Sprintf("README.md: the picture %s has no text that says what it shows", m[2]))
		}
		if info, err := fs.Stat(tree, m[2]); err == nil { // DocumentFaults finds those that are missing
			size += info.Size()
		}
	}
	if size > maxPictures {
		faults = append(faults, fmt.Sprintf("README.md: its pictures have %d bytes, at most %d; make screenshots makes them", size, maxPictures))
	}
	return faults, nil
}

// MakeTargets returns the targets of a tree's Makefile.
func MakeTargets(tree fs.FS) ([]string, error) {
	content, err := fs.ReadFile(tree, "Makefile")
	if err != nil {
		return nil, fmt.Errorf("read the Makefile: %w", err)
	}
	var targets []string
	for _, m := range target.FindAllStringSubmatch(string(content), -1) {
		targets = append(targets, m[1])
	}
	return targets, nil
}

func findDocuments(tree fs.FS) ([]string, error) {
	var names []string
	err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && slices.Contains(skipped, entry.Name()) {
			return fs.SkipDir
		}
		if !entry.IsDir() && path.Ext(name) == ".md" {
			names = append(names, name)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("find documents: %w", err)
	}
	return names, nil
}

func leadsSomewhere(tree fs.FS, document, to string) bool {
	if strings.Contains(to, "://") || strings.HasPrefix(to, "mailto:") || strings.HasPrefix(to, "#") {
		return true // of others, or within the document
	}
	to, _, _ = strings.Cut(to, "#")
	return exists(tree, path.Join(path.Dir(document), to))
}

// pathHolds is false for a path that begins with a folder of the project, and so
// claims to be one of its files, but is not. `shared/event.Decode` is a name in
// the package shared/event; what make builds is not there yet.
func pathHolds(tree fs.FS, quoted string) bool {
	quoted = path.Clean(quoted)
	first, _, _ := strings.Cut(quoted, "/")
	if slices.Contains(skipped, first) || !exists(tree, first) {
		return true
	}
	if exists(tree, quoted) {
		return true
	}
	if i := strings.LastIndex(quoted, "."); i > strings.LastIndex(quoted, "/") {
		name := quoted[i+1:]
		return name != "" && name[0] >= 'A' && name[0] <= 'Z' && exists(tree, quoted[:i])
	}
	return false
}

func exists(tree fs.FS, name string) bool {
	_, err := fs.Stat(tree, name)
	return !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrInvalid)
}
