package cmd

import (
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/api/client"
	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/format/native"
	"github.com/theeye/theeye/theeye/output"
)

type validateCmd struct {
	CollectorURL string `name:"collector-url" aliases:"url" env:"EYE_COLLECTOR_URL,EYE_URL" default:"http://127.0.0.1:8080" placeholder:"URL" help:"Where events are taken (${default})."`
	WriteKey     string `name:"write-key" env:"EYE_WRITE_KEY" placeholder:"KEY" help:"Write key of the application. Others on this machine can see flags: prefer the environment."`
	Format       string `enum:"native,cloudevents,pixel,segment,snowplow" default:"native" help:"Format of the events: native, or cloudevents, pixel, segment or snowplow as docs/adapters.md has them (${default})."`
	File         string `arg:"" optional:"" default:"-" help:"File of events, in the forms of send; - is standard input. Of another format, what its clients send."`
}

// validation counts the outcomes that events would have.
type validation struct {
	Stored   int `json:"stored"`
	Rejected int `json:"rejected"`
	Refused  int `json:"refused"`

	table *output.Table
}

// judged is the outcome that the event of a line would have. Of another format, the line
// is the number of the event.
type judged struct {
	Line int64 `json:"line"`
	api.EventResult
}

// Run prints why events would not be stored, and counts the outcomes.
func (c *validateCmd) Run(p *output.Printer) (err error) {
	if c.WriteKey == "" {
		return usageErrorf("set EYE_WRITE_KEY, or --write-key, to a write key of the application")
	}
	collector, err := newClient(endpoint{"--collector-url", c.CollectorURL}, endpoint{"--write-key", c.WriteKey})
	if err != nil {
		return err
	}
	in, _, err := openInput(c.File)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	ctx, stop := interruptible()
	defer stop()
	counted := "LINE"
	if c.Format != native.Name {
		counted = "EVENT"
	}
	v := &validation{table: p.NewTable([]string{counted, "STATUS", "CODE", "PATH", "REASON"})}
	if c.Format == native.Name {
		err = v.validateLines(ctx, p, collector, in)
	} else {
		err = v.validateRequests(ctx, p, collector, c.Format, in)
	}
	if err != nil {
		return err
	}
	return v.printSummary(p)
}

// validateLines validates the events of a file, in batches.
func (v *validation) validateLines(ctx context.Context, p *output.Printer, c *client.Client, in io.Reader) error {
	batches := newBatcher(in, 0)
	for {
		b, err := batches.nextBatch()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = v.validateBatch(ctx, p, c, b)
		}
		if err != nil {
			return err
		}
	}
}

// validateBatch asks for the outcomes of one batch and prints them.
func (v *validation) validateBatch(ctx context.Context, p *output.Printer, c *client.Client, b *batch) error {
	var answer api.ValidateResponse
	if len(b.lines) > 0 {
		_, err := c.Call(ctx, client.Request{Method: http.MethodPost, Path: api.PathValidate, Body: b.body}, &answer)
		if err != nil {
			return err
		}
	}
	if len(answer.Results) != len(b.lines) {
		return &client.ForeignError{Err: errors.New("it has not a result for each event")}
	}
	results := make([]judged, 0, len(b.lines)+len(b.refused))
	for i, r := range answer.Results {
		results = append(results, judged{b.lines[i], r})
	}
	for _, r := range b.refused {
		results = append(results, judged{r.Line, api.EventResult{Status: api.StatusRefused, Code: r.Code, Message: r.Message}})
	}
	return v.addResults(p, results)
}

// addResults counts results, and prints those that are not stored; with --json, all.
func (v *validation) addResults(p *output.Printer, results []judged) error {
	var rows [][]string
	for _, r := range results {
		more, err := v.addResult(p, r)
		if err != nil {
			return err
		}
		rows = append(rows, more...)
	}
	if len(rows) > 0 {
		v.table.Append(rows)
	}
	return nil
}

// addResult counts a result, and returns its rows.
func (v *validation) addResult(p *output.Printer, r judged) ([][]string, error) {
	switch r.Status {
	case api.StatusStored:
		v.Stored++
	case api.StatusRejected:
		v.Rejected++
	default:
		v.Refused++
		r.Errors = []event.Fault{{Code: r.Code, Message: r.Message}}
	}
	if p.JSON {
		return nil, p.Value(r)
	}
	if r.Status == api.StatusStored {
		return nil, nil
	}
	return faultRows([]string{output.Uint(uint64(r.Line)), r.Status}, r.Errors), nil
}

// printSummary prints the counts. Not every event would be stored: exit code 1.
func (v *validation) printSummary(p *output.Printer) error {
	var err error
	if p.JSON {
		err = p.Value(v)
	} else {
		err = p.Linef("would be stored %d, rejected %d, refused %d", v.Stored, v.Rejected, v.Refused)
	}
	if err == nil && v.Rejected+v.Refused > 0 {
		return exitCode(daemon.ExitFailure)
	}
	return err
}
