package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"time"
)

// Process is one program that can be started, killed and started again.
type Process struct {
	Name string
	Path string
	Args []string
	// Env is added to a minimal environment; nothing is inherited but PATH,
	// HOME and the folder for temporary files.
	Env []string
	// Dir is the working directory; "" is a folder without meaning.
	Dir string
	// ReadyURL answers 200 when the process can work; "" means that Start
	// does not wait.
	ReadyURL string
	// Alarm is a text that the process must not print; "" disables the check.
	Alarm string

	mu     sync.Mutex
	cmd    *exec.Cmd
	exited chan struct{}
	output outputTail
}

// ErrExited says that a process ended without being told to.
var ErrExited = errors.New("process ended by itself")

// Start starts the process and waits until it is ready.
func (p *Process) Start(ctx context.Context) error {
	if err := p.Launch(); err != nil {
		return err
	}
	return p.AwaitReady(ctx)
}

// Launch starts the process without waiting.
func (p *Process) Launch() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	cmd := exec.Command(p.Path, p.Args...) //nolint:gosec // a binary of the project
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "TMPDIR=" + os.TempDir()}, p.Env...)
	cmd.Dir = p.Dir
	p.output.setAlarm(p.Alarm)
	cmd.Stdout, cmd.Stderr = &p.output, &p.output
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.Name, err)
	}
	exited := make(chan struct{})
	go func() {
		_ = cmd.Wait() // the state is read from cmd.ProcessState
		close(exited)
	}()
	p.cmd, p.exited = cmd, exited
	return nil
}

// AwaitReady waits until ReadyURL answers 200. It fails at once when the
// process ends.
func (p *Process) AwaitReady(ctx context.Context) error {
	if p.ReadyURL == "" {
		return nil
	}
	return Poll(ctx, func() error {
		select {
		case <-p.exitChan():
			return Final(fmt.Errorf("%w: %s\n%s", ErrExited, p.Name, p.Output()))
		default:
		}
		return Get(ctx, p.ReadyURL)
	})
}

// Kill ends the process with SIGKILL and waits for its end. It returns
// ErrExited when the process had ended before.
func (p *Process) Kill() error { return p.kill(os.Kill) }

// Signal sends sig and returns at once.
func (p *Process) Signal(sig os.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cmd.Process.Signal(sig)
}

// PID is the process's id.
func (p *Process) PID() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cmd.Process.Pid
}

// Wait waits for the end of the process and returns its exit code.
func (p *Process) Wait(ctx context.Context) (int, error) {
	select {
	case <-p.exitChan():
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.cmd.ProcessState.ExitCode(), nil
	case <-ctx.Done():
		return -1, fmt.Errorf("%s still runs: %w", p.Name, ctx.Err())
	}
}

// Stop kills the process if it still runs.
func (p *Process) Stop() {
	p.mu.Lock()
	started := p.cmd != nil
	p.mu.Unlock()
	if started {
		_ = p.kill(os.Kill)
	}
}

// Output returns the end of what the process printed, over all its starts.
func (p *Process) Output() string { return p.output.String() }

// Alarms are the first lines with Alarm that it printed, over all its starts.
func (p *Process) Alarms() []string { return p.output.alarmLines() }

func (p *Process) kill(sig os.Signal) error {
	select {
	case <-p.exitChan():
		return fmt.Errorf("%w: %s\n%s", ErrExited, p.Name, p.Output())
	default:
	}
	if err := p.Signal(sig); err != nil {
		return fmt.Errorf("signal %s: %w", p.Name, err)
	}
	<-p.exitChan()
	return nil
}

func (p *Process) exitChan() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.exited
}

// Get returns nil when url answers 200.
func Get(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		var b bytes.Buffer
		_, _ = b.ReadFrom(resp.Body)
		return fmt.Errorf("%s answers %d: %s", url, resp.StatusCode, b.String())
	}
	return nil
}
