package main

import (
	"time"

	"github.com/theeye/theeye/shared/job"
)

// auditCmd is everything about audits.
type auditCmd struct {
	Start  auditStartCmd  `cmd:"" default:"withargs" help:"Account for every sequence of the stream. The word start can be left out."`
	List   auditListCmd   `cmd:"" help:"List audits, the newest first."`
	Show   auditShowCmd   `cmd:"" help:"Show an audit, with its account."`
	Cancel auditCancelCmd `cmd:"" help:"End an audit."`
}

type auditStartCmd struct {
	remote
	noted
	span
	Repair bool `help:"Write what is missing in the store, where the stream still has it."`
	waited
}

// Help is the longer text of --help.
func (auditStartCmd) Help() string {
	return "Says of every sequence what became of the event that was accepted there: stored, rejected, a copy of an\n" +
		"earlier one, past its retention, not settled yet, or MISSING. Nothing that the services count is believed:\n" +
		"it looks at the stream and at the store. Fails with exit code 1 if anything is missing.\n\n" +
		"Examples:\n  theeye audit\n  theeye audit start --from 24h --repair"
}

// auditOrder is the body of POST /v1/audits.
type auditOrder struct {
	job.Selection
	Repair bool `json:"repair,omitzero"`
}

// Run starts the audit and waits for its end.
func (c *auditStartCmd) Run(t *terminal) error {
	s, err := c.selection(time.Now())
	if err != nil {
		return err
	}
	body := auditOrder{Selection: s, Repair: c.Repair}
	return order{jobs: audits, body: body, note: c.Note, noWait: c.NoWait}.carryOut(t, c.remote)
}
