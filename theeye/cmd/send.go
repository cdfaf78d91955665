package cmd

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/theeye/theeye/shared/api/client"
	"github.com/theeye/theeye/theeye/output"
)

type sendCmd struct {
	CollectorURL string        `name:"collector-url" aliases:"url" env:"EYE_COLLECTOR_URL,EYE_URL" default:"http://127.0.0.1:8080" placeholder:"URL" help:"Where events are taken (${default})."`
	WriteKey     string        `name:"write-key" env:"EYE_WRITE_KEY" placeholder:"KEY" help:"Write key of the application. Others on this machine can see flags: prefer the environment."`
	File         string        `arg:"" optional:"" default:"-" help:"File with an event a line; - is standard input."`
	Skip         int64         `placeholder:"N" help:"Pass over the first N lines, which an earlier run has sent."`
	RetryFor     time.Duration `name:"retry-for" default:"1m" placeholder:"DURATION" help:"How long to try while no events are taken (${default})."`
}

// Run sends all lines and prints how many were accepted and refused.
func (c *sendCmd) Run(p *output.Printer) (err error) {
	collector, err := c.newClient()
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
	bar := p.StartByteBar("Sending", size)
	defer bar.Stop()
	s := &sender{
		client: collector, retryFor: c.RetryFor, now: time.Now, onProgress: bar.Advance, onPause: bar.SetPause,
		done: sendResult{lines: c.Skip},
	}
	err = s.sendAll(ctx, newBatcher(in, c.Skip))
	bar.Stop()
	return c.printResult(p, &s.done, err)
}

// newClient returns a client of the collector.
func (c *sendCmd) newClient() (*client.Client, error) {
	switch {
	case c.WriteKey == "":
		return nil, usageErrorf("set EYE_WRITE_KEY, or --write-key, to a write key of the application")
	case c.Skip < 0:
		return nil, usageErrorf("--skip must be a number of lines")
	case c.RetryFor < 0:
		return nil, usageErrorf("--retry-for must be a duration, e.g. 5m")
	}
	return newClient(endpoint{"--collector-url", c.CollectorURL}, endpoint{"--write-key", c.WriteKey})
}

// printResult prints the result, whether or not all lines were sent.
func (c *sendCmd) printResult(p *output.Printer, done *sendResult, err error) error {
	for _, r := range done.listed {
		p.Remarkf("line %d: %s: %s", r.Line, r.Code, r.Message)
	}
	if more := done.Refused - int64(len(done.listed)); more > 0 {
		p.Remarkf("and %d more lines that were refused", more)
	}
	if err != nil && done.lines > 0 {
		p.Remarkf("the first %d lines are done; go on with --skip %d", done.lines, done.lines)
	}
	switch {
	case p.JSON:
		err = errors.Join(err, p.Value(done))
	case err == nil || done.Accepted+done.Refused > 0:
		err = errors.Join(err, p.Linef("accepted %d, refused %d", done.Accepted, done.Refused))
	}
	if err == nil && done.Refused > 0 {
		return exitCode(1)
	}
	return err
}

// openInput opens a file, or standard input for "-". size is 0 if it is
// unknown. Closing standard input does nothing.
func openInput(name string) (in io.ReadCloser, size int64, err error) {
	f := os.Stdin
	if name != "-" {
		if f, err = os.Open(name); err != nil { //nolint:gosec // the user names it
			return nil, 0, usageError{err}
		}
	}
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, 0, usageError{errors.Join(err, f.Close())}
	case info.IsDir():
		return nil, 0, usageError{errors.Join(fmt.Errorf("%s is a folder", name), f.Close())}
	case info.Mode().IsRegular():
		size = info.Size()
	}
	if name == "-" {
		return io.NopCloser(f), size, nil
	}
	return f, size, nil
}
