// Package cmd has the commands of theeye: a file for each subject, a type for
// each command, and the method Run that kong calls.
//
// A setting is a flag, else an environment variable (--data is EYE_DATA), else
// a default that works on one machine. Exit codes: 0 done, 1 a failure, 2 wrong
// usage or invalid input, 3 a service that is needed could not be reached.
package cmd

import (
	"context"
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
	CSV     bool        `name:"csv" help:"Print tables as CSV, for spreadsheets."`
	Wide    bool        `help:"Print tables whole, though wider than the terminal."`
	Health  bool        `help:"Ask theeye up of this machine whether it is alive, at its --admin-listen: exit code 0 or 1."`
	Version versionFlag `help:"Print version, commit and platform."`

	Up           upCmd           `cmd:"" help:"Run everything in one process."`
	Apply        applyCmd        `cmd:"" help:"Make the registry have what a folder declares."`
	ExportConfig exportConfigCmd `cmd:"" name:"export-config" help:"Write the schemas and the policy as a folder for apply."`
	Schema       schemaCmd       `cmd:"" help:"Show and change the schemas of types."`
	Policy       policyCmd       `cmd:"" help:"Show and change the policy: clock, unknown types, retention."`
	App          appCmd          `cmd:"" help:"Show and change applications and their write keys."`
	Token        tokenCmd        `cmd:"" help:"Show and change query and operator tokens."`
	Send         sendCmd         `cmd:"" help:"Send events from a file or standard input."`
	Demo         demoCmd         `cmd:"" help:"Send the events of a made-up shop, to try queries on."`
	Validate     validateCmd     `cmd:"" help:"Tell which outcome events would have, and keep none."`
	Events       eventsCmd       `cmd:"" help:"List stored events."`
	Export       exportCmd       `cmd:"" help:"Write every stored event that matches, as NDJSON, CSV or Parquet."`
	Tail         tailCmd         `cmd:"" help:"Show outcomes as they happen."`
	Sessions     sessionsCmd     `cmd:"" help:"List sessions, or show one as a timeline."`
	Event        eventCmd        `cmd:"" help:"Show one event with its outcome."`
	Types        typesCmd        `cmd:"" help:"List the types that were received or are registered, with counts."`
	Stats        statsCmd        `cmd:"" help:"Count events or sessions by interval, or check the counts."`
	Top          topCmd          `cmd:"" help:"Count the most frequent values of a field."`
	Funnel       funnelCmd       `cmd:"" help:"Count the visitors that take steps one after the other."`
	Fields       fieldsCmd       `cmd:"" help:"List the fields of the data of events."`
	Changes      changesCmd      `cmd:"" help:"List the changes of the registry, with who made them and why."`
	Rejected     rejectedCmd     `cmd:"" help:"List rejected events with the reasons, or count them."`
	Replay       replayCmd       `cmd:"" help:"Run accepted events through the newest registry revision again."`
	Audit        auditCmd        `cmd:"" help:"Account for every sequence of the stream."`
	Retention    retentionCmd    `cmd:"" help:"Show the jobs that apply a changed retention to the documents."`
	Trace        traceCmd        `cmd:"" help:"Show what became of one event, and when."`
	Status       statusCmd       `cmd:"" help:"Show the stream, the lag, the store, the registry and the services."`
	Backup       backupCmd       `cmd:"" help:"Copy everything into a folder while it runs."`
	Restore      restoreCmd      `cmd:"" help:"Make a data folder from a backup."`
	Doctor       doctorCmd       `cmd:"" help:"Check the address, the token, the clock, the lag, the disk and NATS, with a cure for each fault."`
	Completion   completionCmd   `cmd:"" help:"Print the script that completes commands and flags in a shell."`
	Help         helpCmd         `cmd:"" help:"Show the help of a command: theeye help events."`
	VersionCmd   versionCmd      `cmd:"" name:"version" help:"Print version, commit and platform."`
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
	command, err := parser.Parse(expandArgs(args))
	if err != nil {
		_, _ = fmt.Fprintf(errs, "theeye: %v\ntry: %s --help\n", err, commandOf(err))
		return daemon.ExitUsage
	}
	if c.Health {
		return checkHealth(c.Up.AdminListen, errs)
	}
	if c.JSON && c.CSV {
		_, _ = fmt.Fprintln(errs, "theeye: --json and --csv are two forms of one result: give one")
		return daemon.ExitUsage
	}
	p := output.New(out, errs, c.JSON, c.Wide)
	if c.CSV {
		p.UseCSV()
	}
	p.Wrong, p.Expendable, p.Rigid, p.Middle = saysWrong, expendable, rigid, middle
	err = errors.Join(command.Run(p), p.Finish())
	var silent exitCode
	if errors.As(err, &silent) {
		return int(silent)
	}
	if err != nil {
		_, _ = fmt.Fprintf(errs, "theeye: %s\n", output.Plain(explain(err)))
	}
	return exitCodeOf(err)
}

// commandOf returns the command whose arguments are wrong, as it is typed.
func commandOf(err error) string {
	var parse *kong.ParseError
	if errors.As(err, &parse) && parse.Context != nil {
		if node := parse.Context.Selected(); node != nil {
			return node.FullPath()
		}
	}
	return "theeye"
}

// expandArgs returns the arguments as the parser takes them: help comes as a
// flag, and a health check needs no command.
func expandArgs(args []string) []string {
	switch args[0] {
	case "help":
		return append(args[1:len(args):len(args)], "--help")
	case "--health":
		return append([]string{"up"}, args...)
	}
	return args
}

// checkHealth asks the process on this machine, as the health check of an image
// does.
func checkHealth(listen string, errs io.Writer) int {
	if err := daemon.CheckHealth(context.Background(), listen); err != nil {
		_, _ = fmt.Fprintf(errs, "theeye: not healthy: %v\n", err)
		return daemon.ExitFailure
	}
	return daemon.ExitOK
}

func newParser(c *cli, out, errs io.Writer) (*kong.Kong, error) {
	return kong.New(
		c,
		kong.Name("theeye"),
		kong.Description("Takes in events of user behaviour, validates them, keeps them, and answers queries."),
		kong.Writers(out, errs),
		kong.Exit(func(code int) { panic(exitCode(code)) }),
		kong.UsageOnError(),
		kong.Help(printHelp),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.PostBuild(addDetails),
		kong.Vars{"times": helpTime},
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
