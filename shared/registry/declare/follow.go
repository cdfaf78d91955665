package declare

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// followAuthor is the author of what Follow puts.
const followAuthor = "config"

// Follow brings a folder of declarations into the registry, at once and again
// whenever a file changes: it looks for changes every interval. Only files that
// changed since they were last applied are put, also over restarts and by several
// processes with equal folders. A fault in the folder is logged once until it is mended,
// also when other files change until then, and leaves the registry as it is. While NATS
// is disconnected or the buckets do not exist, it tries again. It returns nil when ctx
// ends.
func Follow(ctx context.Context, dir string, interval time.Duration, js jetstream.JetStream, log *slog.Logger) error {
	f := follower{fsys: os.DirFS(dir), js: js, log: log.With(slog.String("folder", dir))}
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		f.applyIfChanged(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

type follower struct {
	fsys fs.FS
	js   jetstream.JetStream
	log  *slog.Logger

	// done says that the folder needs no more work as long as it is as listing and
	// content say. They were read at readAt.
	done    bool
	listing listing
	content digest
	readAt  time.Time

	lastError string             // the last one that was logged
	faults    map[FileFault]bool // those of the folder as it is, which were logged
}

// applyIfChanged applies the folder if it changed.
func (f *follower) applyIfChanged(ctx context.Context) {
	current, err := readListing(f.fsys)
	if err != nil {
		f.logError(ctx, err)
		return
	}
	if f.done && current.isSettled(f.listing, f.readAt) {
		return
	}
	readAt := time.Now()
	content, err := digestFiles(f.fsys)
	if err != nil {
		f.logError(ctx, err)
		return
	}
	if f.done && content == f.content {
		f.listing, f.readAt = current, readAt
		return
	}
	f.done = f.applyFolder(ctx)
	f.listing, f.readAt, f.content = current, readAt, content
}

// applyFolder applies the folder and reports whether nothing is left to do until it
// changes.
func (f *follower) applyFolder(ctx context.Context) bool {
	d, err := LoadDir(f.fsys)
	var folder *FolderError
	if errors.As(err, &folder) {
		f.logFaults(ctx, folder.Faults)
		return true
	}
	if err != nil {
		f.logError(ctx, err)
		return false
	}
	f.faults = nil
	changes, err := d.ApplyChanged(ctx, f.js, followAuthor)
	if n := len(changes.Created) + len(changes.Updated); n > 0 {
		f.log.LogAttrs(ctx, slog.LevelInfo, "declarations were applied",
			slog.Int("created", len(changes.Created)), slog.Int("updated", len(changes.Updated)))
	}
	if err != nil {
		if !errors.Is(err, jetstream.ErrBucketNotFound) { // the query API creates them
			f.logError(ctx, err)
		}
		return false
	}
	f.lastError = ""
	return true
}

// logFaults logs the faults that the folder did not have before.
func (f *follower) logFaults(ctx context.Context, faults []FileFault) {
	present := make(map[FileFault]bool, len(faults))
	for _, fault := range faults {
		if !f.faults[fault] && !present[fault] {
			f.log.LogAttrs(ctx, slog.LevelError, "a declaration is faulty; the folder is not applied",
				slog.String("file", fault.File), slog.String("path", fault.Path), slog.String("error", fault.Message))
		}
		present[fault] = true
	}
	f.faults = present
}

// logError logs an error once, not at every attempt that it fails.
func (f *follower) logError(ctx context.Context, err error) {
	if ctx.Err() != nil || f.lastError == err.Error() {
		return
	}
	f.lastError = err.Error()
	f.log.LogAttrs(ctx, slog.LevelError, "the declarations cannot be applied; trying again", slog.String("error", err.Error()))
}

// settleTime is how old the newest change of a folder must be before names, sizes
// and times of its files are enough to see that nothing changed: two edits may
// follow each other within one tick of a file system's clock.
const settleTime = 2 * time.Second

// digest is a SHA-256.
type digest [sha256.Size]byte

// listing is a folder without the content of its files.
type listing struct {
	digest digest    // of names, sizes and times
	newest time.Time // the last change of a file
}

// isSettled reports whether the folder still has the content that it had at readAt,
// with the listing before.
func (l listing) isSettled(before listing, readAt time.Time) bool {
	return l.digest == before.digest && l.newest.Before(readAt.Add(-settleTime))
}

// readListing reads the listing of a folder.
func readListing(fsys fs.FS) (listing, error) {
	h := sha256.New()
	var l listing
	err := eachFile(fsys, ".", func(e entry) error {
		if e.info == nil {
			_, err := fmt.Fprintf(h, "%q\n", e.name)
			return err
		}
		if e.info.ModTime().After(l.newest) {
			l.newest = e.info.ModTime()
		}
		_, err := fmt.Fprintf(h, "%q %s %d %d\n", e.name, e.info.Mode(), e.info.Size(), e.info.ModTime().UnixNano())
		return err
	})
	h.Sum(l.digest[:0])
	return l, err
}

// digestFiles returns the digest of the content of a folder.
func digestFiles(fsys fs.FS) (sum digest, err error) {
	h := sha256.New()
	err = eachFile(fsys, ".", func(e entry) error {
		if why := e.unreadable(); why != "" || !strings.HasSuffix(e.name, extension) {
			_, err := fmt.Fprintf(h, "%q %s\n", e.name, why)
			return err
		}
		raw, err := readBounded(fsys, e.name)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(h, "%q %x\n", e.name, sha256.Sum256(raw))
		return err
	})
	h.Sum(sum[:0])
	return sum, err
}
