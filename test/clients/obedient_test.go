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

// obedient implements sender by the process of a site that does what the lines of its
// input say, and answers each with the counts of its client, as a line of JSON.
type obedient struct {
	commands io.Writer
	answers  *bufio.Scanner
	last     counts
}

func startObedient(t *testing.T, command ...string) *obedient {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
	commands, answers := harness.StartSite(t, cmd)
	return &obedient{commands: commands, answers: answers}
}

// call has the site do something, and reads the counts of its client.
func (s *obedient) call(format string, args ...any) error {
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

func (s *obedient) enqueue(first, last int) error { return s.call("enqueue %d %d", first, last) }

func (s *obedient) stats() (counts, error) {
	err := s.call("stats")
	return s.last, err
}

func (s *obedient) close(context.Context) error { return s.call("close") }
