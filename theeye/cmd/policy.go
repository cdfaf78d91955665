package cmd

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/api/client"
	"github.com/theeye/theeye/theeye/output"
)

// policyCmd has the commands for the policy.
type policyCmd struct {
	Show    policyShowCmd    `cmd:"" help:"Print the policy, also an earlier version."`
	Put     policyPutCmd     `cmd:"" help:"Put the policy, from a file or by flags, and apply a changed retention."`
	History policyHistoryCmd `cmd:"" help:"List the versions of the policy, with who made them and why."`
}

type policyShowCmd struct {
	serverFlags
	Revision uint64 `placeholder:"N" help:"The version that this revision made; the newest without."`
}

// Run prints the policy and nothing else, so that the output is a file for policy
// put.
func (c *policyShowCmd) Run(p *output.Printer) error {
	ctx, server, stop, err := c.connect()
	if err != nil {
		return err
	}
	defer stop()
	resp, err := server.Do(ctx, client.Request{Method: http.MethodGet, Path: api.PathPolicy, Query: revisionQuery(c.Revision)})
	if err != nil {
		return fmt.Errorf("policy: %w", err)
	}
	if p.JSON {
		return p.Value(resp.Body)
	}
	return p.Document(output.IndentJSON(resp.Body))
}

type policyHistoryCmd struct {
	serverFlags
	listFlags
}

// Run prints a line for each version, the newest first.
func (c *policyHistoryCmd) Run(p *output.Printer) error {
	err := printVersions(p, c.serverFlags, c.listFlags, api.PathPolicyHistory)
	if err != nil && !errors.As(err, new(exitCode)) {
		return fmt.Errorf("policy: %w", err)
	}
	return err
}

// retentionCmd has the commands for the jobs that apply a changed retention.
type retentionCmd struct {
	Start  retentionStartCmd  `cmd:"" default:"withargs" help:"Apply the retention of the policy to the documents again. The word start can be left out."`
	List   retentionListCmd   `cmd:"" help:"List the changes of the retention, the newest first."`
	Show   retentionShowCmd   `cmd:"" help:"Show a change of the retention."`
	Cancel retentionCancelCmd `cmd:"" help:"End a change of the retention."`
}

type retentionStartCmd struct {
	serverFlags
	noteFlag
	noWaitFlag
}

// Run starts the job and waits for its end.
func (c *retentionStartCmd) Run(p *output.Printer) error {
	return jobRequest{kind: retentions, body: struct{}{}, note: c.Note, noWait: c.NoWait}.runJob(p, c.serverFlags)
}

type retentionListCmd struct {
	serverFlags
	listFlags
}

// Run prints a line for each job.
func (c *retentionListCmd) Run(p *output.Printer) error {
	return retentions.printList(p, c.serverFlags, c.listFlags)
}

type retentionShowCmd struct {
	serverFlags
	jobShowFlags
}

// Run prints the job with its report.
func (c *retentionShowCmd) Run(p *output.Printer) error {
	return retentions.printOne(p, c.serverFlags, c.jobShowFlags)
}

type retentionCancelCmd struct {
	serverFlags
	ID string `arg:"" help:"Its id."`
}

// Run cancels a job.
func (c *retentionCancelCmd) Run(p *output.Printer) error {
	return retentions.cancelJob(p, c.serverFlags, c.ID)
}

// printRetentionReport prints what a job has changed.
func (j *job) printRetentionReport(p *output.Printer) error {
	if len(j.Report) == 0 {
		return nil
	}
	var r api.RetentionReport
	if err := j.decodeReport(&r); err != nil {
		return err
	}
	return p.Linef("%d documents read, %d expire at another time than before", r.Documents, r.Changed)
}

// retentionText describes the retention that a job applies, "" for other jobs.
func (j *job) retentionText() string {
	if j.kind != retentions {
		return ""
	}
	lines := flattenJSON(j.Retention)
	if len(lines) == 0 {
		return "kept for ever"
	}
	return joinMembers(lines)
}
