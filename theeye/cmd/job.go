package cmd

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/api/client"
	"github.com/theeye/theeye/theeye/output"
)

// jobKind is a kind of jobs, which operators start and processors run.
type jobKind struct {
	noun string // as people and commands call it
	path string
}

var (
	replays = jobKind{"replay", api.PathReplays}
	audits  = jobKind{"audit", api.PathAudits}
	// retentions apply the retention of a changed policy.
	retentions = jobKind{"retention", api.PathRetentions}
)

// job is a job as the server returned it.
type job struct {
	api.Job
	kind jobKind
	raw  jsontext.Value
}

// decodeJob decodes an answer that contains one job.
func (k jobKind) decodeJob(resp *client.Response) (*job, error) {
	j := &job{kind: k, raw: resp.Body}
	if err := resp.Decode(&j.Job); err != nil {
		return nil, err
	}
	if j.ID == "" || j.State == "" {
		return nil, &client.ForeignError{Err: errors.New("it names no job")}
	}
	return j, nil
}

// getJob requests one job.
func (k jobKind) getJob(ctx context.Context, server *client.Client, id string) (*job, error) {
	resp, err := server.Do(ctx, client.Request{Method: http.MethodGet, Path: api.JobPath(k.path, id)})
	if err != nil {
		return nil, err
	}
	return k.decodeJob(resp)
}

// defaultJobs is how many jobs are listed without flags.
const defaultJobs = 20

// printList prints a line for each job. With --json, it prints one list of the
// jobs as the server returned them.
func (k jobKind) printList(p *output.Printer, server serverFlags, flags listFlags) error {
	return flags.printList(p, server, list{
		path: k.path, member: k.noun + "s", pageSize: client.RecordPageSize, limit: defaultJobs,
		header: []string{"ID", "KIND", "STATE", "REVISION", "DONE", "TOTAL", "CREATED", "AUTHOR", "SELECTION", "NOTE"},
		rows: rowsOf(func(record *api.Job) [][]string {
			return [][]string{(&job{Job: *record, kind: k}).cells(p)}
		}),
		empty: "There is no " + k.noun + " yet; see theeye " + k.noun + " --help.",
	})
}

// cancelJob requests the cancellation of a job. A running job ends a moment
// later; one that has ended does not change.
func (k jobKind) cancelJob(p *output.Printer, flags serverFlags, id string) error {
	ctx, server, stop, err := flags.connect()
	if err != nil {
		return err
	}
	defer stop()
	resp, err := server.Do(ctx, client.Request{Method: http.MethodDelete, Path: api.JobPath(k.path, id)})
	if err != nil {
		return fmt.Errorf("%s %s: %w", k.noun, id, err)
	}
	j, err := k.decodeJob(resp)
	switch {
	case err != nil:
		return err
	case p.JSON:
		return p.Value(j.raw)
	case j.State.Final():
		return p.Linef("%s: %s", j, j.State)
	}
	return p.Linef("%s: will end in a moment", j)
}

// String names the job.
func (j *job) String() string {
	if j.DryRun {
		return "dry run " + j.ID
	}
	return j.kind.noun + " " + j.ID
}

// replayReport decodes the report of a replay or dry run, an empty one before
// there is a report.
func (j *job) replayReport() (r api.ReplayReport, err error) { return r, j.decodeReport(&r) }

// auditReport decodes the report of an audit, an empty one before there is a
// report.
func (j *job) auditReport() (r api.AuditReport, err error) { return r, j.decodeReport(&r) }

func (j *job) decodeReport(v any) error {
	if len(j.Report) == 0 {
		return nil
	}
	if err := json.Unmarshal(j.Report, v); err != nil {
		return &client.ForeignError{Err: err}
	}
	return nil
}

// countFindings counts what makes the command of a job that is done fail:
// events that a dry run finds newly rejected, and sequences that an audit finds
// missing.
func (j *job) countFindings() (uint64, error) {
	if j.kind == audits {
		r, err := j.auditReport()
		return r.Missing, err
	}
	if !j.DryRun {
		return 0, nil
	}
	r, err := j.replayReport()
	return r.NewlyRejected, err
}

// endError returns the error that the command of the job ends with: nil if the
// job is done without findings. The findings are in the printed report.
func (j *job) endError() error {
	switch j.State {
	case api.JobFailed:
		return fmt.Errorf("%s failed: %s", j, j.Error)
	case api.JobCancelled:
		return fmt.Errorf("%s was cancelled", j)
	case api.JobDone:
		n, err := j.countFindings()
		if err == nil && n > 0 {
			return exitCode(1)
		}
		return err
	}
	return nil
}

