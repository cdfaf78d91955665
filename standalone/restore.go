package standalone

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/processor/audit"
	"github.com/theeye/theeye/shared/backup"
	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/shared/natsd"
	"github.com/theeye/theeye/shared/store/sqlite"
	"github.com/theeye/theeye/shared/stream"
)

// restoringSuffix ends the name of a data folder that is not complete.
const restoringSuffix = ".restoring"

// RestoreConfig says what to restore, and where. Every field is needed.
type RestoreConfig struct {
	// Backup is the folder of a backup. DataDir must not exist, or be empty.
	Backup, DataDir string
	// Progress is called with the bytes that were read since its last call: all of
	// the backup are read twice.
	Progress func(bytes int64)
	Logger   *slog.Logger
}

// Restored says what a restored data folder has.
type Restored struct {
	backup.Manifest
	// LastSeq is the end of the stream: the moment of the backup.
	LastSeq uint64
	// Removed is the number of documents that belonged to events behind it.
	Removed int64
}

// Restore makes a data folder from a backup. The folder appears under its name when
// it is complete. Errors of class daemon.ErrUsage are of the folders: a data folder
// in use, or a backup that is partial or damaged.
func Restore(ctx context.Context, cfg RestoreConfig) (Restored, error) {
	dir, err := filepath.Abs(cfg.DataDir)
	if err != nil {
		return Restored{}, fmt.Errorf("find the data folder: %w", err)
	}
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return Restored{}, fmt.Errorf("%w: the data folder %s is not empty: a backup is restored into a new one alone", daemon.ErrUsage, dir)
	}
	folder, err := backup.Open(ctx, cfg.Backup, cfg.Progress)
	if err != nil {
		if ctx.Err() == nil {
			err = fmt.Errorf("%w: %w", daemon.ErrUsage, err)
		}
		return Restored{}, err
	}
	r := &restorer{cfg: cfg, folder: folder, dir: dir + restoringSuffix, result: Restored{Manifest: folder.Manifest}}
	if err := r.restore(ctx); err != nil {
		return Restored{}, errors.Join(err, os.RemoveAll(r.dir))
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, os.ErrNotExist) { // it is empty
		return Restored{}, fmt.Errorf("replace the empty data folder: %w", err)
	}
	if err := os.Rename(r.dir, dir); err != nil {
		return Restored{}, fmt.Errorf("name the data folder: %w", err)
	}
	return r.result, nil
}

// restorer fills a folder from a backup.
type restorer struct {
	cfg    RestoreConfig
	folder *backup.Folder
	dir    string
	result Restored
}

func (r *restorer) restore(ctx context.Context) error {
	if err := os.RemoveAll(r.dir); err != nil {
		return fmt.Errorf("remove the rest of an interrupted restoration: %w", err)
	}
	if err := r.restoreStreams(ctx); err != nil {
		return err
	}
	if r.folder.HasStore() {
		if err := r.restoreStore(ctx); err != nil {
			return err
		}
	}
	return syncTree(r.dir)
}

// restoreStreams restores every stream by a server that only this process reaches.
func (r *restorer) restoreStreams(ctx context.Context) (err error) {
	srv, err := natsd.Start(natsd.Config{Dir: r.dir, MinFree: 1, Unsynced: true, Logger: r.cfg.Logger})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, srv.Close()) }()
	nc, err := srv.Connect()
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return fmt.Errorf("open JetStream: %w", err)
	}
	if err := r.checkRoom(srv); err != nil {
		return err
	}
	for _, f := range r.streamFiles() {
		if err := r.restoreStream(ctx, srv, js, f); err != nil {
			return err
		}
	}
	// A processor may have purged while the stream was copied. Messages that are
	// gone without a mark would count as lost.
	marks := audit.NewMarks(js, func() int64 { return r.folder.Epoch }, r.cfg.Logger)
	if err := marks.MarkPurged(ctx, r.folder.KeptFrom); err != nil {
		return fmt.Errorf("restore the marks of the stream: %w", err)
	}
	return nil
}

// streamFiles are the files of streams in the order in which they are restored: the
// changes are copied from the buckets, so these come first.
func (r *restorer) streamFiles() []backup.File {
	files := slices.DeleteFunc(slices.Clone(r.folder.Files), func(f backup.File) bool { return f.Part == backup.PartStore })
	slices.SortStableFunc(files, func(a, b backup.File) int {
		rank := func(f backup.File) int {
			if f.Part == stream.Changes {
				return 1
			}
			return 0
		}
		return rank(a) - rank(b)
	})
	return files
}

