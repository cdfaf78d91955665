package harness

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// ErrNoMetric says that a process exports no such metric, or not yet.
var ErrNoMetric = errors.New("no such metric")

// Metric reads one Prometheus metric from an admin listener, summed over the
// series that have all of the given labels, each written as name="value".
func Metric(ctx context.Context, admin, name string, labels ...string) (float64, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, admin+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	sum, found := 0.0, false
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		value, ok := sample(lines.Text(), name, labels)
		if ok {
			sum += value
			found = true
		}
	}
	if err := lines.Err(); err != nil {
		return 0, err
	}
	if !found {
		return 0, fmt.Errorf("%w: %s has no %s %v", ErrNoMetric, admin, name, labels)
	}
	return sum, nil
}

// sample reads one line of the Prometheus text format.
func sample(line, name string, labels []string) (float64, bool) {
	rest, ok := strings.CutPrefix(line, name)
	if !ok || rest == "" || rest[0] != '{' && rest[0] != ' ' {
		return 0, false
	}
	for _, l := range labels {
		if !strings.Contains(rest, l) {
			return 0, false
		}
	}
	value, err := strconv.ParseFloat(rest[strings.LastIndexByte(rest, ' ')+1:], 64)
	return value, err == nil
}

// ErrBusy says that a processor still has something to do.
var ErrBusy = errors.New("the processors are not done")

// CheckIdle returns nil when no processor has anything left to do.
func (p *Pipeline) CheckIdle(ctx context.Context) error {
	for _, admin := range p.ProcessorAdmins {
		lag, err := Metric(ctx, admin, "eye_processor_lag_events")
		if err != nil {
			return err
		}
		if lag != 0 {
			return fmt.Errorf("%w: %.0f events to go", ErrBusy, lag)
		}
	}
	return nil
}

// RSS is the resident memory of a process in bytes, as Linux counts it.
func (p *Process) RSS() (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID()))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == "VmRSS:" {
			kb, err := strconv.ParseInt(fields[1], 10, 64)
			return kb << 10, err
		}
	}
	return 0, errors.New("the process has no VmRSS")
}

// ticksPerSecond is how Linux counts time on the processor for users.
const ticksPerSecond = 100

// CPU returns the processor time that a process has used so far, as Linux counts
// it: unlike elapsed time, it does not depend on the load of the machine.
func (p *Process) CPU() (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.PID()))
	if err != nil {
		return 0, err
	}
	// The name, in parentheses, may hold anything.
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	const user, system = 11, 12
	if len(fields) <= system {
		return 0, errors.New("the process has no times")
	}
	u, errUser := strconv.ParseInt(fields[user], 10, 64)
	s, errSystem := strconv.ParseInt(fields[system], 10, 64)
	return time.Duration(u+s) * time.Second / ticksPerSecond, errors.Join(errUser, errSystem)
}
