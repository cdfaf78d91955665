package eye

import (
	"fmt"
	"log/slog"
	"sync/atomic"
)

// message is the code of a message in the site's log. Those of dropped events are the
// reasons.
type message string

const (
	msgCallbackFailed message = "callback_failed"
	msgInvalidEvent   message = "invalid_event"
	msgLeftBehind     message = "left_behind"
	msgNotTheEye      message = "not_the_eye"
	msgRefused        message = "refused"
	msgSpoolDamaged   message = "spool_damaged"
	msgSpoolFailed    message = "spool_failed"
	msgUnauthorized   message = "unauthorized"
)

// sentences are the messages.
var sentences = map[message]string{
	msgCallbackFailed:             "eye: a callback panics",
	msgInvalidEvent:               "eye: events are sent that will be rejected; mend the calls of Enqueue",
	msgLeftBehind:                 "eye: the client was closed before all events were sent",
	msgNotTheEye:                  "eye: the answers come from no collector; is the URL right? Events are kept",
	msgRefused:                    "eye: the collector refuses events, which are not sent again",
	msgSpoolDamaged:               "eye: the spool has bytes that cannot be read; the events in them are lost",
	msgSpoolFailed:                "eye: the spool cannot be written; events are kept in memory alone",
	msgUnauthorized:               "eye: the collector does not take the write key; events are kept and sent once it does",
	message(ReasonClosed):         "eye: Enqueue is called after Close; events are dropped",
	message(ReasonNotStarted):     "eye: Enqueue is called without a client that New made; events are dropped",
	message(ReasonQueueFull):      "eye: the queue is full; the oldest events are dropped",
	message(ReasonTooLarge):       "eye: events are dropped that have more than 1 MiB",
	message(ReasonUnserialisable): "eye: events are dropped whose data cannot be written as JSON",
}

// maxPendingDrops bounds the dropped events that wait for OnDropped.
const maxPendingDrops = 1000

// reports are the messages and the dropped events that the site has not got yet. The
// client's lock guards them.
type reports struct {
	told  map[message]bool
	texts []text
	drops []Dropped
	kept  int // events in drops
}

// text is a message with its detail.
type text struct {
	code   message
	detail string
}

// addMessage adds a message unless it was reported before.
func (r *reports) addMessage(code message, detail string) {
	if r.told[code] {
		return
	}
	if r.told == nil {
		r.told = map[message]bool{}
	}
	r.told[code] = true
	r.texts = append(r.texts, text{code, detail})
}

// forget allows messages to be reported again.
func (r *reports) forget(codes ...message) {
	for _, code := range codes {
		delete(r.told, code)
	}
}

// addDrop adds a dropped event for OnDropped. event is nil if it was not encoded.
func (r *reports) addDrop(reason Reason, event []byte) {
	if len(r.drops) == 0 || r.drops[len(r.drops)-1].Reason != reason {
		r.drops = append(r.drops, Dropped{Reason: reason})
	}
	last := &r.drops[len(r.drops)-1]
	last.Count++
	if event != nil && r.kept < maxPendingDrops {
		last.Events = append(last.Events, event)
		r.kept++
	}
}

// isEmpty reports whether nothing waits to be reported.
func (r *reports) isEmpty() bool { return len(r.texts) == 0 && len(r.drops) == 0 }

// takePending returns what waits, and keeps none of it.
func (r *reports) takePending() (texts []text, drops []Dropped) {
	texts, drops = r.texts, r.drops
	r.texts, r.drops, r.kept = nil, nil, 0
	return texts, drops
}

// deliverReports logs the messages and calls OnDropped, until nothing waits.
func (c *Client) deliverReports() {
	for {
		c.mu.Lock()
		texts, drops := c.reports.takePending()
		c.mu.Unlock()
		if len(texts)+len(drops) == 0 {
			return
		}
		for _, t := range texts {
			logMessage(c.cfg.Logger, t.code, t.detail)
		}
		for _, d := range drops {
			c.callBack(func() { c.cfg.OnDropped(d) })
		}
	}
}

// reportSoon has the reports delivered; c.mu is held. After the goroutine has ended,
// another one delivers them.
func (c *Client) reportSoon() {
	switch {
	case !c.gone:
		c.wakeUp()
	case !c.reporting && !c.reports.isEmpty():
		c.reporting = true
		go c.deliverLate()
	}
}

// deliverLate delivers the reports of calls after the end.
func (c *Client) deliverLate() {
	for {
		c.mu.Lock()
		if c.reports.isEmpty() {
			c.reporting = false
			c.mu.Unlock()
			return
		}
		c.mu.Unlock()
		c.deliverReports()
	}
}

// callBack calls a function of the site. Its panic is a message.
func (c *Client) callBack(f func()) {
	defer func() {
		if r := recover(); r != nil {
			c.mu.Lock()
			c.reports.addMessage(msgCallbackFailed, fmt.Sprint(r))
			c.mu.Unlock()
		}
	}()
	f()
}

// logMessage logs a message. A handler that panics is the site's, and must not end its
// process.
func logMessage(l *slog.Logger, code message, detail string) {
	defer func() { _ = recover() }()
	if l == nil {
		l = slog.Default()
	}
	attrs := []any{slog.String("code", string(code))}
	if detail != "" {
		attrs = append(attrs, slog.String("detail", detail))
	}
	l.Warn(sentences[code], attrs...) //nolint:sloglint // the texts are constants
}

// nilCalls counts the calls of Enqueue with a nil Client.
var nilCalls atomic.Int64

// dropEarly counts a call without a client.
func (c *Client) dropEarly() error {
	calls := &nilCalls
	if c != nil {
		calls = &c.early
	}
	if calls.Add(1) == 1 {
		go logMessage(nil, message(ReasonNotStarted), "")
	}
	return ErrNotStarted
}
