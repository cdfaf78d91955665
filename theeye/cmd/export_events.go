package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/api/client"
	"github.com/theeye/theeye/theeye/output"
)

type exportCmd struct {
	serverFlags
	filterFlags
	periodFlags
	Format  string `enum:"ndjson,csv,parquet" default:"ndjson" help:"ndjson, csv or parquet (${default})."`
	Columns string `placeholder:"PATHS" help:"Columns of data in csv and parquet, as data.plan,data.cart.total; without it those of the first events."`
	Out     string `short:"o" placeholder:"FILE" help:"Write to this file, which appears when it is whole; without it to standard output."`
}

const (
	// exportAttempts is how often an export goes on without an event more, and
	// exportPause the pause before it.
	exportAttempts = 5
	exportPause    = 2 * time.Second
)

// errNotWhole is the error of an export that is not whole: exit code 1.
var errNotWhole = errors.New("the export is not whole")

// Run writes everything that matches. A connection that is cut off is made again,
// and the export goes on behind the last whole row.
func (c *exportCmd) Run(p *output.Printer) (err error) {
	if c.Columns != "" && c.Format == api.FormatNDJSON {
		return usageErrorf("--columns is for --format csv and parquet: ndjson has all of each event")
	}
	query := c.filterQuery()
	if err := c.addPeriod(p, query); err != nil {
		return err
	}
	query.Set("format", c.Format)
	setParameter(query, "columns", c.Columns)
	ctx, server, stop, err := c.connect()
	if err != nil {
		return err
	}
	defer stop()
	if c.Format == api.FormatParquet && c.Out == "" && p.OnTerminal() {
		return usageErrorf("a Parquet file is for no terminal: write it by -o")
	}
	out := &exportFile{path: c.Out, w: p.TerminalText()}
	if err := out.create(); err != nil {
		return usageError{err}
	}
	x := &exporting{server: server, query: query, rows: newRowWriter(c.Format, out), bar: p.StartByteBar("Exporting", 0), remarkf: p.Remarkf}
	err = x.writeParts(ctx)
	x.bar.Stop()
	if err := out.finishFile(err == nil); err != nil {
		return err
	}
	if err != nil {
		if x.began {
			err = fmt.Errorf("%w: %s%w", errNotWhole, out.describePart(), notUnreachable{err})
		}
		return err
	}
	return c.printExport(p, x.rows, out)
}

// notUnreachable is an error whose kind does not choose the exit code: a part of the
// export is there.
type notUnreachable struct{ error }

// exportedFile describes the file of an export.
type exportedFile struct {
	File  string `json:"file"`
	Bytes int64  `json:"bytes"`
	// Events is nil for a format that does not count them.
	Events *int64 `json:"events,omitzero"`
}

// printExport describes the contents of the file.
func (c *exportCmd) printExport(p *output.Printer, rows rowWriter, out *exportFile) error {
	events, counted := rows.count()
	switch {
	case c.Out == "":
		return nil
	case p.JSON && counted:
		return p.Value(exportedFile{File: c.Out, Bytes: out.bytes, Events: &events})
	case p.JSON:
		return p.Value(exportedFile{File: c.Out, Bytes: out.bytes})
	case counted:
		return p.Linef("%s: %d events, %s", c.Out, events, output.Bytes(uint64(out.bytes)))
	}
	return p.Linef("%s: %s", c.Out, output.Bytes(uint64(out.bytes)))
}

// exporting is an export that is under way.
type exporting struct {
	server  *client.Client
	query   url.Values
	rows    rowWriter
	bar     *output.Bar
	remarkf func(format string, args ...any)
	// began is set once an answer began; its range is that of all parts.
	began bool
}

// writeParts reads part after part until the export is whole.
func (x *exporting) writeParts(ctx context.Context) error {
	for failed := 0; ; {
		before := x.rows.position()
		next, err := x.readPart(ctx)
		if err == nil && next == "" {
			return x.rows.finish()
		}
		if err == nil {
			err = errors.New("the server stopped before the end")
		}
		if failed++; x.rows.position() != before || next != "" && next != x.query.Get("cursor") {
			failed = 1
		}
		if ctx.Err() != nil || failed >= exportAttempts || !x.canContinue(err) {
			return err
		}
		if err := x.rows.resume(x.query, next); err != nil {
			return err
		}
		if x.began {
			x.remarkf("%v; going on", err)
		} else {
			x.remarkf("%v; trying again", err)
		}
		if err := x.server.Sleep(ctx, exportPause); err != nil {
			return err
		}
	}
}

// canContinue reports whether another attempt may help: not where the first request
// was refused, or one that is wrong.
func (x *exporting) canContinue(err error) bool {
	var answered *client.ProblemError
	if errors.As(err, &answered) {
		return answered.Status >= http.StatusInternalServerError || answered.Status == http.StatusTooManyRequests
	}
	var local *writeError
	return !errors.As(err, &local) && (x.began || client.IsUnavailable(err))
}

// readPart reads one answer. next is the cursor of one that the server ended before
// the end.
func (x *exporting) readPart(ctx context.Context) (next string, err error) {
	answer, err := x.server.Open(ctx, client.Request{Method: http.MethodGet, Path: api.PathExport, Query: x.query})
	if err != nil {
		return "", err
	}
	defer answer.Close()
	if !x.began {
		x.began = true
		for parameter, header := range map[string]string{"from": api.HeaderFrom, "to": api.HeaderTo} {
			setParameter(x.query, parameter, answer.Header.Get(header))
		}
	}
	if err := x.rows.begin(); err != nil {
		return "", err
	}
	if _, err := io.Copy(x.rows, &barReader{answer, x.bar.Advance}); err != nil {
		return "", fmt.Errorf("read the export: %w", err)
	}
	switch trailer := answer.Trailer(); trailer.Get(api.HeaderComplete) {
	case "true":
		return "", nil
	case "false":
		return trailer.Get(api.HeaderNextCursor), nil
	}
	return "", fmt.Errorf("read the export: %w", io.ErrUnexpectedEOF)
}
