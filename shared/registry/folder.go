package registry

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/stream"
)

// The layout of a folder of declarations.
const (
	policyFile         = "policy.json"
	schemasFolder      = "schemas"
	applicationsFolder = "applications"
	extension          = ".json"
)

// maxFiles bounds the files of a folder.
const maxFiles = 50_000

// FileFault is a fault of one file.
type FileFault struct {
	// File is its path in the folder, with slashes.
	File string
	event.Fault
}

// FolderError says everything that is wrong with a folder of declarations.
type FolderError struct{ Faults []FileFault }

// Error lists the faults, one a line.
func (e *FolderError) Error() string {
	lines := make([]string, 0, len(e.Faults)+1)
	lines = append(lines, fmt.Sprintf("the declarations have %d faults", len(e.Faults)))
	for _, f := range e.Faults {
		line := f.File
		if f.Path != "" {
			line += " " + f.Path
		}
		lines = append(lines, line+": "+f.Message)
	}
	return strings.Join(lines, "\n")
}

// LoadDir reads a folder of declarations: applications/<name>.json,
// schemas/<category>/<name>.json with both escaped as in subjects, and
// policy.json. All are optional, and so is other text beside them: names that
// start with a dot or end in .md are passed over. The error is a *FolderError
// with every fault of every file, or one of the file system.
func LoadDir(fsys fs.FS) (*Declarations, error) {
	l := loader{fsys: fsys, owners: map[string]string{}}
	if err := l.root(); err != nil {
		return nil, fmt.Errorf("read the declarations: %w", err)
	}
	if len(l.faults) > 0 {
		slices.SortStableFunc(l.faults, func(a, b FileFault) int {
			return cmp.Or(strings.Compare(a.File, b.File), strings.Compare(a.Path, b.Path))
		})
		return nil, &FolderError{l.faults}
	}
	return &Declarations{files: l.files}, nil
}

type loader struct {
	fsys   fs.FS
	files  []file
	faults []FileFault
	owners map[string]string // of write keys, by digest
}

func (l *loader) fault(name, format string, args ...any) {
	l.faults = append(l.faults, FileFault{name, event.Fault{
		Code: schema.CodeInvalidDeclaration, Message: fmt.Sprintf(format, args...),
	}})
}

// entries visits a folder.
func (l *loader) entries(folder string, use func(name string, isDir bool) error) error {
	return eachEntry(l.fsys, folder, func(name string, info fs.FileInfo) error {
		return use(name, info.IsDir())
	})
}

func (l *loader) root() error {
	return l.entries(".", func(name string, isDir bool) error {
		switch {
		case name == applicationsFolder && isDir:
			return l.entries(name, l.application)
		case name == schemasFolder && isDir:
			return l.entries(name, l.category)
		case name == policyFile && !isDir:
			return l.read(name, l.policy)
		}
		l.fault(name, "is not known here; a folder of declarations has %s/, %s/ and %s", applicationsFolder, schemasFolder, policyFile)
		return nil
	})
}

// read reads a file.
func (l *loader) read(name string, use func(name string, raw []byte)) error {
	if len(l.files) >= maxFiles {
		return fmt.Errorf("there are more than %d files", maxFiles)
	}
	raw, err := readBounded(l.fsys, name)
	if err != nil {
		return err
	}
	use(name, raw)
	return nil
}

// readBounded reads a file, but no more than one byte over what a declaration
// may have.
func readBounded(fsys fs.FS, name string) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(io.LimitReader(f, schema.MaxBytes+1))
	return raw, errors.Join(err, f.Close())
}

// baseName returns the name of a declaration's file without its extension.
func (l *loader) baseName(name string, isDir bool) (string, bool) {
	base, ok := strings.CutSuffix(path.Base(name), extension)
	if !ok || isDir {
		l.fault(name, "is not known here; the files have names that end in %s", extension)
		return "", false
	}
	return base, true
}

func (l *loader) add(f file, faults []event.Fault) {
	for _, fault := range faults {
		l.faults = append(l.faults, FileFault{f.name, fault})
	}
	l.files = append(l.files, f)
}

func (l *loader) policy(name string, raw []byte) {
	_, faults := schema.ParsePolicy(raw)
	l.add(newFile(name, policyPlace, raw), faults)
}

func (l *loader) category(folder string, isDir bool) error {
	if !isDir {
		l.fault(folder, "is not known here; a schema is %s/<category>/<name>%s", schemasFolder, extension)
		return nil
	}
	return l.entries(folder, func(name string, isDir bool) error {
		base, ok := l.baseName(name, isDir)
		if !ok {
			return nil
		}
		t, err := schema.UnescapeType(path.Base(folder), base)
		if err != nil {
			l.fault(name, "is no type's file: %v", err)
			return nil
		}
		p, err := schemaPlace(t)
		if err != nil {
			l.fault(name, "%v", err)
			return nil
		}
		return l.read(name, func(name string, raw []byte) {
			c, faults := readSchema(raw)
			f := newFile(name, p, raw)
			f.content = c
			l.add(f, faults)
		})
	})
}

func (l *loader) application(name string, isDir bool) error {
	base, ok := l.baseName(name, isDir)
	if !ok {
		return nil
	}
	if !stream.ValidApplication(base) {
		l.fault(name, "is no application's file: a name has 1 to 32 of a-z, 0-9 and -, and starts with none of -")
		return nil
	}
	return l.read(name, func(name string, raw []byte) {
		keys, faults := parseApplication(raw)
		for i, k := range keys {
			if owner, taken := l.owners[k.SHA256]; taken && owner != name && k.SHA256 != "" {
				l.fault(name, "write key %d is also one of %s", i, owner)
			}
			l.owners[k.SHA256] = name
		}
		l.add(newFile(name, applicationPlace(base), raw), faults)
	})
}
