package main

type auditCancelCmd struct {
	remote
	ID string `arg:"" help:"Its id."`
}

// Help is the longer text of --help.
func (auditCancelCmd) Help() string { return "Example:\n  theeye audit cancel 1a20b5066f337cab7" }

// Run ends an audit.
func (c *auditCancelCmd) Run(t *terminal) error { return audits.cancel(t, c.remote, c.ID) }
