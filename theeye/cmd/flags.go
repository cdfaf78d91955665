package cmd

import (
	"context"
	"errors"
	"net/url"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/api/client"
	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/shared/when"
	"github.com/theeye/theeye/theeye/output"
)

// serverFlags are the flags of every command that calls a running Eye.
type serverFlags struct {
	URL   string `name:"url" env:"EYE_URL" default:"http://127.0.0.1:8080" placeholder:"URL" help:"Where The Eye answers (${default})."`
	Token string `env:"EYE_TOKEN" placeholder:"TOKEN" help:"Query or operator token. Others on this machine can see flags: prefer the environment."`
}

// noteFlag is the flag of every command that changes the registry or starts a
// job.
type noteFlag struct {
	Note string `placeholder:"TEXT" help:"Why, for the history: one line of at most 500 characters."`
}

// connect returns a client of the query API, and a context that an interrupt
// ends. The caller must call stop.
func (f serverFlags) connect() (ctx context.Context, c *client.Client, stop context.CancelFunc, err error) {
	c, err = newClient(endpoint{"--url", f.URL}, endpoint{"--token", f.Token})
	if err != nil {
		return nil, nil, nil, err
	}
	ctx, stop = interruptible()
	return ctx, c, stop, nil
}

// get requests a path, decodes the answer into v, and returns it.
func (f serverFlags) get(path string, v any) (*client.Response, error) {
	ctx, c, stop, err := f.connect()
	if err != nil {
		return nil, err
	}
	defer stop()
	return c.Get(ctx, path, nil, v)
}

// call sends a request, decodes the answer into v, and returns it.
func (f serverFlags) call(r client.Request, v any) (*client.Response, error) {
	ctx, c, stop, err := f.connect()
	if err != nil {
		return nil, err
	}
	defer stop()
	return c.Call(ctx, r, v)
}

// endpoint is the value of a flag of a client.
type endpoint struct{ flag, value string }

// newClient returns a client. An error names the flag whose value is invalid,
// but not the value, which can be secret.
func newClient(address, token endpoint) (*client.Client, error) {
	c, err := client.New(client.Config{
		URL: address.value, Token: token.value, UserAgent: "theeye/" + daemon.BuildInfo().Version,
	})
	var invalid *client.InvalidError
	switch {
	case !errors.As(err, &invalid):
		return c, err
	case invalid.Field == client.FieldURL:
		return nil, usageErrorf("%s %s", address.flag, invalid.Reason)
	}
	return nil, usageErrorf("%s %s", token.flag, invalid.Reason)
}

// interruptible returns a context that an interrupt or SIGTERM ends with
// errInterrupted; a second signal ends the process at once. The caller must
// call stop.
func interruptible() (ctx context.Context, stop context.CancelFunc) {
	signalled, stopSignals := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithCancelCause(context.Background())
	context.AfterFunc(signalled, func() {
		cancel(errInterrupted)
		stopSignals()
	})
	return ctx, func() {
		stopSignals()
		cancel(nil)
	}
}

// setParameter sets a query parameter unless its value is empty.
func setParameter(q url.Values, name, value string) {
	if value != "" {
		q.Set(name, value)
	}
}

// timeFlag is a time as people type it; "" is no time.
type timeFlag string

// helpTime describes the forms of a time for --help.
const helpTime = "RFC 3339, a date, how long ago (7d, 90m, 1h30m), today, yesterday or now; days are local on a terminal, else UTC"

// clockOf returns the clock of times that a command reads: local where its output
// is for people.
func clockOf(p *output.Printer) when.Clock { return when.Clock{Now: time.Now(), Zone: p.Zone} }

// parse returns the time, the zero time for "".
func (f timeFlag) parse(name string, clock when.Clock) (api.Time, error) {
	if f == "" {
		return api.Time{}, nil
	}
	t, err := clock.Parse(string(f))
	if err != nil {
		return api.Time{}, usageErrorf("%s %w", name, err)
	}
	return api.TimeOf(t), nil
}

// durationFlag is a duration as people type it, such as 90m or 30d.
type durationFlag time.Duration

// UnmarshalText reads the duration.
func (f *durationFlag) UnmarshalText(text []byte) error {
	d, err := when.ParseDuration(string(text))
	*f = durationFlag(d)
	return err
}

// String writes the duration as it is read.
func (f durationFlag) String() string { return when.FormatDuration(time.Duration(f)) }

// typeArgs are the arguments of every command for one type.
type typeArgs struct {
	Category string `arg:"" help:"Category of the type, e.g. 'page interaction'."`
	Name     string `arg:"" help:"Name of the type, e.g. 'cta click'."`
}

func (t typeArgs) schemaPath() string { return api.SchemaPath(t.Category, t.Name) }

// String names the type.
func (t typeArgs) String() string { return t.Category + " / " + t.Name }
