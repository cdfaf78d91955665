package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

type sendCmd struct {
	CollectorURL string        `name:"collector-url" aliases:"url" env:"EYE_COLLECTOR_URL,EYE_URL" default:"http://127.0.0.1:8080" placeholder:"URL" help:"Where events are taken (${default})."`
	WriteKey     string        `name:"write-key" env:"EYE_WRITE_KEY" placeholder:"KEY" help:"Write key of the application. Others on this machine can see flags: prefer the environment."`
	File         string        `arg:"" optional:"" default:"-" help:"File with an event a line; - is standard input."`
	Skip         int64         `placeholder:"N" help:"Pass over the first N lines, which an earlier run has sent."`
	RetryFor     time.Duration `name:"retry-for" default:"1m" placeholder:"DURATION" help:"How long to try while no events are taken (${default})."`
}

// Help is the longer text of --help.
func (sendCmd) Help() string {
	return "Every line is a JSON object; blank lines are passed over. Sending the same lines again is safe:\n" +
		"an event counts once, by its event_id or, without, by its content. What cannot be carried is\n" +
		"refused and listed with its line; anything else is accepted, and judged later.\n\n" +
		"Example:\n  theeye send events.ndjson"
}

// maxListed bounds how many refused lines are listed.
const maxListed = 20

// Run sends all lines, and prints what became of them.
func (c *sendCmd) Run(t *terminal) (err error) {
	client, err := c.client()
	if err != nil {
		return err
	}
	in, size, err := openInput(c.File)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	ctx, stop := interruptible()
	defer stop()
	bar := t.progressBytes("Sending", size)
	defer bar.stop()
	s := &sender{
		client: client, retryFor: c.RetryFor, now: time.Now, settled: bar.add, waiting: bar.note,
		done: tally{lines: c.Skip},
	}
	err = s.send(ctx, newBatcher(in, c.Skip))
	bar.stop()
	return c.report(t, &s.done, err)
}

// client returns the client that the write key is for.
func (c *sendCmd) client() (*client, error) {
	switch {
	case c.WriteKey == "":
		return nil, invalidf("set EYE_WRITE_KEY, or --write-key, to a write key of the application")
	case strings.ContainsFunc(c.WriteKey, func(r rune) bool { return r <= ' ' || r > '~' }):
		return nil, invalidf("--write-key is no write key: it has spaces or characters that none has")
	case c.Skip < 0:
		return nil, invalidf("--skip wants a number of lines")
	case c.RetryFor < 0:
		return nil, invalidf("--retry-for wants a duration, e.g. 5m")
	}
	client, err := remote{URL: c.CollectorURL, Token: c.WriteKey}.client()
	if err != nil {
		return nil, invalidf("--collector-url wants http://HOST:PORT or https://HOST, with a path at most")
	}
	return client, nil
}

// report prints what became of the lines, whether or not all were sent.
func (c *sendCmd) report(t *terminal, done *tally, err error) error {
	for _, r := range done.listed {
		t.remarkf("line %d: %s: %s", r.Line, r.Code, r.Message)
	}
	if more := done.Refused - int64(len(done.listed)); more > 0 {
		t.remarkf("and %d more lines that were refused", more)
	}
	if err != nil && done.lines > 0 {
		t.remarkf("the first %d lines are done; go on with --skip %d", done.lines, done.lines)
	}
	switch {
	case t.json:
		err = errors.Join(err, t.printJSON(done))
	case err == nil || done.Accepted+done.Refused > 0:
		err = errors.Join(err, t.sayf("accepted %d, refused %d", done.Accepted, done.Refused))
	}
	if err == nil && done.Refused > 0 {
		return exit(1)
	}
	return err
}

// openInput opens a file, or standard input for "-". size is 0 where it is not
// known. Closing standard input does nothing.
func openInput(name string) (in io.ReadCloser, size int64, err error) {
	f := os.Stdin
	if name != "-" {
		if f, err = os.Open(name); err != nil { //nolint:gosec // the user names it
			return nil, 0, invalid{err}
		}
	}
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, 0, invalid{errors.Join(err, f.Close())}
	case info.IsDir():
		return nil, 0, invalid{errors.Join(fmt.Errorf("%s is a folder", name), f.Close())}
	case info.Mode().IsRegular():
		size = info.Size()
	}
	if name == "-" {
		return io.NopCloser(f), size, nil
	}
	return f, size, nil
}

// refusal says why a line was refused.
type refusal struct {
	Line    int64  `json:"line"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

// tally is what became of the lines so far.
type tally struct {
	Accepted int64     `json:"accepted"`
	Refused  int64     `json:"refused"`
	listed   []refusal // those of the first lines, at most maxListed
	// lines is how many lines from the first on are done: accepted, refused,
	// blank or skipped.
	lines int64
}

// count adds what became of a batch.
func (d *tally) count(accepted int64, refused []refusal) {
	d.Accepted += accepted
	d.Refused += int64(len(refused))
	d.listed = append(d.listed, refused...)
	slices.SortFunc(d.listed, func(a, b refusal) int { return cmp.Compare(a.Line, b.Line) })
	d.listed = slices.Clip(d.listed[:min(len(d.listed), maxListed)])
}
