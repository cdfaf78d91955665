package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/theeye/theeye/shared/daemon"
)

const (
	// lookEvery is how often a job is looked at that is waited for.
	lookEvery = 300 * time.Millisecond
	// awayFor bounds how long nobody may answer meanwhile: the job goes on
	// without whoever watches it, so a restart of the server is no failure.
	awayFor = time.Minute
)

// order is a job that is to be done.
type order struct {
	jobs
	body   any
	note   string
	noWait bool
}

// carryOut starts the job, waits for its end, prints it and returns its
// verdict.
func (o order) carryOut(t *terminal, r remote) error {
	client, err := r.client()
	if err != nil {
		return err
	}
	body, err := json.Marshal(o.body)
	if err != nil {
		return fmt.Errorf("encode the order: %w", err)
	}
	ctx, stop := interruptible()
	defer stop()
	j, err := o.start(ctx, client, body)
	if err != nil {
		return err
	}
	if o.noWait {
		return o.started(t, j)
	}
	o.announce(t, j)
	return o.finish(ctx, t, client, j)
}

// start starts the job, once: a second attempt would start a second one.
func (o order) start(ctx context.Context, client *client, body []byte) (*jobRecord, error) {
	a, err := client.do(ctx, post(o.path, o.note, body))
	switch {
	case err == nil:
		return o.read(a)
	case mayHaveArrived(err):
		return nil, fmt.Errorf("%w\n%s list shows whether it was started", err, o.command())
	}
	return nil, err
}

// mayHaveArrived reports whether a request that failed may have been carried
// out all the same.
func mayHaveArrived(err error) bool {
	if dial := (*net.OpError)(nil); errors.As(err, &dial) && dial.Op == "dial" {
		return false
	}
	return errors.Is(err, errInterrupted) || errors.Is(err, daemon.ErrUnreachable)
}

// announce says what was started, so that it can be found whatever becomes of
// this command.
func (o order) announce(t *terminal, j *jobRecord) {
	if behind := j.behind(); behind != "" {
		t.remarkf("%s waits behind %s", j, behind)
		return
	}
	t.remarkf("%s is started", j)
}

// started ends a command that does not wait.
func (o order) started(t *terminal, j *jobRecord) error {
	if t.json {
		return t.printJSON(j.raw)
	}
	t.remarkf("%s", o.hint(j))
	if behind := j.behind(); behind != "" {
		return t.sayf("%s: %s behind %s", j, j.State, behind)
	}
	return t.sayf("%s: %s", j, j.State)
}

// finish waits for the end of a job, prints it and returns its verdict.
func (k jobs) finish(ctx context.Context, t *terminal, client *client, j *jobRecord) error {
	j, err := k.follow(ctx, t, client, j)
	if err != nil {
		return fmt.Errorf("%w\n%s", err, k.hint(j))
	}
	if err := j.print(t); err != nil {
		return err
	}
	return j.verdict()
}

// follow waits for the end of a job and shows its progress. It returns the job
// as it was seen last, also with an error.
func (k jobs) follow(ctx context.Context, t *terminal, client *client, j *jobRecord) (*jobRecord, error) {
	bar := t.jobBar()
	defer bar.stop()
	for away := time.Duration(0); !j.State.Final(); {
		bar.update(j)
		if client.pause(ctx, lookEvery) != nil {
			return j, errInterrupted
		}
		began := time.Now()
		now, err := k.look(ctx, client, j.ID)
		switch {
		case err == nil:
			j, away = now, 0
		case passes(err) && away < awayFor:
			away += lookEvery + time.Since(began)
		default:
			return j, err
		}
	}
	return j, nil
}

// look asks for a job that is waited for: once, as it will be asked for again.
func (k jobs) look(ctx context.Context, client *client, id string) (*jobRecord, error) {
	a, err := client.once(ctx, request{method: http.MethodGet, path: k.one(id)})
	if err != nil {
		return nil, err
	}
	return k.read(a)
}

// passes reports whether an error may be gone when the same is asked again.
func passes(err error) bool {
	switch status(err) {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusInternalServerError:
		return true
	}
	return errors.Is(err, daemon.ErrUnreachable)
}

// get asks for one job.
func (k jobs) get(ctx context.Context, client *client, id string) (*jobRecord, error) {
	a, err := client.do(ctx, request{method: http.MethodGet, path: k.one(id)})
	if err != nil {
		return nil, err
	}
	return k.read(a)
}

// command is how the commands of the kind begin.
func (k jobs) command() string { return "theeye " + k.noun }

// hint says how a job is seen and cancelled that this command leaves alone.
func (k jobs) hint(j *jobRecord) string {
	if j.State.Final() {
		return fmt.Sprintf("see it with: %s show %s", k.command(), j.ID)
	}
	return fmt.Sprintf("%s goes on; see it with: %s show %s\ncancel it with: %s cancel %s",
		j, k.command(), j.ID, k.command(), j.ID)
}
