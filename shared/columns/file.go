package columns

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"

	"github.com/cespare/xxhash/v2"
	"github.com/parquet-go/parquet-go"
)

// ErrDamaged says that a file is not a part of the store as this program writes it:
// damaged, foreign, of another store or version. It should be removed and built again.
var ErrDamaged = errors.New("columns: file is damaged or foreign")

// Write writes the part as a Parquet file under a temporary name, syncs it and gives it
// its name. What stood under the name is replaced. The folder has to exist.
func (p *Part) Write(ctx context.Context, file, storeID string) (err error) {
	temporary, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*"+temporarySuffix)
	if err != nil {
		return fmt.Errorf("columns: %w", err)
	}
	defer func() {
		if err != nil {
			_ = temporary.Close()
			_ = os.Remove(temporary.Name())
			err = fmt.Errorf("columns: writing %s: %w", file, err)
		}
	}()
	if err := writeChecked(ctx, p, temporary, storeID); err != nil {
		return err
	}
	if err := temporary.Sync(); err != nil {
		return err
	}
	if err := temporary.Close(); err != nil {
		return err
	}
	if err := os.Rename(temporary.Name(), file); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(file))
}

// temporarySuffix ends the names of files that are being written. Readers of the folder
// look for .parquet.
const temporarySuffix = ".tmp"

// writeChecked writes a part, then the checksum into the place that the footer has.
func writeChecked(ctx context.Context, p *Part, file *os.File, storeID string) error {
	entries, err := encodeFooter(&p.meta, storeID)
	if err != nil {
		return err
	}
	h := xxhash.New()
	if err := encodePart(ctx, p, io.MultiWriter(file, h), entries); err != nil {
		return err
	}
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	at, _, err := findChecksum(file, size)
	if err != nil {
		return err
	}
	_, err = file.WriteAt([]byte(checksumText(h.Sum64())[len(checksumPrefix):]), at)
	return err
}

// Open opens a file that Write wrote for a store. It reads the whole file once to verify
// its checksum, then vectors when they are asked for, which the cache keeps. Bytes that
// have changed since then are ErrDamaged when a vector needs them. The error is
// ErrDamaged for every file that is anything else, or one of the file system. The part
// holds the file open until the garbage collector finds it unused, and the file
// may be removed before that.
func Open(file, storeID string, cache *Cache) (*Part, error) {
	f, err := os.Open(file) //nolint:gosec // the caller names the file
	if err != nil {
		return nil, fmt.Errorf("columns: %w", err)
	}
	p, err := openPart(f, storeID, cache)
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("columns: %s: %w", file, err)
	}
	return p, nil
}

func openPart(f *os.File, storeID string, cache *Cache) (p *Part, err error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: no regular file", ErrDamaged)
	}
	verified, err := verifyChecksum(f, info.Size())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	s := &fileSource{file: verified}
	err = guard(func() error {
		file, err := s.parse()
		if err != nil {
			return err
		}
		text, _ := file.Lookup(entryPart)
		lists, _ := file.Lookup(entryLists)
		if s.meta, err = decodeFooter(text, lists, storeID); err != nil {
			return err
		}
		return s.checkColumns(file)
	})
	if err != nil {
		return nil, err
	}
	p = &Part{meta: s.meta, source: s, tree: newTree(s.meta.paths)}
	p.UseCache(cache)
	return p, nil
}

// guard turns a failure or a panic of the library into ErrDamaged, but leaves the end of a
// context.
func guard(work func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v\n%s", ErrDamaged, r, debug.Stack())
		} else if err != nil && !isContextError(err) && !errors.Is(err, ErrDamaged) {
			err = fmt.Errorf("%w: %w", ErrDamaged, err)
		}
	}()
	return work()
}

// fileSource reads the vectors of a part from its file.
type fileSource struct {
	file *verifiedFile
	meta meta
}

// parse reads the footer. It is not kept: the footers of all files together would take as
// much memory as a column, and to read one costs little beside a vector.
func (s *fileSource) parse() (*parquet.File, error) {
	return parquet.OpenFile(s.file.newReader(), s.file.size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
}

// checkColumns refuses a file whose rows are not those of its description.
func (s *fileSource) checkColumns(file *parquet.File) error {
	if file.NumRows() != int64(s.meta.rows) || len(file.RowGroups()) > 1 {
		return fmt.Errorf("%d rows in %d row groups, not %d", file.NumRows(), len(file.RowGroups()), s.meta.rows)
	}
	index, err := columnIndex(file.Schema())
	if err != nil {
		return err
	}
	for _, name := range []string{
		columnEventID, columnDocumentID, columnSessionID, columnCategory, columnName, columnTimestamp, columnReceived, columnExpires,
		columnStatus, columnErrors, columnSchema, columnSlot,
	} {
		if _, ok := index[name]; !ok {
			return fmt.Errorf("no column %q", name)
		}
	}
	return nil
}
