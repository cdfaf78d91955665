package backup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// partialSuffix ends the name of a folder that is not complete.
const partialSuffix = ".partial"

// ErrExists says that a folder for a backup has files already.
var ErrExists = errors.New("the folder exists and is not empty: choose another one")

// Writer writes a backup into a folder. It is for one goroutine.
type Writer struct {
	dir, partial string
	manifest     Manifest
}

// Create begins a backup in a folder that does not exist, or is empty. What an
// interrupted backup left under the same name is removed. The caller must call
// Complete or Discard.
func Create(dir string) (*Writer, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("find the folder: %w", err)
	}
	if err := checkEmpty(dir); err != nil {
		return nil, err
	}
	w := &Writer{dir: dir, partial: dir + partialSuffix}
	if err := os.RemoveAll(w.partial); err != nil {
		return nil, fmt.Errorf("remove the rest of an interrupted backup: %w", err)
	}
	if err := os.MkdirAll(w.partial, 0o700); err != nil {
		return nil, fmt.Errorf("create the folder: %w", err)
	}
	w.manifest.Format = format
	return w, nil
}

// checkEmpty returns nil for a folder that does not exist, or is empty.
func checkEmpty(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("look into the folder: %w", err)
	case len(entries) > 0:
		return fmt.Errorf("%s: %w", dir, ErrExists)
	}
	return nil
}

// AddPart writes one part from a reader. answer is File.Stream. A part that fails may
// be added again.
func (w *Writer) AddPart(part string, answer jsontext.Value, r io.Reader) error {
	name := filepath.Join(w.partial, filepath.FromSlash(pathOf(part)))
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return fmt.Errorf("create the folder of part %s: %w", part, err)
	}
	if answer != nil {
		if err := writeSynced(filepath.Join(filepath.Dir(name), answerFile), answer); err != nil {
			return err
		}
	}
	sum := sha256.New()
	n, err := copySynced(name, sum, r)
	if err != nil {
		return fmt.Errorf("write part %s: %w", part, err)
	}
	w.manifest.Files = append(w.manifest.Files, File{
		Part: part, Path: pathOf(part), Bytes: n, SHA256: hex.EncodeToString(sum.Sum(nil)), Stream: answer,
	})
	return nil
}

// Complete writes the manifest with the values of m, except for the files, and gives
// the folder its name.
func (w *Writer) Complete(m Manifest) (*Manifest, error) {
	m.Format, m.Files = format, w.manifest.Files
	if err := m.checkFiles(); err != nil {
		return nil, err
	}
	raw, err := json.Marshal(m, jsontext.WithIndent("  "))
	if err != nil {
		return nil, fmt.Errorf("encode the manifest: %w", err)
	}
	if err := writeSynced(filepath.Join(w.partial, manifestFile), raw); err != nil {
		return nil, err
	}
	if err := os.Remove(w.dir); err != nil && !errors.Is(err, os.ErrNotExist) { // it is empty
		return nil, fmt.Errorf("replace the empty folder: %w", err)
	}
	if err := os.Rename(w.partial, w.dir); err != nil {
		return nil, fmt.Errorf("name the folder: %w", err)
	}
	return &m, syncDir(filepath.Dir(w.dir))
}

// Discard removes the files of a backup that is not complete.
func (w *Writer) Discard() error {
	if err := os.RemoveAll(w.partial); err != nil {
		return fmt.Errorf("remove an incomplete backup: %w", err)
	}
	return nil
}

// copySynced writes a new file, and its bytes into sum, and syncs it.
func copySynced(name string, sum hash.Hash, r io.Reader) (int64, error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600) //nolint:gosec // the user names the folder
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(io.MultiWriter(f, sum), r)
	if err == nil {
		err = f.Sync()
	}
	return n, errors.Join(err, f.Close())
}

func writeSynced(name string, content []byte) error {
	_, err := copySynced(name, sha256.New(), strings.NewReader(string(content)))
	if err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(name), err)
	}
	return nil
}

// syncDir makes a new name in a folder durable, where the system can.
func syncDir(dir string) error {
	f, err := os.Open(dir) //nolint:gosec // the folder of the backup
	if err != nil {
		return nil //nolint:nilerr // not every system opens folders
	}
	_ = f.Sync()
	return f.Close()
}

// Folder is a complete backup whose files have been verified.
type Folder struct {
	Manifest
	dir string
}

// Open verifies a backup: it reads every file and calls progress with the bytes read.
// The error is ErrNoBackup, ErrPartial or ErrDamaged for a folder that cannot be
// restored.
func Open(ctx context.Context, dir string, progress func(bytes int64)) (*Folder, error) {
	m, err := readManifest(dir)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	f := &Folder{*m, dir}
	for _, file := range m.Files {
		if err := f.verifyFile(ctx, file, progress); err != nil {
			return nil, fmt.Errorf("%s: %w", dir, err)
		}
	}
	return f, nil
}

// TotalBytes is the size of all parts.
func (m *Manifest) TotalBytes() (n int64) {
	for _, f := range m.Files {
		n += f.Bytes
	}
	return n
}

// OpenFile opens the file of a part.
func (f *Folder) OpenFile(file File) (*os.File, error) {
	name := filepath.Join(f.dir, filepath.FromSlash(file.Path))
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if !info.Mode().IsRegular() || info.Size() != file.Bytes {
		return nil, fmt.Errorf("%w: %s has %d bytes and not %d", ErrDamaged, file.Path, info.Size(), file.Bytes)
	}
	in, err := os.Open(name) //nolint:gosec // one of the fixed names
	if err != nil {
		return nil, fmt.Errorf("open part %s: %w", file.Part, err)
	}
	return in, nil
}

func (f *Folder) verifyFile(ctx context.Context, file File, progress func(int64)) error {
	in, err := f.OpenFile(file)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	sum := sha256.New()
	if _, err := io.Copy(sum, &countingReader{ctx, in, progress}); err != nil {
		return fmt.Errorf("read %s: %w", file.Path, err)
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != file.SHA256 {
		return fmt.Errorf("%w: %s has another SHA-256 than the manifest", ErrDamaged, file.Path)
	}
	return nil
}

// countingReader reports the bytes that it reads, and ends with ctx.
type countingReader struct {
	ctx      context.Context
	r        io.Reader
	progress func(int64)
}

// Read implements io.Reader.
func (c *countingReader) Read(p []byte) (int, error) {
	if c.ctx.Err() != nil {
		return 0, context.Cause(c.ctx)
	}
	n, err := c.r.Read(p)
	c.progress(int64(n))
	return n, err
}
