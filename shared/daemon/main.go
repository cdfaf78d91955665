package daemon

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"time"
)

// Main is the main function of a service; about is one sentence for its help.
// It never returns.
//
// Beside its settings a service has the flags --help, --version and --health.
// The last asks the admin listener of the same settings whether the service is
// alive: exit code 0 or 1.
func Main[S any, P interface {
	*S
	Settings
}](name, about string, run func(context.Context, *Process, P) error,
) {
	os.Exit(execute(name, about, os.Args[1:], os.Stdout, os.Stderr, run))
}

func execute[S any, P interface {
	*S
	Settings
}](name, about string, args []string, stdout, stderr io.Writer, run func(context.Context, *Process, P) error,
) int {
	line, err := parseArgs[S](name, about, args, stdout, stderr)
	switch {
	case err != nil:
		_, _ = fmt.Fprintf(stderr, "%s: %v\ntry: %s --help\n", name, err, name)
		return ExitUsage
	case line.done:
		return ExitOK
	case line.Version:
		_, _ = fmt.Fprintln(stdout, name, Version())
		return ExitOK
	}
	settings := P(&line.Settings)
	p := NewProcess(name, stderr, settings.common().LogLevel.Value)
	if line.Health {
		return checkSelf(p.Logger, settings.common().AdminListen.Value)
	}
	WarnUnknown(p.Logger, line.model)
	return Supervise(p.Logger, func(ctx context.Context) error {
		p.Logger.Info("Starting", slog.String("version", Version()))
		if faults := slices.Concat(line.faults, settings.Faults()); len(faults) > 0 {
			return faults
		}
		return run(ctx, p, settings)
	})
}

// healthLimit bounds a health check, which container engines make every few
// seconds.
const healthLimit = 3 * time.Second

// checkSelf asks the running service on its admin listener whether it is alive. No
// other setting matters for the answer.
func checkSelf(log *slog.Logger, listen string) int {
	if err := CheckHealth(context.Background(), listen); err != nil {
		log.Error("Not healthy", slog.Any("error", err))
		return ExitFailure
	}
	return ExitOK
}
