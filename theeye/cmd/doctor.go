package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/api/client"
	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/shared/natsd"
	"github.com/theeye/theeye/shared/when"
	"github.com/theeye/theeye/theeye/output"
)

type doctorCmd struct {
	serverFlags
	AdminListen string `env:"EYE_ADMIN_LISTEN" default:"127.0.0.1:8090" placeholder:"HOST:PORT" help:"Admin listener of a process to ask for its readiness, where it can be reached (${default})."`
	Data        string `env:"EYE_DATA" default:"./data" placeholder:"DIR" help:"Data folder of theeye up, where it is on this machine (${default})."`
}

// Results of a check.
const (
	checkOK   = "ok"
	checkWarn = "warn"
	checkFail = "FAIL"
)

// finding is the result of one check. Cure says what to do about it.
type finding struct {
	Check  string `json:"check"`
	Result string `json:"result"`
	Detail string `json:"detail"`
	Cure   string `json:"cure,omitzero"`
}

// Thresholds of the checks.
const (
	maxSkew     = 2 * time.Second
	badSkew     = time.Minute
	maxLag      = time.Minute
	badLag      = 10 * time.Minute
	fullStream  = 0.80
	spilling    = 0.95
	littleSpace = 5 << 30
	noSpace     = 1 << 30
	quietFor    = 30 * time.Second
	// adminTimeout bounds the question to the admin listener.
	adminTimeout = 3 * time.Second
)

// Run makes all checks that the token allows, and fails if one of them does.
func (c *doctorCmd) Run(p *output.Printer) error {
	ctx, server, stop, err := c.connect()
	if err != nil {
		return err
	}
	defer stop()
	findings := c.checkService(ctx, server)
	findings = append(findings, c.checkReadiness(ctx)...)
	findings = append(findings, c.checkDisk()...)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := printFindings(p, findings); err != nil {
		return err
	}
	for _, f := range findings {
		if f.Result == checkFail {
			return exitCode(daemon.ExitFailure)
		}
	}
	return nil
}

