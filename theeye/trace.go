package main

type traceCmd struct {
	remote
	EventID     string `arg:"" placeholder:"ID" help:"Id of the event."`
	Application string `placeholder:"NAME" help:"Its application, where more than one has an event of this id."`
}

// Help is the longer text of --help.
func (traceCmd) Help() string {
	return "Shows what became of one event: when it was received, how it was judged then, what replays made of it,\n" +
		"and what is kept now. Earlier outcomes are not kept: they are judged again by the registry of their time.\n\n" +
		"Example:\n  theeye trace 0193b5c2-7c1a-7000-8000-000000000001 --application shop"
}

// Run prints the trace.
func (c *traceCmd) Run(t *terminal) error { return nil }
