package cmd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/api/client"
	"github.com/theeye/theeye/theeye/output"
)

const (
	// pollInterval is the interval at which a job is requested until its end.
	pollInterval = 300 * time.Millisecond
	// maxOutage bounds how long the server may be unavailable while a job is
	// followed: the job runs elsewhere, so that a restart of the server is not
	// a failure.
	maxOutage = time.Minute
)

// jobRequest is a job to start.
type jobRequest struct {
	kind   jobKind
	body   any
	note   string
	noWait bool
}

// runJob starts the job, waits for its end, prints it, and returns the error
// that its result stands for.
func (r jobRequest) runJob(p *output.Printer, flags serverFlags) error {
	body, err := json.Marshal(r.body)
	if err != nil {
		return fmt.Errorf("encode the request: %w", err)
	}
	ctx, server, stop, err := flags.connect()
	if err != nil {
		return err
	}
	defer stop()
	j, err := r.startJob(ctx, server, body)
	if err != nil {
		return err
	}
	if r.noWait {
		return printStarted(p, j)
	}
	// The id is printed at once, so that the job can be found again even if
	// this command is killed.
	if behind := j.queuedBehind(); behind != "" {
		p.Remarkf("%s waits behind %s", j, behind)
	} else if reason := j.waitsForProcessor(); reason == "" { // awaitJob says the other
		p.Remarkf("%s is started", j)
	}
	return r.kind.awaitAndPrint(ctx, p, server, j)
}

// startJob starts the job. It sends one request: a second one could start a
// second job.
func (r jobRequest) startJob(ctx context.Context, server *client.Client, body []byte) (*job, error) {
	resp, err := server.Do(ctx, client.Request{Method: http.MethodPost, Path: r.kind.path, Body: body, Note: r.note})
	switch {
	case err == nil:
		return r.kind.decodeJob(resp)
	case mayHaveArrived(err):
		return nil, fmt.Errorf("%w\n%s list shows whether it was started", err, r.kind.command())
	}
	return nil, err
}

// mayHaveArrived reports whether a failed request may have been carried out.
func mayHaveArrived(err error) bool {
	if dial := (*net.OpError)(nil); errors.As(err, &dial) && dial.Op == "dial" {
		return false
	}
	return errors.Is(err, errInterrupted) || client.IsUnavailable(err)
}

// printStarted prints a job that the command does not wait for.
func printStarted(p *output.Printer, j *job) error {
	if p.JSON {
		return p.Value(j.raw)
	}
	p.Remarkf("%s", j.hint())
	if behind := j.queuedBehind(); behind != "" {
		return p.Linef("%s: %s behind %s", j, j.State, behind)
	}
	if reason := j.waitsForProcessor(); reason != "" {
		return p.Linef("%s: %s, %s", j, j.State, output.OneLine(reason))
	}
	return p.Linef("%s: %s", j, j.State)
}

// jobShowFlags are the arguments of every command that shows a job.
type jobShowFlags struct {
	ID   string `arg:"" help:"Its id."`
	Wait bool   `help:"Wait for its end, and fail as the command that started it would."`
}

// printOne prints a job, with --wait after its end.
func (k jobKind) printOne(p *output.Printer, flags serverFlags, show jobShowFlags) error {
	ctx, server, stop, err := flags.connect()
	if err != nil {
		return err
	}
	defer stop()
	j, err := k.getJob(ctx, server, show.ID)
	if err != nil {
		return fmt.Errorf("%s %s: %w", k.noun, show.ID, err)
	}
	if show.Wait {
		return k.awaitAndPrint(ctx, p, server, j)
	}
	return j.printTo(p)
}

// awaitAndPrint waits for the end of a job, prints it, and returns the error
// that its result stands for.
func (k jobKind) awaitAndPrint(ctx context.Context, p *output.Printer, server *client.Client, j *job) error {
	j, err := k.awaitJob(ctx, p, server, j)
	if err != nil {
		return fmt.Errorf("%w\n%s", err, j.hint())
	}
	if err := j.printTo(p); err != nil {
		return err
	}
	return j.endError()
}

// printTo prints the job with its report.
func (j *job) printTo(p *output.Printer) error {
	if p.JSON {
		return p.Value(j.raw)
	}
	if err := p.Lines(j.summaryLines(p)); err != nil {
		return err
	}
	switch j.kind {
	case audits:
		return j.printAuditReport(p)
	case retentions:
		return j.printRetentionReport(p)
	}
	return j.printReplayReport(p)
}

// awaitJob waits for the end of a job and shows its progress. It returns the
// latest state of the job, with an error too.
func (k jobKind) awaitJob(ctx context.Context, p *output.Printer, server *client.Client, j *job) (*job, error) {
	bar := p.StartRemoteBar()
	defer bar.Stop()
	waiting := ""
	for outage := time.Duration(0); !j.State.Final(); {
		if reason := j.waitsForProcessor(); reason != waiting {
			if waiting = reason; reason != "" {
				p.Remarkf("%s %s", j, output.OneLine(reason))
			}
		}
		bar.Update(output.RemoteProgress{Title: j.String(), Activity: j.activity(), Done: j.Done, Total: j.Total})
		if err := server.Sleep(ctx, pollInterval); err != nil {
			return j, err
		}
		began := time.Now()
		latest, err := k.pollJob(ctx, server, j.ID)
		switch {
		case err == nil:
			j, outage = latest, 0
		case isTransient(err) && outage < maxOutage:
			outage += pollInterval + time.Since(began)
		default:
			return j, err
		}
	}
	return j, nil
}

// pollJob requests a job without retries, because awaitJob repeats the request.
func (k jobKind) pollJob(ctx context.Context, server *client.Client, id string) (*job, error) {
	resp, err := server.DoOnce(ctx, client.Request{Method: http.MethodGet, Path: api.JobPath(k.path, id)})
	if err != nil {
		return nil, err
	}
	return k.decodeJob(resp)
}

// isTransient reports whether the same request can succeed later.
func isTransient(err error) bool {
	switch client.Status(err) {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusInternalServerError:
		return true
	}
	return client.IsUnavailable(err)
}

// command is the beginning of every command for jobs of the kind.
func (k jobKind) command() string { return "theeye " + k.noun }

// hint says how to show and cancel a job after the command has ended.
func (j *job) hint() string {
	command := j.kind.command()
	if j.State.Final() {
		return fmt.Sprintf("see it with: %s show %s", command, j.ID)
	}
	return fmt.Sprintf("%s goes on; see it with: %s show %s\ncancel it with: %s cancel %s",
		j, command, j.ID, command, j.ID)
}