func printFindings(p *output.Printer, findings []finding) error {
	if p.JSON {
		return p.Value(map[string]any{"checks": findings})
	}
	for _, f := range findings {
		if err := p.Linef("%-5s %-10s %s", f.Result, f.Check, output.OneLine(f.Detail)); err != nil {
			return err
		}
		if f.Cure != "" {
			if err := p.Linef("%16s %s", "", output.OneLine(f.Cure)); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkService asks the query API: whether it answers, who the token is, and with
// an operator's, how the installation is.
func (c *doctorCmd) checkService(ctx context.Context, server *client.Client) []finding {
	resp, err := server.DoOnce(ctx, client.Request{Method: http.MethodGet, Path: api.PathHealth})
	if err != nil {
		return []finding{{"url", checkFail, err.Error(), "is The Eye running, and is --url (EYE_URL) its address?"}}
	}
	findings := []finding{{"url", checkOK, c.URL + " answers", ""}, checkClock(resp, time.Now())}
	var status api.Status
	_, err = server.Get(ctx, api.PathStatus, nil, &status)
	switch client.Status(err) {
	case http.StatusUnauthorized:
		return append(findings, finding{"token", checkFail, "the token is not valid here", "set EYE_TOKEN, or --token, to a token of this installation"})
	case http.StatusForbidden:
		return append(findings, finding{"token", checkWarn, "the token is an analyst's: the checks below need an operator's", "set EYE_TOKEN to an operator token"})
	}
	if err != nil {
		return append(findings, finding{"status", checkFail, err.Error(), "look at the log of the query API"})
	}
	findings = append(findings, finding{"token", checkOK, "an operator's", ""})
	return append(findings, checkStatus(&status, time.Now())...)
}

// checkClock compares the clock of this machine with that of the service, whose
// answers are precise to a second.
func checkClock(resp *client.Response, now time.Time) finding {
	at, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		return finding{"clock", checkWarn, "the service does not say its time", ""}
	}
	skew := now.Sub(at).Truncate(time.Second)
	f := finding{"clock", checkOK, "the same as that of the service, to the second", ""}
	if skew.Abs() > maxSkew {
		f = finding{"clock", checkWarn, "differs from that of the service by " + when.FormatDuration(skew), "synchronise both by NTP: events of a fast clock are rejected"}
	}
	if skew.Abs() > badSkew {
		f.Result = checkFail
	}
	return f
}

// checkStatus judges the state of the installation.
func checkStatus(s *api.Status, now time.Time) []finding {
	findings := []finding{checkLag(s), checkStream(s)}
	store := finding{"store", checkOK, "ready", ""}
	if !s.Store.Ready {
		store = finding{"store", checkFail, "not ready: events wait in the stream", "is the database running, and a processor?"}
	}
	findings = append(findings, store)
	running := map[string]bool{}
	for _, service := range s.Services {
		f := finding{service.Service, checkOK, "version " + service.Version + ", revision " + output.Uint(service.Revision), ""}
		running[service.Service] = true
		switch {
		case service.Waiting != "":
			f.Result, f.Detail, f.Cure = checkFail, service.Waiting, "correct the setting that it names, and restart it"
		case now.Sub(service.SeenAt.Time) > quietFor:
			f.Result, f.Detail, f.Cure = checkWarn, "not seen for "+when.FormatDuration(now.Sub(service.SeenAt.Time).Round(time.Second)), "is it running, and does it reach NATS?"
		case service.Revision < s.Registry.Revision:
			f.Result, f.Detail, f.Cure = checkWarn, f.Detail+", behind "+output.Uint(s.Registry.Revision), "it follows within a second; look at its log if it stays behind"
		}
		findings = append(findings, f)
	}
	for _, name := range []string{"collector", "processor", "queryapi"} {
		if !running[name] {
			findings = append(findings, finding{name, checkFail, "none is running", "start one, and check that it reaches the same NATS"})
		}
	}
	return findings
}

func checkLag(s *api.Status) finding {
	lag := time.Duration(s.Lag.Seconds * float64(time.Second)).Round(time.Second)
	f := finding{"lag", checkOK, fmt.Sprintf("%d events wait, the oldest for %s", s.Lag.Events, when.FormatDuration(lag)), ""}
	const cure = "is the database fast enough? More processors share the work"
	switch {
	case s.Processing.Reason != "":
		return finding{"lag", checkFail, s.Processing.Reason, "no event gets an outcome until this is corrected"}
	case lag > badLag:
		f.Result, f.Cure = checkFail, cure
	case lag > maxLag:
		f.Result, f.Cure = checkWarn, cure
	}
	return f
}

func checkStream(s *api.Status) finding {
	f := finding{"stream", checkOK, output.Bytes(s.Stream.Bytes) + ", without a bound", ""}
	if s.Stream.MaxBytes <= 0 {
		return f
	}
	share := float64(s.Stream.Bytes) / float64(s.Stream.MaxBytes)
	f.Detail = fmt.Sprintf("%.1f %% of %s", 100*share, output.Bytes(uint64(s.Stream.MaxBytes)))
	if share <= fullStream || s.Lag.Events == 0 {
		return f // settled events make room
	}
	f.Result, f.Cure = checkWarn, "events wait: bring the processor back, or raise EYE_STREAM_MAX_BYTES"
	if share > spilling {
		f.Result = checkFail
	}
	return f
}

// checkReadiness asks a process of this machine, where its admin listener can be
// reached: it knows the settings of NATS and of the stream.
func (c *doctorCmd) checkReadiness(ctx context.Context) []finding {
	ctx, cancel := context.WithTimeout(ctx, adminTimeout)
	defer cancel()
	host, port, err := net.SplitHostPort(c.AdminListen)
	if err != nil {
		return []finding{{"readiness", checkFail, "EYE_ADMIN_LISTEN: " + err.Error(), "it is HOST:PORT"}}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/readyz", nil)
	if err != nil {
		return []finding{{"readiness", checkFail, err.Error(), ""}}
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return []finding{{"nats", checkWarn, "not checked: no admin listener answers at " + c.AdminListen, "run it beside the process, or set EYE_ADMIN_LISTEN"}}
	}
	defer func() { _ = resp.Body.Close() }()
	var ready struct {
		Checks []struct {
			Name, Error string
			OK          bool
		}
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&ready); err != nil {
		return []finding{{"readiness", checkFail, "the answer of " + c.AdminListen + " is not that of The Eye", "is EYE_ADMIN_LISTEN right?"}}
	}
	findings := make([]finding, 0, len(ready.Checks))
	for _, check := range ready.Checks {
		f := finding{check.Name, checkOK, "ready", ""}
		if !check.OK {
			f = finding{check.Name, checkFail, check.Error, "look at the log of the process"}
		}
		findings = append(findings, f)
	}
	return findings
}

// checkDisk looks at the disk of the data folder, where it is on this machine.
func (c *doctorCmd) checkDisk() []finding {
	if _, err := os.Stat(c.Data); errors.Is(err, os.ErrNotExist) {
		return []finding{{"disk", checkWarn, "not checked: there is no folder " + c.Data + " here", "run it beside theeye up, or set EYE_DATA"}}
	}
	free, err := natsd.FreeSpace(c.Data)
	if err != nil {
		return []finding{{"disk", checkFail, err.Error(), ""}}
	}
	f := finding{"disk", checkOK, output.Bytes(free) + " free for " + c.Data, ""}
	if free < littleSpace {
		f.Result, f.Cure = checkWarn, "make room: the collector answers 503 no_space when the disk is nearly full"
	}
	if free < noSpace {
		f.Result = checkFail
	}
	return []finding{f}
}
