package harness

import (
	"bufio"
	"io"
	"os/exec"
	"testing"
)

// StartSite starts the program of a site that takes a line for each thing to do, and
// answers in lines. Its standard error goes to the output of the test, which ends it
// by closing its input.
func StartSite(t *testing.T, cmd *exec.Cmd) (calls io.Writer, answers *bufio.Scanner) {
	t.Helper()
	cmd.Stderr = t.Output()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close() // ends it
		_ = cmd.Wait()
	})
	return in, bufio.NewScanner(out)
}
