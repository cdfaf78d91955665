package cmd

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/api/client"
	"github.com/theeye/theeye/shared/backup"
	"github.com/theeye/theeye/shared/stream"
	"github.com/theeye/theeye/standalone"
	"github.com/theeye/theeye/theeye/output"
)

type backupCmd struct {
	serverFlags
	Dir string `arg:"" help:"Folder for the backup, which must not exist or be empty. Only its owner can read it."`
}

const (
	// partAttempts is how often a part is requested until the backup fails, and
	// partPause the pause between.
	partAttempts = 3
	partPause    = 2 * time.Second
	// maxPartHead bounds the description of a part, in bytes.
	maxPartHead = 1 << 20
)

// Run copies every part, and names the folder when it is complete.
func (c *backupCmd) Run(p *output.Printer) (err error) {
	ctx, server, stop, err := c.connect()
	if err != nil {
		return err
	}
	defer stop()
	var source api.Backup
	if _, err := server.Get(ctx, api.PathBackup, nil, &source); err != nil {
		return err
	}
	w, err := backup.Create(c.Dir)
	if errors.Is(err, backup.ErrExists) {
		return usageError{err}
	}
	if err != nil {
		return err
	}
	m, err := c.copyParts(ctx, p, server, w, source)
	if err != nil {
		return errors.Join(err, w.Discard())
	}
	return c.printBackup(p, m, source)
}

// copyParts copies the parts in the order that the server says.
func (c *backupCmd) copyParts(ctx context.Context, p *output.Printer, server *client.Client, w *backup.Writer, source api.Backup) (*backup.Manifest, error) {
	for _, part := range source.Parts {
		if err := copyPart(ctx, p, server, w, part); err != nil {
			return nil, fmt.Errorf("%s: %w", part, err)
		}
	}
	var end api.Backup
	if _, err := server.Get(ctx, api.PathBackup, nil, &end); err != nil {
		return nil, err
	}
	if end.Epoch != source.Epoch {
		return nil, errors.New("the stream was recreated while it was copied; run backup again")
	}
	return w.Complete(backup.Manifest{
		CreatedAt: time.Now().UTC().Truncate(time.Millisecond), Version: end.Version, Epoch: end.Epoch, KeptFrom: end.KeptFrom,
	})
}

// copyPart copies one part. A part may be copied again as long as none after it was.
func copyPart(ctx context.Context, p *output.Printer, server *client.Client, w *backup.Writer, part string) error {
	for attempt := 1; ; attempt++ {
		err := server.Stream(ctx, api.BackupPath(part), func(r io.Reader) error { return addPart(p, w, part, r) })
		var answered *client.ProblemError
		if err == nil || ctx.Err() != nil || attempt == partAttempts ||
			errors.As(err, &answered) && answered.Code != api.CodeBackupRunning && !client.IsUnavailable(err) {
			return err
		}
		p.Remarkf("%s: %v; trying again", part, err)
		if err := server.Sleep(ctx, partPause); err != nil {
			return err
		}
	}
}

// addPart writes the answer with one part into the backup.
func addPart(p *output.Printer, w *backup.Writer, part string, r io.Reader) error {
	in := bufio.NewReaderSize(r, 256<<10)
	head, err := readPartHead(in)
	if err != nil {
		return err
	}
	bar := p.StartByteBar("Copying "+part, int64(min(head.Bytes, 1<<62)))
	defer bar.Stop()
	return w.AddPart(part, head.Stream, &barReader{in, bar.Advance})
}

// readPartHead reads the description of a part, before which empty lines may come.
func readPartHead(in *bufio.Reader) (head api.BackupPart, err error) {
	var line []byte
	for len(line) == 0 {
		for {
			piece, more, err := in.ReadLine()
			if err != nil {
				return head, fmt.Errorf("read the part: %w", err)
			}
			if line = append(line, piece...); len(line) > maxPartHead {
				return head, &client.ForeignError{Err: errors.New("its first line is too long")}
			}
			if !more {
				break
			}
		}
		line = bytes.TrimSpace(line)
	}
	if err := json.Unmarshal(line, &head); err != nil {
		return head, &client.ForeignError{Err: err}
	}
	if head.Error != "" {
		return head, errors.New(head.Error)
	}
	return head, nil
}

// barReader advances a bar.
type barReader struct {
	r       io.Reader
	advance func(int64)
}

// Read implements io.Reader.
func (b *barReader) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	b.advance(int64(n))
	return n, err
}

// backupResult is the result for machines.
type backupResult struct {
	Dir   string `json:"dir"`
	Bytes int64  `json:"bytes"`
	Store string `json:"store"`
	*backup.Manifest
}

func (c *backupCmd) printBackup(p *output.Printer, m *backup.Manifest, source api.Backup) error {
	if source.Store == api.BackupExternal {
		p.Remarkf("The database is not in it: run its own tool now, for MongoDB mongodump. Change no schema and start no replay in between.")
	}
	if p.JSON {
		return p.Value(backupResult{c.Dir, m.TotalBytes(), source.Store, m})
	}
	return p.Linef("%s: %s, every event up to sequence %d", c.Dir, output.Bytes(uint64(max(m.TotalBytes(), 0))), lastSeq(m))
}

// lastSeq is the last sequence of the stream in a backup.
func lastSeq(m *backup.Manifest) uint64 {
	for _, f := range m.Files {
		var answer struct {
			State struct {
				LastSeq uint64 `json:"last_seq"`
			} `json:"state"`
		}
		if f.Part == stream.Name && json.Unmarshal(f.Stream, &answer) == nil {
			return answer.State.LastSeq
		}
	}
	return 0
}

type restoreCmd struct {
	Dir  string `arg:"" help:"Folder of a backup."`
	Data string `env:"EYE_DATA" default:"./data" placeholder:"DIR" help:"Data folder to make (${default}), which must not exist or be empty."`
}

// Run makes a data folder from a backup.
func (c *restoreCmd) Run(p *output.Printer) error {
	ctx, stop := interruptible()
	defer stop()
	bar := p.StartByteBar("Restoring", 0)
	defer bar.Stop()
	r, err := standalone.Restore(ctx, standalone.RestoreConfig{
		Backup: c.Dir, DataDir: c.Data, Progress: bar.Advance,
		Logger: slog.New(slog.NewTextHandler(p.Err, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	bar.Stop()
	if err != nil {
		return err
	}
	if !r.HasStore() {
		p.Remarkf("The database is not in the backup: restore it by its own tool, for MongoDB mongorestore, before theeye up --mongo.")
	}
	if p.JSON {
		return p.Value(map[string]any{"data": c.Data, "last_seq": r.LastSeq, "created_at": r.CreatedAt, "has_store": r.HasStore()})
	}
	return p.Linef("%s: restored as of %s, every event up to sequence %d", c.Data, p.Time(r.CreatedAt), r.LastSeq)
}
