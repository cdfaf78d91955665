package main

type auditListCmd struct {
	remote
	listed
}

// Help is the longer text of --help.
func (auditListCmd) Help() string { return "Example:\n  theeye audit list" }

// Run prints a line an audit.
func (c *auditListCmd) Run(t *terminal) error { return audits.list(t, c.remote, c.Limit) }
