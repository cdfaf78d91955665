package daemon

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"
)

// Main is the main function of a service. It never returns.
//
// It knows the flags --version, --health (asks the admin listener of the same
// settings whether the service is alive: exit code 0 or 1) and --help; every
// other setting comes from the environment.
func Main(name string, run func(context.Context, *Process) error) {
	os.Exit(execute(name, os.Args[1:], Environ(), os.Stdout, os.Stderr, run))
}

func execute(name string, args []string, env *Env, stdout, stderr io.Writer, run func(context.Context, *Process) error) int {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(stderr)
	version := flags.Bool("version", false, "print version, commit and platform")
	health := flags.Bool("health", false, "ask the running service on EYE_ADMIN_LISTEN whether it is alive")
	flags.Usage = func() {
		_, _ = fmt.Fprintf(flags.Output(), "usage: %s [--version | --health]\n\nSettings are environment variables starting with EYE_.\n\n", name)
		flags.PrintDefaults()
	}
	switch err := parse(flags, args, stdout); {
	case errors.Is(err, flag.ErrHelp):
		return ExitOK
	case err != nil:
		return ExitUsage
	case *version:
		_, _ = fmt.Fprintln(stdout, name, Version())
		return ExitOK
	}
	p := NewProcess(name, env, stderr)
	if *health {
		return probe(p)
	}
	return Supervise(p.Logger, func(ctx context.Context) error {
		p.Logger.Info("Starting", slog.String("version", Version()))
		return run(ctx, p)
	})
}

// parse prints help to stdout, where it was asked for, and faults to where
// flags puts them.
func parse(flags *flag.FlagSet, args []string, stdout io.Writer) error {
	for _, a := range args {
		if a == "-h" || a == "-help" || a == "--help" {
			flags.SetOutput(stdout)
			flags.Usage()
			return flag.ErrHelp
		}
	}
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		_, _ = fmt.Fprintf(flags.Output(), "%s takes no arguments, but got %q\n", flags.Name(), flags.Arg(0))
		flags.Usage()
		return ErrUsage
	}
	return nil
}

// probeLimit bounds a health check, which container engines make every few
// seconds.
const probeLimit = 3 * time.Second

func probe(p *Process) int {
	ctx, cancel := context.WithTimeout(context.Background(), probeLimit)
	defer cancel()
	listen := p.Env.String("EYE_ADMIN_LISTEN", DefaultAdminListen(p.Name))
	if err := checkHealth(ctx, listen); err != nil {
		p.Logger.Error("Not healthy", slog.Any("error", err))
		return ExitFailure
	}
	return ExitOK
}
