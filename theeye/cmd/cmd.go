// Package cmd has the commands of theeye: a file for each subject, a type for
// each command, and the method Run that kong calls.
//
// A setting is a flag, else an environment variable (--data is EYE_DATA), else
// a default that works on one machine. Exit codes: 0 done, 1 a failure, 2 wrong
// usage or invalid input, 3 a service that is needed could not be reached.
package cmd

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/alecthomas/kong"

	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/theeye/output"
)

// cli declares all commands and the flags that every command has.
type cli struct {
	JSON    bool        `name:"json" env:"EYE_JSON" help:"Print for machines."`
	Version versionFlag `help:"Print version, commit and platform."`

	Up         upCmd       `cmd:"" help:"Run everything in one process."`
	Apply      applyCmd    `cmd:"" help:"Make the registry have what a folder declares."`
	Schema     schemaCmd   `cmd:"" help:"Show and change the schemas of types."`
	App        appCmd      `cmd:"" help:"Show and change applications and their write keys."`
	Token      tokenCmd    `cmd:"" help:"Show and change query and operator tokens."`
	Send       sendCmd     `cmd:"" help:"Send events from a file or standard input."`
	Events     eventsCmd   `cmd:"" help:"List stored events."`
	Sessions   sessionsCmd `cmd:"" help:"List sessions, or show one as a timeline."`
	Rejected   rejectedCmd `cmd:"" help:"List rejected events with the reasons, or count them."`
	Replay     replayCmd   `cmd:"" help:"Run accepted events through the newest registry revision again."`
	Audit      auditCmd    `cmd:"" help:"Account for every sequence of the stream."`
	Trace      traceCmd    `cmd:"" help:"Show what became of one event, and when."`
	Status     statusCmd   `cmd:"" help:"Show the stream, the lag, the store, the registry and the services."`
	VersionCmd versionCmd  `cmd:"" name:"version" help:"Print version, commit and platform."`
}

// Run runs one command and returns the exit code. out gets what the command was
// asked for, errs everything else.
func Run(args []string, out, errs io.Writer) (code int) {
	var c cli
	parser, err := newParser(&c, out, errs)
	if err != nil {
		panic(err) // the commands above are declared wrongly
	}
	defer func() {
		switch e := recover().(type) {
		case nil:
		case exitCode:
			code = int(e)
		default:
			panic(e)
		}
	}()
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(args)
	if err != nil {
		_, _ = fmt.Fprintf(errs, "theeye: %v\ntry: theeye --help\n", err)
		return daemon.ExitUsage
	}
	p := &output.Printer{Out: out, Err: errs, JSON: c.JSON}
	if err = command.Run(p); err == nil {
		err = p.WriteErr()
	}
	var silent exitCode
	if errors.As(err, &silent) {
		return int(silent)
	}
	if err != nil {
		_, _ = fmt.Fprintf(errs, "theeye: %s\n", output.Plain(explain(err)))
	}
	return exitCodeOf(err)
}

func newParser(c *cli, out, errs io.Writer) (*kong.Kong, error) {
	return kong.New(
		c,
		kong.Name("theeye"),
		kong.Description("Takes in events of user behaviour, validates them, keeps them, and answers queries."),
		kong.Writers(out, errs),
		kong.Exit(func(code int) { panic(exitCode(code)) }),
		kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.PostBuild(addDetails),
	)
}

type versionCmd struct{}

// Run prints the version of this program.
func (versionCmd) Run(p *output.Printer) error {
	if p.JSON {
		return json.NewEncoder(p.Out).Encode(daemon.BuildInfo())
	}
	_, err := fmt.Fprintln(p.Out, "theeye", daemon.Version())
	return err
}

// versionFlag is the version command as a flag, which every program of The Eye
// has.
type versionFlag bool

// BeforeReset prints the version and exits before other flags are parsed.
func (versionFlag) BeforeReset(app *kong.Kong) error {
	_, err := fmt.Fprintln(app.Stdout, "theeye", daemon.Version())
	app.Exit(daemon.ExitOK)
	return err
}
