package backup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// format is the format of a manifest; a later one is refused.
const format = 1

// maxManifestBytes bounds the manifest that is read.
const maxManifestBytes = 1 << 20

// Manifest describes a backup.
type Manifest struct {
	Format int `json:"format"`
	// CreatedAt is when the backup was complete, Version the build that made it.
	CreatedAt time.Time `json:"created_at"`
	Version   string    `json:"version"`
	// Epoch identifies the stream of events, and KeptFrom is its first sequence
	// that no processor had purged when the backup was complete.
	Epoch    int64  `json:"epoch"`
	KeptFrom uint64 `json:"kept_from"`
	// Files are the parts, in the order in which they were copied.
	Files []File `json:"files"`
}

// File is the file of one part.
type File struct {
	Part   string `json:"part"`
	Path   string `json:"path"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
	// Stream is the server's answer to the request for a snapshot, with the
	// configuration and the state of the stream; absent for the store.
	Stream jsontext.Value `json:"stream,omitzero"`
}

// HasStore reports whether the backup has the embedded store.
func (m *Manifest) HasStore() bool {
	return slices.ContainsFunc(m.Files, func(f File) bool { return f.Part == PartStore })
}

// Errors of a folder that cannot be restored.
var (
	// ErrPartial is a backup that was interrupted.
	ErrPartial = errors.New("the backup is not complete: it was interrupted, or is being made")
	// ErrDamaged is a backup whose files are not as they were written.
	ErrDamaged = errors.New("the backup is damaged")
	// ErrNoBackup is a folder with other files, or without any.
	ErrNoBackup = errors.New("the folder is not a backup of theeye")
)

// readManifest reads the manifest of a folder.
func readManifest(dir string) (*Manifest, error) {
	name := filepath.Join(dir, manifestFile)
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, os.ErrNotExist):
		if _, err := os.Stat(filepath.Join(dir, streamsDir)); err == nil {
			return nil, ErrPartial
		}
		return nil, ErrNoBackup
	case err != nil:
		return nil, fmt.Errorf("read the manifest: %w", err)
	case !info.Mode().IsRegular() || info.Size() > maxManifestBytes:
		return nil, ErrNoBackup
	}
	raw, err := os.ReadFile(name) //nolint:gosec // the user names the folder
	if err != nil {
		return nil, fmt.Errorf("read the manifest: %w", err)
	}
	m := new(Manifest)
	if err := json.Unmarshal(raw, m); err != nil {
		return nil, fmt.Errorf("%w: its manifest cannot be read: %w", ErrDamaged, err)
	}
	if m.Format != format {
		return nil, fmt.Errorf("the backup has format %d, and this version reads %d: use the version that made it", m.Format, format)
	}
	return m, m.checkFiles()
}

// checkFiles checks that the manifest has every part, at its place and in order.
func (m *Manifest) checkFiles() error {
	want := slices.Clone(Parts)
	if !m.HasStore() {
		want = slices.DeleteFunc(want, func(part string) bool { return part == PartStore })
	}
	if len(m.Files) != len(want) {
		return fmt.Errorf("%w: it has %d parts of %d", ErrDamaged, len(m.Files), len(want))
	}
	for i, f := range m.Files {
		if f.Part != want[i] || f.Path != pathOf(f.Part) {
			return fmt.Errorf("%w: part %d is %q in %q", ErrDamaged, i, f.Part, f.Path)
		}
	}
	return nil
}
