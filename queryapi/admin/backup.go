package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"

	"github.com/go-json-experiment/json"

	"github.com/theeye/theeye/queryapi/problem"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/backup"
	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/shared/kv"
	"github.com/theeye/theeye/shared/stream"
)

// EmbeddedStore is a store in the data folder of this process, of which a backup has
// a copy.
type EmbeddedStore interface {
	// Size is the number of bytes that a copy takes at most.
	Size(ctx context.Context) (uint64, error)
	// CopyTo writes a copy into a new file. Documents of events that are settled
	// when it begins are in it.
	CopyTo(ctx context.Context, path string) error
}

// BackupConfig is what a backup needs of an embedded store. The zero value is for a
// store of its own, a database.
type BackupConfig struct {
	Store EmbeddedStore
	// Dir is the folder for the copy while it is sent, and Free the number of
	// bytes that may be written there.
	Dir  string
	Free func() (uint64, error)
}

// Backup returns the parts of a backup.
func (a *Admin) Backup(ctx context.Context) (api.Backup, error) {
	parts := a.backupParts()
	b := api.Backup{Parts: parts, Store: api.BackupExternal, Version: daemon.BuildInfo().Version}
	if a.backup.Store != nil {
		b.Store = api.BackupEmbedded
	}
	if !a.connected() {
		return b, streamUnavailable(nil)
	}
	epoch, err := stream.Epoch(ctx, a.js)
	if err != nil {
		return b, streamUnavailable(err)
	}
	e, err := kv.New(a.js, stream.BucketJobs).Get(ctx, stream.KeyMarks)
	if err != nil {
		return b, streamUnavailable(err)
	}
	var marks struct {
		KeptFrom uint64 `json:"kept_from"`
	}
	if e.Exists() {
		if err := json.Unmarshal(e.Value, &marks); err != nil {
			return b, fmt.Errorf("decode the marks of the stream: %w", err)
		}
	}
	b.Epoch, b.KeptFrom = epoch, marks.KeptFrom
	return b, nil
}

func (a *Admin) backupParts() []string {
	if a.backup.Store != nil {
		return backup.Parts
	}
	return slices.DeleteFunc(slices.Clone(backup.Parts), func(part string) bool { return part == backup.PartStore })
}

func streamUnavailable(cause error) error {
	return &problem.Error{
		Code: api.CodeStreamUnavailable, Detail: "the stream does not answer", RetryAfter: retryStream, Cause: cause,
	}
}

// PartReader is a part of a backup that is being copied. One is open at a time.
type PartReader struct {
	admin *Admin
	name  string
}

// OpenPart begins to copy a part. The caller must call Close.
func (a *Admin) OpenPart(ctx context.Context, name string) (*PartReader, error) {
	if !slices.Contains(a.backupParts(), name) {
		return nil, problem.NotFound("a backup has no such part here; GET " + api.PathBackup + " lists the parts")
	}
	if !a.connected() {
		return nil, streamUnavailable(nil)
	}
	if name == backup.PartStore {
		if err := a.checkRoom(ctx); err != nil {
			return nil, err
		}
	}
	select {
	case a.backingUp <- struct{}{}:
		return &PartReader{a, name}, nil
	default:
		return nil, problem.New(api.CodeBackupRunning, "another backup is being made; wait for its end")
	}
}

// checkRoom makes sure that the disk has room for a copy of the store.
func (a *Admin) checkRoom(ctx context.Context) error {
	size, err := a.backup.Store.Size(ctx)
	if err != nil {
		return problem.Wrap(api.CodeStoreUnavailable, "the store does not answer", err)
	}
	free, err := a.backup.Free()
	if err != nil {
		return fmt.Errorf("measure the free space: %w", err)
	}
	if size > free {
		return problem.Newf(api.CodeNoSpace, "the copy of the store needs %d bytes on the disk of the data folder while it is sent; %d are free", size, free)
	}
	return nil
}

// Close ends the copying.
func (p *PartReader) Close() { <-p.admin.backingUp }

// Write prepares the part, calls begin with its description, and writes its bytes. An
// error after begin means that they are not complete. The error is logged.
func (p *PartReader) Write(ctx context.Context, w io.Writer, begin func(api.BackupPart) error) error {
	err := p.writePart(ctx, w, begin)
	if err != nil && ctx.Err() == nil {
		p.admin.log.LogAttrs(ctx, slog.LevelWarn, "a part of a backup is not complete", slog.String("part", p.name), slog.Any("error", err))
	}
	return err
}

func (p *PartReader) writePart(ctx context.Context, w io.Writer, begin func(api.BackupPart) error) error {
	if p.name == backup.PartStore {
		return p.writeStore(ctx, w, begin)
	}
	snapshot, err := stream.OpenSnapshot(ctx, p.admin.js, p.name)
	if err != nil {
		return err
	}
	if err := begin(api.BackupPart{Stream: snapshot.Answer, Bytes: snapshot.Bytes}); err != nil {
		return errors.Join(err, snapshot.Close())
	}
	return snapshot.WriteAll(ctx, w)
}

// copyName is the name of the copy of the store while it is sent.
const copyName = "backup.tmp"

func (p *PartReader) writeStore(ctx context.Context, w io.Writer, begin func(api.BackupPart) error) (err error) {
	name := filepath.Join(p.admin.backup.Dir, copyName)
	if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) { // of a process that was killed
		return fmt.Errorf("remove an earlier copy of the store: %w", err)
	}
	if err := p.admin.backup.Store.CopyTo(ctx, name); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(name)) }()
	f, err := os.Open(name) //nolint:gosec // a name of its own
	if err != nil {
		return fmt.Errorf("open the copy of the store: %w", err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("open the copy of the store: %w", err)
	}
	if err := begin(api.BackupPart{Bytes: uint64(info.Size())}); err != nil {
		return err
	}
	if _, err := io.Copy(w, f); err != nil {
		return fmt.Errorf("send the copy of the store: %w", err)
	}
	return nil
}