// snapshotState has the parts of a snapshot's answer that are compared.
type snapshotState struct {
	State struct {
		Messages uint64 `json:"messages"`
		Bytes    uint64 `json:"bytes"`
		LastSeq  uint64 `json:"last_seq"`
	} `json:"state"`
}

func readState(f backup.File) (s snapshotState, err error) {
	if err := json.Unmarshal(f.Stream, &s); err != nil {
		return s, fmt.Errorf("%w: the state of %s: %w", backup.ErrDamaged, f.Part, err)
	}
	return s, nil
}

// checkRoom makes sure that the disk has room for everything.
func (r *restorer) checkRoom(srv *natsd.Server) error {
	var needed uint64
	for _, f := range r.folder.Files {
		if f.Part == backup.PartStore {
			needed += uint64(max(f.Bytes, 0))
			continue
		}
		s, err := readState(f)
		if err != nil {
			return err
		}
		needed += s.State.Bytes
	}
	free, err := srv.Free()
	if err != nil {
		return fmt.Errorf("measure the free space: %w", err)
	}
	if needed > free {
		return fmt.Errorf("the data folder needs %d bytes; its disk has %d", needed, free)
	}
	return nil
}

func (r *restorer) restoreStream(ctx context.Context, srv *natsd.Server, js jetstream.JetStream, f backup.File) error {
	want, err := readState(f)
	if err != nil {
		return err
	}
	in, err := r.folder.OpenFile(f)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	if err := srv.RestoreStream(ctx, f.Stream, &progressReader{in, r.cfg.Progress}); err != nil {
		return err
	}
	s, err := js.Stream(ctx, f.Part)
	if err != nil {
		return fmt.Errorf("look up stream %s: %w", f.Part, err)
	}
	// Messages that were purged while it was copied are missing.
	if got := s.CachedInfo().State; got.LastSeq != want.State.LastSeq || got.Msgs > want.State.Messages {
		return fmt.Errorf("%w: stream %s has %d messages up to %d, and not %d up to %d", backup.ErrDamaged,
			f.Part, got.Msgs, got.LastSeq, want.State.Messages, want.State.LastSeq)
	}
	if f.Part != stream.Name {
		return nil
	}
	if epoch := stream.EpochOf(s.CachedInfo()); epoch != r.folder.Epoch {
		return fmt.Errorf("%w: the stream has epoch %d, and not %d", backup.ErrDamaged, epoch, r.folder.Epoch)
	}
	r.result.LastSeq = want.State.LastSeq
	return nil
}

// restoreStore copies the database and removes documents whose events are not in the
// stream.
func (r *restorer) restoreStore(ctx context.Context) (err error) {
	path := filepath.Join(r.dir, databaseName)
	i := slices.IndexFunc(r.folder.Files, func(f backup.File) bool { return f.Part == backup.PartStore })
	in, err := r.folder.OpenFile(r.folder.Files[i])
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the folder of this restoration
	if err != nil {
		return fmt.Errorf("restore the store: %w", err)
	}
	if _, err := io.Copy(out, &progressReader{in, r.cfg.Progress}); err != nil {
		return errors.Join(fmt.Errorf("restore the store: %w", err), out.Close())
	}
	if err := out.Close(); err != nil {
		return fmt.Errorf("restore the store: %w", err)
	}
	st, err := sqlite.Open(ctx, sqlite.Config{Path: path, SweepEvery: -1, Logger: r.cfg.Logger})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close(context.WithoutCancel(ctx))) }()
	r.result.Removed, err = st.RemoveBehind(ctx, r.folder.Epoch, r.result.LastSeq)
	return err
}

// progressReader reports the bytes that it reads.
type progressReader struct {
	io.Reader
	progress func(int64)
}

// Read implements io.Reader.
func (p *progressReader) Read(b []byte) (int, error) {
	n, err := p.Reader.Read(b)
	p.progress(int64(n))
	return n, err
}

// syncTree syncs every file of a folder.
func syncTree(dir string) error {
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		f, err := os.OpenFile(path, os.O_RDWR, 0) //nolint:gosec // the folder of this restoration
		if err != nil {
			return err
		}
		return errors.Join(f.Sync(), f.Close())
	})
	if err != nil {
		return fmt.Errorf("sync the data folder: %w", err)
	}
	return nil
}
