package cmd

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	eyeclient "github.com/theeye/theeye/clients/go"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/api/client"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/format/native"
	"github.com/theeye/theeye/theeye/output"
)

const (
	// maxFollowed bounds the memory for the events that --wait follows.
	maxFollowed = 1_000_000
	// maxAsked is how many events are asked for at once.
	maxAsked = 4
	// outcomePoll is the delay before an event without an outcome is asked for
	// again.
	outcomePoll = 200 * time.Millisecond
	// maxListedRejections bounds how many rejected events are listed.
	maxListedRejections = 20
)

// outcomes count what became of accepted events. Rejected counts an event whose
// id another content has, too.
type outcomes struct {
	Stored   int64 `json:"stored"`
	Rejected int64 `json:"rejected"`
	// NotFollowed counts the events beyond maxFollowed.
	NotFollowed int64 `json:"not_followed,omitzero"`
	listed      []string
}

func (o *outcomes) printTo(p *output.Printer) error {
	if o == nil {
		return nil
	}
	for _, line := range o.listed {
		p.Remarkf("%s", line)
	}
	if more := o.Rejected - int64(len(o.listed)); more > 0 {
		p.Remarkf("and %d more that are rejected", more)
	}
	if o.NotFollowed > 0 {
		p.Remarkf("of more than %d events the others were not followed", maxFollowed)
	}
	return p.Linef("stored %d, rejected %d", o.Stored, o.Rejected)
}

// outcomeFollower asks for the outcomes of events. Its methods do nothing on nil.
type outcomeFollower struct {
	client      *client.Client
	application string // "" if the ids are of one application alone

	mu     sync.Mutex
	events []followedEvent
	// reasons has for each event why it is rejected, "" if it is not.
	reasons []string
	result  outcomes
}

// followedEvent is an accepted event.
type followedEvent struct{ id, contentHash string }

// addEvents adds the events of a request that were accepted. Its body is an array.
func (f *outcomeFollower) addEvents(body []byte, results []eyeclient.Result) {
	if f == nil {
		return
	}
	d := lenientDecoder(bytes.NewReader(body))
	_, _ = d.ReadToken() // the body is an array of valid events
	for _, r := range results {
		raw, err := d.ReadValue()
		if err != nil || r.Refused {
			continue
		}
		var hash string
		if ev, refusal := native.Decode(raw); refusal == nil {
			hash = ev.ContentHash
		}
		f.mu.Lock()
		if len(f.events) < maxFollowed {
			f.events = append(f.events, followedEvent{r.EventID, hash})
		} else {
			f.result.NotFollowed++
		}
		f.mu.Unlock()
	}
}

// awaitOutcomes waits until every event has its outcome, and shows the progress.
func (f *outcomeFollower) awaitOutcomes(ctx context.Context, p *output.Printer) (*outcomes, error) {
	bar := p.StartBar("Waiting for outcomes", int64(len(f.events)))
	defer bar.Stop()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxAsked)
	f.reasons = make([]string, len(f.events))
	for i := range f.events {
		if ctx.Err() != nil {
			break
		}
		group.Go(func() error {
			err := f.awaitOutcome(ctx, i)
			bar.Advance(1)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("the events are accepted; waiting for their outcomes: %w", err)
	}
	if ctx.Err() != nil && len(f.events) > 0 && f.result.Stored+f.result.Rejected < int64(len(f.events)) {
		return nil, errInterrupted
	}
	for i, reason := range f.reasons {
		if reason != "" && len(f.result.listed) < maxListedRejections {
			f.result.listed = append(f.result.listed, fmt.Sprintf("event %s is rejected: %s", f.events[i].id, reason))
		}
	}
	return &f.result, nil
}

// awaitOutcome asks for one event until it has an outcome.
func (f *outcomeFollower) awaitOutcome(ctx context.Context, i int) error {
	e := f.events[i]
	query := url.Values{}
	setParameter(query, "application", f.application)
	for {
		var found api.Event
		_, err := f.client.Get(ctx, api.EventPath(e.id), query, &found)
		switch {
		case err == nil && found.Status != api.StatusPending:
			f.countOutcome(i, &found)
			return nil
		case err != nil && client.Status(err) != http.StatusServiceUnavailable:
			return err
		}
		// Pending, or the backlog is too long to look it up.
		if err := f.client.Sleep(ctx, outcomePoll); err != nil {
			return err
		}
	}
}

// countOutcome counts the outcome of one event, and keeps why it is rejected.
func (f *outcomeFollower) countOutcome(i int, found *api.Event) {
	reason := "see theeye event " + f.events[i].id
	switch hash := f.events[i].contentHash; {
	case hash != "" && found.ContentHash != hash:
		reason = event.CodeIDConflict + ": another content was sent under this id before"
	case found.Status == api.StatusStored:
		reason = ""
	case len(found.Errors) > 0:
		reason = fmt.Sprintf("%s: %s %s", found.Errors[0].Code, found.Errors[0].Path, found.Errors[0].Message)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reasons[i] = reason
	if reason == "" {
		f.result.Stored++
	} else {
		f.result.Rejected++
	}
}