// activity says what a job that has not ended does at the moment.
func (j *job) activity() string {
	var parts []string
	if j.Rate >= 1 {
		parts = append(parts, fmt.Sprintf("%.0f/s", j.Rate))
	}
	if left := j.timeLeft(); left > 0 {
		parts = append(parts, left.String()+" left")
	}
	switch {
	case j.CancelRequested:
		parts = append(parts, "is being cancelled")
	case j.queuedBehind() != "":
		parts = append(parts, "waits behind "+j.queuedBehind())
	case j.Phase != "":
		parts = append(parts, output.Cell(j.Phase))
	}
	return strings.Join(parts, ", ")
}

// maxNamedJobs bounds how many preceding jobs are named.
const maxNamedJobs = 3

// waitsForProcessor says why no processor takes a job that is queued and next, ""
// if one does.
func (j *job) waitsForProcessor() string {
	if j.State != api.JobQueued || len(j.QueuedBehind) > 0 {
		return ""
	}
	return j.Phase
}

// queuedBehind names the jobs that must end before this one starts, "" without.
func (j *job) queuedBehind() string {
	ids := j.QueuedBehind
	if j.State != api.JobQueued || len(ids) == 0 {
		return ""
	}
	if more := len(ids) - maxNamedJobs; more > 0 {
		return strings.Join(ids[:maxNamedJobs], ", ") + fmt.Sprintf(" and %d more", more)
	}
	return strings.Join(ids, ", ")
}

// maxTimeLeft is the longest estimate that is shown.
const maxTimeLeft = 1000 * time.Hour

// timeLeft estimates the remaining time of the job from its present rate, 0 if
// it is unknown.
func (j *job) timeLeft() time.Duration {
	if j.Rate <= 0 || j.Total <= j.Done {
		return 0
	}
	s := float64(j.Total-j.Done) / j.Rate
	if s > maxTimeLeft.Seconds() {
		return 0
	}
	return max(time.Duration(s*float64(time.Second)).Round(time.Second), time.Second)
}

// cells are the columns of the job in a list.
func (j *job) cells(p *output.Printer) []string {
	kind, state := j.kind.noun, string(j.State)
	if j.DryRun {
		kind = "dry run"
	}
	if j.CancelRequested && j.State == api.JobRunning {
		state = "ending"
	}
	revision := ""
	if j.TargetRevision > 0 {
		revision = output.Uint(j.TargetRevision)
	}
	return []string{
		j.ID, kind, state, revision, output.Uint(j.Done), output.Uint(j.Total),
		p.Time(j.CreatedAt.Time), j.Author, j.selectionText(p), j.Note,
	}
}

// summaryLines describe the job and its progress.
func (j *job) summaryLines(p *output.Printer) []string {
	head := j.String() + ": " + string(j.State)
	if j.TargetRevision > 0 {
		head += fmt.Sprintf(", by revision %d", j.TargetRevision)
	}
	if len(j.Schemas) > 0 {
		types := make([]string, len(j.Schemas))
		for i, t := range j.Schemas {
			types[i] = t.Category + " / " + t.Name
		}
		head += " and the schema given for " + output.OneLine(strings.Join(types, ", "))
	}
	lines := []string{head}
	if selection := j.selectionText(p); selection != "" && j.kind == retentions {
		lines = append(lines, "retention: "+selection)
	} else if selection != "" {
		lines = append(lines, "selection: "+selection)
	}
	if !j.State.Final() {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%d of %d done  %s", j.Done, j.Total, j.activity())))
	}
	if j.Error != "" {
		lines = append(lines, "because: "+output.OneLine(j.Error))
	}
	return lines
}

// selectionText describes the selection, "" for all events, or the retention that
// the job applies.
func (j *job) selectionText(p *output.Printer) string {
	if text := j.retentionText(); text != "" {
		return text
	}
	s := j.Selection
	var parts []string
	addText := func(name, value string) {
		if value != "" {
			parts = append(parts, name+" "+output.OneLine(value))
		}
	}
	addSequence := func(name string, seq uint64) {
		if seq > 0 {
			addText(name, output.Uint(seq))
		}
	}
	if s.Only != "" && s.Code == "" {
		parts = append(parts, s.Only)
	}
	addText("rejected by", s.Code)
	addText("application", s.Application)
	addText("category", s.Category)
	addText("name", s.Name)
	addSequence("from sequence", s.FromSeq)
	addSequence("to sequence", s.ToSeq)
	addText("received from", p.Time(s.From.Time))
	addText("received before", p.Time(s.To.Time))
	if j.Repair {
		parts = append(parts, "with repair")
	}
	if j.MaxRate > 0 && !j.DryRun && j.kind == replays {
		parts = append(parts, fmt.Sprintf("at most %d a second", j.MaxRate))
	}
	return strings.Join(parts, ", ")
}
