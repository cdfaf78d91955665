// Command theeye is The Eye as people use it: `theeye up` runs everything in
// one process.
//
// A setting is a flag, else an environment variable (--data is EYE_DATA), else
// a default that works on one machine. Exit codes: 0 done, 1 a failure, 2 wrong
// usage or invalid input, 3 what it needs could not be reached.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/alecthomas/kong"

	"github.com/theeye/theeye/shared/daemon"
)

// cli is everything theeye can be told: one field, and one file, a command.
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

// terminal is where a command prints: out what was asked for, err the rest.
type terminal struct {
	out, err io.Writer
	json     bool
	// failed is the first error of an output that the command did not look at.
	failed error
}

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run runs one command and returns the exit code.
func run(args []string, out, errs io.Writer) (code int) {
	var c cli
	parser, err := kong.New(&c,
		kong.Name("theeye"),
		kong.Description("Takes in events of user behaviour, validates them, keeps them, and answers queries."),
		kong.Writers(out, errs),
		kong.Exit(func(code int) { panic(exit(code)) }),
		kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	if err != nil {
		panic(err) // the commands above are declared wrongly
	}
	defer func() {
		switch e := recover().(type) {
		case nil:
		case exit:
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
	t := &terminal{out: out, err: errs, json: c.JSON}
	if err = command.Run(t); err == nil {
		err = t.failed
	}
	var told exit
	if errors.As(err, &told) {
		return int(told)
	}
	if err != nil {
		_, _ = fmt.Fprintf(errs, "theeye: %s\n", plain(err.Error()))
	}
	return daemon.ExitCode(err)
}

// exit is an exit code. As an error it says that its reason was told.
type exit int

// Error names the code.
func (e exit) Error() string { return fmt.Sprintf("exit code %d", int(e)) }
