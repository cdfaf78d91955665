package daemon

import (
	"errors"
	"strings"
)

// Exit codes of every program.
const (
	ExitOK          = 0
	ExitFailure     = 1
	ExitUsage       = 2
	ExitUnreachable = 3
)

// ErrUsage is the class of errors that the caller of the program can correct:
// wrong flags, wrong settings, invalid input.
var ErrUsage = errors.New("wrong usage")

// ErrUnreachable is the class of errors of a program that ended because it could
// not reach a service that it needs.
var ErrUnreachable = errors.New("could not be reached")

// ExitCode returns the exit code of a program that ended with err.
func ExitCode(err error) int {
	switch {
	case err == nil:
		return ExitOK
	case errors.Is(err, ErrUsage):
		return ExitUsage
	case errors.Is(err, ErrUnreachable):
		return ExitUnreachable
	}
	return ExitFailure
}

// Faults are all faults of a configuration: an error of class ErrUsage.
type Faults []string

// Error lists every fault.
func (f Faults) Error() string { return "configuration is not valid: " + strings.Join(f, "; ") }

// Is makes Faults a kind of ErrUsage.
func (f Faults) Is(target error) bool { return target == ErrUsage }
