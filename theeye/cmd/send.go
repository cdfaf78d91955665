package cmd

import (
	"errors"
	"time"

	eyeclient "github.com/theeye/theeye/clients/go"
	"github.com/theeye/theeye/shared/api/client"
	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/shared/retry"
	"github.com/theeye/theeye/theeye/output"
)

// collectorFlags are the flags of every command that sends events.
type collectorFlags struct {
	CollectorURL string       `name:"collector-url" aliases:"url" env:"EYE_COLLECTOR_URL,EYE_URL" default:"http://127.0.0.1:8080" placeholder:"URL" help:"Where events are taken (${default})."`
	WriteKey     string       `name:"write-key" env:"EYE_WRITE_KEY" placeholder:"KEY" help:"Write key of the application. Others on this machine can see flags: prefer the environment."`
	RetryFor     durationFlag `name:"retry-for" default:"1m" placeholder:"DURATION" help:"How long to try while no events are taken (${default})."`
}

// newCollector returns a client of the collector.
func (c *collectorFlags) newCollector() (*client.Client, error) {
	if c.WriteKey == "" {
		return nil, usageErrorf("set EYE_WRITE_KEY, or --write-key, to a write key of the application")
	}
	return newClient(endpoint{"--collector-url", c.CollectorURL}, endpoint{"--write-key", c.WriteKey})
}

// newSender returns a sender to the collector.
func (c *collectorFlags) newSender() (*sender, error) {
	if _, err := c.newCollector(); err != nil { // it names the flag that is wrong
		return nil, err
	}
	collector, err := eyeclient.NewSender(eyeclient.SenderConfig{
		URL: c.CollectorURL, WriteKey: c.WriteKey, UserAgent: "theeye/" + daemon.BuildInfo().Version,
	})
	if err != nil {
		return nil, err
	}
	return &sender{collector: collector, url: c.CollectorURL, sleep: retry.Sleep, retryFor: time.Duration(c.RetryFor), now: time.Now}, nil
}

type sendCmd struct {
	collectorFlags

	File        string `arg:"" optional:"" default:"-" help:"File of events; - is standard input. NDJSON, any JSON (an array, one event after the other, {\"events\": []}), also gzip and UTF-16."`
	Skip        int64  `placeholder:"N" help:"Pass over the first N lines, which an earlier run has sent. Where events are not a line each: the first N events."`
	Wait        bool   `help:"Wait for the outcome of every event, and say how many are stored and rejected. Needs a token that reads the application."`
	Application string `placeholder:"NAME" help:"With --wait, the application of the key, where several use the same event ids."`
	QueryURL    string `name:"query-url" env:"EYE_URL" default:"http://127.0.0.1:8080" placeholder:"URL" help:"With --wait, where queries are answered (${default})."`
	Token       string `env:"EYE_TOKEN" placeholder:"TOKEN" help:"With --wait, a query or operator token."`
}

// Run sends all lines and prints how many were accepted and refused, and with
// --wait, what became of them.
func (c *sendCmd) Run(p *output.Printer) (err error) {
	s, err := c.newSender()
	if err != nil {
		return err
	}
	if c.Skip < 0 {
		return usageErrorf("--skip must be a number of lines")
	}
	follower, err := c.newFollower()
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
	s.onPause, s.onProgress = bar.SetPause, func(_, size int64) { bar.Advance(size) }
	s.done.lines, s.follower = c.Skip, follower
	batches := newBatcher(in, c.Skip)
	err = s.sendAll(ctx, batches)
	bar.Stop()
	if follower != nil && err == nil {
		s.done.Outcomes, err = follower.awaitOutcomes(ctx, p)
	}
	s.done.unit = batches.unit()
	return c.printResult(p, &s.done, err)
}

// newFollower returns the follower of --wait, nil without.
func (c *sendCmd) newFollower() (*outcomeFollower, error) {
	if !c.Wait {
		return nil, nil
	}
	reader, err := newClient(endpoint{"--query-url", c.QueryURL}, endpoint{"--token", c.Token})
	if err != nil {
		return nil, err
	}
	return &outcomeFollower{client: reader, application: c.Application}, nil
}

// printResult prints the result, whether or not all lines were sent.
func (c *sendCmd) printResult(p *output.Printer, done *sendResult, err error) error {
	for _, r := range done.listed {
		p.Remarkf("%s %d: %s: %s", done.unit, r.Line, r.Code, r.Message)
	}
	if more := done.Refused - int64(len(done.listed)); more > 0 {
		p.Remarkf("and %d more %ss that were refused", more, done.unit)
	}
	if err != nil && done.lines > 0 && done.Outcomes == nil {
		p.Remarkf("the first %d %ss are done; go on with --skip %d", done.lines, done.unit, done.lines)
	}
	switch {
	case p.JSON:
		err = errors.Join(err, p.Value(done))
	case err == nil || done.Accepted+done.Refused > 0:
		err = errors.Join(err, p.Linef("accepted %d, refused %d", done.Accepted, done.Refused), done.Outcomes.printTo(p))
	}
	if done.Outcomes == nil && done.Accepted > 0 {
		p.Hintf("theeye rejected --summary shows what was rejected, theeye events what is stored; send --wait waits for it")
	}
	if err == nil && done.Outcomes != nil && done.Outcomes.Rejected > 0 {
		return exitCode(1)
	}
	if err == nil && done.Refused > 0 {
		return exitCode(1)
	}
	return err
}
