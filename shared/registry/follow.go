package registry

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// followAuthor is the author of what Follow puts.
const followAuthor = "config"

// Follow brings a folder of declarations into the registry, at once and again
// whenever a file changes: it looks every so often. Only files that changed
// since they were last applied are put, also over restarts and by several
// processes with equal folders. Faults in the folder are logged once and leave
// the registry as it is; while NATS or the buckets are not there it tries again.
// It returns nil when ctx ends.
func Follow(ctx context.Context, dir string, every time.Duration, js jetstream.JetStream, log *slog.Logger) error {
	f := follower{fsys: os.DirFS(dir), js: js, log: log.With(slog.String("folder", dir))}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		f.look(ctx)
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

	done bool        // with what seen and read tell
	seen fingerprint // of the folder when it was last read
	at   time.Time   // when that was
	read digest      // of its content then
	said string      // the last trouble that was logged
}

// look applies the folder if it changed.
func (f *follower) look(ctx context.Context) {
	seen, err := outside(f.fsys)
	if err != nil {
		f.trouble(ctx, err)
		return
	}
	if f.done && seen.settled(f.seen, f.at) {
		return
	}
	at := time.Now()
	read, err := inside(f.fsys)
	if err != nil {
		f.trouble(ctx, err)
		return
	}
	if f.done && read == f.read {
		f.seen, f.at = seen, at
		return
	}
	f.done = f.apply(ctx)
	f.seen, f.at, f.read = seen, at, read
}

// apply applies the folder and reports whether it is done with it until it
// changes.
func (f *follower) apply(ctx context.Context) bool {
	d, err := LoadDir(f.fsys)
	var folder *FolderError
	if errors.As(err, &folder) {
		for _, fault := range folder.Faults {
			f.log.LogAttrs(ctx, slog.LevelError, "a declaration is faulty; the folder is not applied",
				slog.String("file", fault.File), slog.String("path", fault.Path), slog.String("error", fault.Message))
		}
		return true
	}
	if err != nil {
		f.trouble(ctx, err)
		return false
	}
	changes, err := d.ApplyChanged(ctx, f.js, followAuthor)
	if n := len(changes.Created) + len(changes.Updated); n > 0 {
		f.log.LogAttrs(ctx, slog.LevelInfo, "declarations were applied",
			slog.Int("created", len(changes.Created)), slog.Int("updated", len(changes.Updated)))
	}
	if err != nil {
		if !errors.Is(err, jetstream.ErrBucketNotFound) { // the processor makes them
			f.trouble(ctx, err)
		}
		return false
	}
	f.said = ""
	return true
}

// trouble logs what does not go away by itself once, not at every look.
func (f *follower) trouble(ctx context.Context, err error) {
	if ctx.Err() != nil || f.said == err.Error() {
		return
	}
	f.said = err.Error()
	f.log.LogAttrs(ctx, slog.LevelError, "the declarations cannot be applied; trying again", slog.String("error", err.Error()))
}
