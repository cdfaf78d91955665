package cmd

import (
	"errors"

	"github.com/theeye/theeye/theeye/output"
)

// yesFlag is the flag of every command that asks before it does what cannot be
// undone by another command.
type yesFlag struct {
	Yes bool `help:"Do it without asking."`
}

// errDeclined is the error of a command whose question was answered by no.
var errDeclined = errors.New("nothing was done")

// confirm asks before something is done. what says what that is. Without a
// terminal it fails, and names the flag.
func (f yesFlag) confirm(p *output.Printer, what string) error {
	if f.Yes {
		return nil
	}
	yes, err := p.Ask(what + " Go on?")
	switch {
	case errors.Is(err, output.ErrNoTerminal):
		return usageErrorf("%s Repeat with --yes to do it.", what)
	case err != nil:
		return err
	case !yes:
		return errDeclined
	}
	return nil
}
