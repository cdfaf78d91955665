package cmd

import (
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/theeye/output"
)

// auditCmd has the commands for audits.
type auditCmd struct {
	Start  auditStartCmd  `cmd:"" default:"withargs" help:"Account for every sequence of the stream. The word start can be left out."`
	List   auditListCmd   `cmd:"" help:"List audits, the newest first."`
	Show   auditShowCmd   `cmd:"" help:"Show an audit, with its account."`
	Cancel auditCancelCmd `cmd:"" help:"End an audit."`
}

type auditStartCmd struct {
	serverFlags
	noteFlag
	rangeFlags
	Repair bool `help:"Write what is missing in the store, where the stream still has it."`
	noWaitFlag
}

// Run starts the audit and waits for its end.
func (c *auditStartCmd) Run(p *output.Printer) error {
	from, to, err := c.timeRange(p)
	if err != nil {
		return err
	}
	body := api.AuditRequest{From: from, To: to, FromSeq: c.FromSeq, ToSeq: c.ToSeq, Repair: c.Repair}
	return jobRequest{kind: audits, body: body, note: c.Note, noWait: c.NoWait}.runJob(p, c.serverFlags)
}

type auditListCmd struct {
	serverFlags
	listFlags
}

// Run prints a line for each audit.
func (c *auditListCmd) Run(p *output.Printer) error {
	return audits.printList(p, c.serverFlags, c.listFlags)
}

type auditShowCmd struct {
	serverFlags
	jobShowFlags
}

// Run prints the audit with its report.
func (c *auditShowCmd) Run(p *output.Printer) error {
	return audits.printOne(p, c.serverFlags, c.jobShowFlags)
}

type auditCancelCmd struct {
	serverFlags
	ID string `arg:"" help:"Its id."`
}

// Run cancels an audit.
func (c *auditCancelCmd) Run(p *output.Printer) error {
	return audits.cancelJob(p, c.serverFlags, c.ID)
}
