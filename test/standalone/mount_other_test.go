//go:build !linux && !windows

package standalone_test

import "errors"

func mountMemory(string, string) error { return errors.New("only Linux has tmpfs") }
