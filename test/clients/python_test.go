package clients

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"testing"

	"github.com/theeye/theeye/test/harness"
)

// python returns the path of a Python.
func python(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("python3")
	if err != nil {
		t.Fatalf("the Python client needs python3: install it and run this again (%v)", err)
	}
	return path
}

func TestPythonClientLosesNothing(t *testing.T) {
	testFaults(t, func(t *testing.T, url, session string) sender {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), python(t), "site.py", url, harness.WriteKey, session)
		cmd.Stderr = t.Output()
		commands, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		answers, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = commands.Close() // ends it
			_ = cmd.Wait()
		})
		return &pythonSender{commands: commands, answers: bufio.NewScanner(answers)}
	})
}

// pythonSender implements sender by a process of site.py.
type pythonSender struct {
	commands io.Writer
	answers  *bufio.Scanner
	last     counts
}

// call has the site do something, and reads the counts of its client.
func (s *pythonSender) call(format string, args ...any) error {
	if _, err := fmt.Fprintf(s.commands, format+"\n", args...); err != nil {
		return err
	}
	if !s.answers.Scan() {
		return errors.Join(io.ErrUnexpectedEOF, s.answers.Err())
	}
	var answer struct {
		Accepted       int `json:"accepted"`
		FailedRequests int `json:"failed_requests"`
	}
	if err := json.Unmarshal(s.answers.Bytes(), &answer); err != nil {
		return fmt.Errorf("the answer of a site: %w", err)
	}
	s.last = counts(answer)
	return nil
}

func (s *pythonSender) enqueue(first, last int) error { return s.call("enqueue %d %d", first, last) }

func (s *pythonSender) stats() (counts, error) {
	err := s.call("stats")
	return s.last, err
}

func (s *pythonSender) close(context.Context) error { return s.call("close") }

func TestKilledPythonSiteLosesNothing(t *testing.T) { testKilledSite(t, python(t), "site.py") }
