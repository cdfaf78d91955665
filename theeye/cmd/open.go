package cmd

import (
	"context"
	"fmt"
	"os"
	"time"
)

// pipeRemarkAfter is how long a pipe may have no writer until the command says so.
const pipeRemarkAfter = 2 * time.Second

// openFile opens a file that the user names, which may be a pipe: /dev/stdin, the
// substitution of a shell, or a named one. While a named pipe has no writer it says
// so, and an interrupt ends the wait.
func openFile(name string) (*os.File, error) {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return nil, usageError{err}
	case info.IsDir():
		return nil, usageErrorf("%s is a folder, and not a file", name)
	case info.Mode()&os.ModeSocket != 0:
		return nil, usageErrorf("%s is a socket, and not a file", name)
	case info.Mode()&os.ModeNamedPipe == 0:
		return openNow(name)
	}
	ctx, stop := interruptible()
	defer stop()
	return awaitWriter(ctx, name)
}

func openNow(name string) (*os.File, error) {
	f, err := os.Open(name) //nolint:gosec // the user names it
	if err != nil {
		return nil, usageError{err}
	}
	return f, nil
}

// awaitWriter opens a pipe, which blocks until it has a writer.
func awaitWriter(ctx context.Context, name string) (*os.File, error) {
	type result struct {
		f   *os.File
		err error
	}
	opened := make(chan result, 1) // an interrupted wait leaves the goroutine to the end of the process
	go func() {
		f, err := openNow(name)
		opened <- result{f, err}
	}()
	late := time.NewTimer(pipeRemarkAfter)
	defer late.Stop()
	for {
		select {
		case r := <-opened:
			return r.f, r.err
		case <-late.C:
			_, _ = fmt.Fprintf(os.Stderr, "waiting for a writer of the pipe %q\n", name)
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}
