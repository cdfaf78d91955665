package harness

import (
	"bytes"
	"slices"
	"strings"
	"sync"
)

// Bounds of the retained output of one process.
const (
	// maxTail is in bytes.
	maxTail = 64 << 10
	// maxAlarms is a number of lines.
	maxAlarms = 20
)

// outputTail retains the end of the output written to it, and the first lines that
// contain the alarm. It is safe for concurrent use.
type outputTail struct {
	mu     sync.Mutex
	buf    []byte
	alarm  string
	line   []byte // begun and not yet ended
	alarms []string
}

// setAlarm looks for lines with the alarm from now on; "" is no alarm.
func (t *outputTail) setAlarm(alarm string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.alarm = alarm
}

// Write appends p and drops all but the last maxTail bytes.
func (t *outputTail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if over := len(t.buf) - maxTail; over > 0 {
		t.buf = append(t.buf[:0], t.buf[over:]...)
	}
	if t.alarm != "" {
		t.scanLines(p)
	}
	return len(p), nil
}

func (t *outputTail) scanLines(p []byte) {
	for {
		part, rest, ended := bytes.Cut(p, []byte("\n"))
		if len(t.line) < maxTail {
			t.line = append(t.line, part...)
		}
		if !ended {
			return
		}
		if line := string(t.line); strings.Contains(line, t.alarm) && len(t.alarms) < maxAlarms {
			t.alarms = append(t.alarms, line)
		}
		t.line, p = t.line[:0], rest
	}
}

// alarmLines are the first lines that gave the alarm.
func (t *outputTail) alarmLines() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.alarms)
}

// String returns the retained output.
func (t *outputTail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.buf)
}
