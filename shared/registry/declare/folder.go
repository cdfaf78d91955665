package declare

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
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/registry/editor"
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

// FolderError lists everything that is wrong with a folder of declarations.
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
// policy.json. All are optional, and the folder may hold other text: names that
// start with a dot or end in .md are skipped. The error is a *FolderError with
// every fault of every file, or one of the file system.
func LoadDir(fsys fs.FS) (*Declarations, error) {
	l := loader{fsys: fsys, owners: map[string]string{}}
	if err := l.loadRoot(); err != nil {
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

// loader collects the declarations of a folder and their faults.
type loader struct {
	fsys   fs.FS
	files  []file
	faults []FileFault
	owners map[string]string // of write keys: files by digest
}

func (l *loader) addFault(name, format string, args ...any) {
	l.faults = append(l.faults, FileFault{name, event.Fault{
		Code: schema.CodeInvalidDeclaration, Message: fmt.Sprintf(format, args...),
	}})
}

// addFile adds a file that was checked, with its faults.
func (l *loader) addFile(name string, raw []byte, d editor.Declaration, faults []event.Fault) {
	for _, fault := range faults {
		l.faults = append(l.faults, FileFault{name, fault})
	}
	l.files = append(l.files, file{name, raw, d})
}

// visitFolder calls load for every file and folder in a folder.
func (l *loader) visitFolder(folder string, load func(name string, isDir bool) error) error {
	return eachEntry(l.fsys, folder, func(e entry) error {
		if why := e.unreadable(); why != "" {
			l.addFault(e.name, "%s; a declaration is a plain file, or a link to one", why)
			return nil
		}
		return load(e.name, e.info.IsDir())
	})
}

func (l *loader) loadRoot() error {
	return l.visitFolder(".", func(name string, isDir bool) error {
		switch {
		case name == applicationsFolder && isDir:
			return l.visitFolder(name, l.loadApplication)
		case name == schemasFolder && isDir:
			return l.visitFolder(name, l.loadCategory)
		case name == policyFile && !isDir:
			return l.loadPolicy(name)
		}
		l.addFault(name, "is not known here; a folder of declarations has %s/, %s/ and %s", applicationsFolder, schemasFolder, policyFile)
		return nil
	})
}

func (l *loader) loadPolicy(name string) error {
	raw, err := l.readFile(name)
	if err != nil {
		return err
	}
	d, faults := editor.CheckPolicy(raw)
	l.addFile(name, raw, d, faults)
	return nil
}

func (l *loader) loadCategory(folder string, isDir bool) error {
	if !isDir {
		l.addFault(folder, "is not known here; a schema is %s/<category>/<name>%s", schemasFolder, extension)
		return nil
	}
	return l.visitFolder(folder, l.loadSchema)
}

func (l *loader) loadSchema(name string, isDir bool) error {
	base, ok := l.baseName(name, isDir)
	if !ok {
		return nil
	}
	t, err := schema.UnescapeType(path.Base(path.Dir(name)), base)
	if err != nil {
		l.addFault(name, "is not the file of a type: %v", err)
		return nil
	}
	if _, err := registry.TypeKey(t); err != nil {
		l.addFault(name, "%v", err)
		return nil
	}
	raw, err := l.readFile(name)
	if err != nil {
		return err
	}
	// A file of theeye schema show -o: the folder decides, whatever it was taken from.
	raw, _, err = schema.CutRevision(raw)
	if err != nil {
		l.addFault(name, "%v", err)
		return nil
	}
	d, faults := editor.CheckSchema(t, raw)
	l.addFile(name, raw, d, faults)
	return nil
}

func (l *loader) loadApplication(name string, isDir bool) error {
	base, ok := l.baseName(name, isDir)
	if !ok {
		return nil
	}
	if !stream.ValidApplication(base) {
		l.addFault(name, "is not the file of an application: a name must have 1 to 32 of a-z, 0-9 and -, and must not start with -")
		return nil
	}
	raw, err := l.readFile(name)
	if err != nil {
		return err
	}
	d, faults := editor.CheckApplication(base, raw)
	for i, sum := range d.Digests() {
		if owner, taken := l.owners[sum]; taken && owner != name && sum != "" {
			l.addFault(name, "write key %d is also one of %s", i, owner)
		}
		l.owners[sum] = name
	}
	l.addFile(name, raw, d, faults)
	return nil
}

// baseName returns the name of a declaration's file without its extension.
func (l *loader) baseName(name string, isDir bool) (string, bool) {
	base, ok := strings.CutSuffix(path.Base(name), extension)
	if !ok || isDir {
		l.addFault(name, "is not known here; the names of the files must end in %s", extension)
		return "", false
	}
	return base, true
}

// readFile reads one more file of the folder.
func (l *loader) readFile(name string) ([]byte, error) {
	if len(l.files) >= maxFiles {
		return nil, fmt.Errorf("there are more than %d files", maxFiles)
	}
	return readBounded(l.fsys, name)
}

// readBounded reads a file, but no more than one byte over what a declaration
// may have.
func readBounded(fsys fs.FS, name string) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	switch {
	case err != nil || !info.Mode().IsRegular(): // it was replaced since
		return nil, errors.Join(err, fmt.Errorf("%s is no plain file", name), f.Close())
	case info.Size() == 0: // reading some files of /proc blocks; they have no size
		return nil, f.Close()
	}
	raw, err := io.ReadAll(io.LimitReader(f, schema.MaxBytes+1))
	return raw, errors.Join(err, f.Close())
}

// maxFolders is how deep declarations lie: schemas/<category>/.
const maxFolders = 2

// entry is an entry of a folder. Links are followed; a link that leads nowhere has
// no info.
type entry struct {
	name string
	info fs.FileInfo
}

// unreadable says why an entry is neither a plain file nor a folder, "" if it is.
// Reading another one may block for ever, or have no end.
func (e entry) unreadable() string {
	if e.info == nil {
		return "is a link that leads nowhere, or in a circle"
	}
	switch mode := e.info.Mode(); {
	case mode.IsRegular(), mode.IsDir():
		return ""
	case mode&fs.ModeNamedPipe != 0:
		return "is a named pipe"
	case mode&fs.ModeSocket != 0:
		return "is a socket"
	case mode&fs.ModeDevice != 0:
		return "is a device"
	}
	return "is a special file"
}

// eachFile visits the entries of a folder and its subfolders by name, without the
// folders and those that LoadDir skips. It follows links.
func eachFile(fsys fs.FS, folder string, visit func(entry) error) error {
	return eachEntry(fsys, folder, func(e entry) error {
		if e.info == nil || !e.info.IsDir() {
			return visit(e)
		}
		if strings.Count(e.name, "/") >= maxFolders {
			return nil // deeper than any declaration
		}
		return eachFile(fsys, e.name, visit)
	})
}

// eachEntry visits the entries of a folder.
func eachEntry(fsys fs.FS, folder string, visit func(entry) error) error {
	entries, err := fs.ReadDir(fsys, folder)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") || strings.HasSuffix(e.Name(), ".md") {
			continue
		}
		name := path.Join(folder, e.Name())
		info, err := fs.Stat(fsys, name)
		if err != nil && e.Type()&fs.ModeSymlink == 0 {
			return err
		}
		if err := visit(entry{name, info}); err != nil {
			return err
		}
	}
	return nil
}
