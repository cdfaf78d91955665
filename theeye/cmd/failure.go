package cmd

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/theeye/theeye/shared/api/client"
	"github.com/theeye/theeye/shared/daemon"
)

// errInterrupted is the error of a command that a signal ended.
var errInterrupted = errors.New("interrupted")

// exitCode is an exit code. As an error it ends a command without a message:
// the command has printed the reason.
type exitCode int

// Error names the code.
func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// usageError is an error in the arguments or the input of a command: exit code
// 2.
type usageError struct{ error }

// Is makes it a kind of daemon.ErrUsage.
func (usageError) Is(target error) bool { return target == daemon.ErrUsage }

// Unwrap returns the error itself.
func (e usageError) Unwrap() error { return e.error }

func usageErrorf(format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...)}
}

// exitCodeOf returns the exit code for the error of a command.
func exitCodeOf(err error) int {
	if err == nil || errors.Is(err, daemon.ErrUsage) {
		return daemon.ExitCode(err)
	}
	switch client.Status(err) {
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden,
		http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return daemon.ExitUsage
	}
	if invalid := (*client.InvalidError)(nil); errors.As(err, &invalid) {
		return daemon.ExitUsage
	}
	if client.IsUnavailable(err) {
		return daemon.ExitUnreachable
	}
	return daemon.ExitCode(err)
}

// explain returns the text of an error, with the setting that can be wrong.
func explain(err error) string {
	if client.Status(err) == http.StatusUnauthorized {
		return err.Error() + "\nset EYE_TOKEN, or --token, to a token of this installation"
	}
	return err.Error()
}
