package main

type auditShowCmd struct {
	remote
	named
}

// Help is the longer text of --help.
func (auditShowCmd) Help() string {
	return "Succeeds if it could be asked, unless --wait.\n\nExample:\n  theeye audit show 1a20b5066f337cab7 --wait"
}

// Run prints the audit and its account.
func (c *auditShowCmd) Run(t *terminal) error { return audits.show(t, c.remote, c.named) }
