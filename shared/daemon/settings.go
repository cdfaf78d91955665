package daemon

import (
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// prefix starts the names of all environment variables that are settings.
const prefix = "EYE_"

// Settings are the settings of a program: a struct that embeds Common and
// declares a flag for kong in every other field. A setting is a flag, else the
// environment variable of the flag, else the flag's default; an empty value
// counts as unset.
type Settings interface {
	common() *Common
	// Faults returns the faults of values that are well-formed, such as a number
	// out of its range.
	Faults() Faults
}

// Common are the settings of every service.
type Common struct {
	AdminListen  Address `env:"EYE_ADMIN_LISTEN" default:"${admin_listen}" placeholder:"HOST:PORT" help:"Address of health, readiness, metrics and profiles (${default})."`
	AllowedHosts Hosts   `env:"EYE_ALLOWED_HOSTS" placeholder:"HOSTS" help:"Names, beside addresses and localhost, by which clients reach the admin listener, and the query API: separated by commas, *.example.com for all below a domain (none)."`
	LogLevel     Level   `env:"EYE_LOG_LEVEL" default:"info" placeholder:"LEVEL" help:"Lowest level that is logged: debug, info, warn or error (${default})."`
}

func (c *Common) common() *Common { return c }

// Faults returns no faults: each value is checked when it is read.
func (c *Common) Faults() Faults { return nil }

// NATSSettings are the settings of the connection to a separate NATS server.
type NATSSettings struct {
	NATSURL   ServerURL `name:"nats-url" env:"EYE_NATS_URL" default:"nats://127.0.0.1:4222" placeholder:"URL" help:"NATS server, or several separated by commas; with user and password where it requires them (${default})."`
	NATSCreds string    `name:"nats-creds" env:"EYE_NATS_CREDS" placeholder:"FILE" help:"NATS credentials file (none)."`
}

// DefaultAdminListen is the default address of a program's admin listener.
func DefaultAdminListen(program string) string {
	switch program {
	case "collector":
		return "127.0.0.1:8091"
	case "queryapi":
		return "127.0.0.1:8092"
	case "processor":
		return "127.0.0.1:8093"
	}
	return "127.0.0.1:8090"
}

// commandLine is what kong parses for a service.
type commandLine[S any] struct {
	Settings S `embed:""`

	Health  bool `help:"Ask the running service on its admin listener whether it is alive, and exit with code 0 or 1."`
	Version bool `help:"Print version, commit and platform, and exit."`
}

// parsed is a command line after parsing.
type parsed[S any] struct {
	commandLine[S]

	model *kong.Application
	// faults are those of single values.
	faults Faults
	// done is set where help was printed and nothing is left to do.
	done bool
}

// parseArgs parses the arguments of a program. The error is one of usage, such
// as an unknown flag; faults of values are not an error.
func parseArgs[S any](name, about string, args []string, stdout, stderr io.Writer) (*parsed[S], error) {
	p := &parsed[S]{}
	parser, err := kong.New(&p.commandLine,
		kong.Name(name),
		kong.Description(about),
		kong.Writers(stdout, stderr),
		kong.Exit(func(int) { p.done = true }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Vars{"admin_listen": DefaultAdminListen(name)},
	)
	if err != nil {
		panic(err) // the settings are declared incorrectly
	}
	if _, err = parser.Parse(args); err != nil && !p.done {
		return nil, fmt.Errorf("%w: %w", ErrUsage, err)
	}
	p.model = parser.Model
	p.faults = ReadFaults(p.model)
	return p, nil
}

// ReadSettings reads the settings of a program from its arguments and the
// environment. The error is Faults with every fault, or another of class
// ErrUsage.
func ReadSettings[S any, P interface {
	*S
	Settings
}](program string, args []string,
) (P, error) {
	p, err := parseArgs[S](program, "", args, io.Discard, io.Discard)
	if err != nil {
		return nil, err
	}
	settings := P(&p.Settings)
	if faults := slices.Concat(p.faults, settings.Faults()); len(faults) > 0 {
		return nil, faults
	}
	return settings, nil
}

// ReadFaults returns the faults of the values that kong has read, in the order
// of the flags' declaration. It replaces empty values by their defaults first.
func ReadFaults(app *kong.Application) Faults {
	var faults Faults
	for _, flag := range allFlags(app.Node) {
		if flag.Target.Kind() == reflect.String && flag.Target.Len() == 0 && flag.HasDefault {
			flag.Target.SetString(flag.Default)
		}
		v, ok := flag.Target.Addr().Interface().(checkedValue)
		if !ok {
			continue
		}
		fault := v.takeFault(flag.Default)
		if fault == nil {
			continue
		}
		name := "--" + flag.Name
		if len(flag.Envs) > 0 {
			name = flag.Envs[0]
		}
		faults = append(faults, name+": "+fault.Error())
	}
	return faults
}

// allFlags returns the flags of a command and of all commands below it.
func allFlags(n *kong.Node) []*kong.Flag {
	flags := slices.Clone(n.Flags)
	for _, child := range n.Children {
		flags = append(flags, allFlags(child)...)
	}
	return flags
}

// WarnUnknown logs the names of environment variables that start like a setting
// but that no program reads: most likely they are misspelt.
func WarnUnknown(log *slog.Logger, app *kong.Application) {
	for _, name := range unknownNames(app, os.Environ()) {
		log.Warn("Unknown setting is ignored", slog.String("name", name))
	}
}

func unknownNames(app *kong.Application, environ []string) []string {
	known := map[string]bool{}
	for _, flag := range allFlags(app.Node) {
		for _, name := range flag.Envs {
			known[name] = true
		}
	}
	unknown := map[string]bool{}
	for _, variable := range environ {
		name, _, _ := strings.Cut(variable, "=")
		if strings.HasPrefix(name, prefix) && !known[name] && !isForeign(name) {
			unknown[name] = true
		}
	}
	return slices.Sorted(maps.Keys(unknown))
}

// isForeign says whether a variable belongs to another program of the project:
// one file of settings may serve them all.
func isForeign(name string) bool {
	switch name {
	case "EYE_LISTEN", "EYE_ADMIN_LISTEN", "EYE_ALLOWED_HOSTS", "EYE_NATS_URL", "EYE_NATS_CREDS", "EYE_MONGO_URI", "EYE_MONGO_DATABASE",
		"EYE_MONGO_TIME_WINDOWS",
		"EYE_NATS_COLLECTOR_PASSWORD", "EYE_NATS_PROCESSOR_PASSWORD", "EYE_NATS_QUERYAPI_PASSWORD",
		"EYE_MONGO_PASSWORD", "EYE_OPERATOR_TOKEN", "EYE_COLUMNS", "EYE_CONFIG", "EYE_URL", "EYE_TOKEN", "EYE_COLLECTOR_URL",
		"EYE_WRITE_KEY", "EYE_DATA", "EYE_DEV", "EYE_JSON", "EYE_MIN_FREE", "EYE_LOG_LEVEL", "EYE_VERSION", "EYE_COMMIT":
		return true
	}
	for _, p := range []string{"EYE_STREAM_", "EYE_TEST_", "EYE_BENCH_", "EYE_CHAOS_", "EYE_E2E_"} {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return false
}
