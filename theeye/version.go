package main

import (
	"encoding/json"
	"fmt"

	"github.com/alecthomas/kong"

	"github.com/theeye/theeye/shared/daemon"
)

type versionCmd struct{}

// Run prints what this program is.
func (versionCmd) Run(t *terminal) error {
	if t.json {
		return json.NewEncoder(t.out).Encode(daemon.BuildInfo())
	}
	_, err := fmt.Fprintln(t.out, "theeye", daemon.Version())
	return err
}

// versionFlag is the command as a flag, which every program of The Eye has.
type versionFlag bool

// BeforeReset prints and ends, before anything else is looked at.
func (versionFlag) BeforeReset(app *kong.Kong) error {
	_, err := fmt.Fprintln(app.Stdout, "theeye", daemon.Version())
	app.Exit(daemon.ExitOK)
	return err
}
