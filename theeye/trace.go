package main

import (
	"fmt"
	"net/url"
	"strconv"

	"github.com/theeye/theeye/shared/event"
)

type traceCmd struct {
	remote
	EventID     string `arg:"" placeholder:"ID" help:"Id of the event."`
	Application string `placeholder:"NAME" help:"Its application, where more than one has an event of this id."`
}

// Help is the longer text of --help.
func (traceCmd) Help() string {
	return "Shows what became of one event: when it was received, how it was judged then, what replays made of it,\n" +
		"and what is kept now. Earlier outcomes are not kept: the event is judged again by the registry of their time.\n\n" +
		"Example:\n  theeye trace 0193b5c2-7c1a-7000-8000-000000000001 --application shop"
}

// trace is the answer of GET /v1/events/{event_id}/trace. Times are as the
// server writes them, to the microsecond.
type trace struct {
	Application string       `json:"application"`
	EventID     string       `json:"event_id"`
	ReceivedAt  string       `json:"received_at"`
	Origin      origin       `json:"origin"`
	Message     string       `json:"message"`
	Outcomes    []outcome    `json:"outcomes"`
	Omitted     int          `json:"outcomes_omitted"`
	Copies      []conflicted `json:"copies"`
}

// origin is a place in the stream.
type origin struct {
	Seq uint64 `json:"seq"`
}

// outcome is what an event was judged to be, by one revision.
type outcome struct {
	Basis    string        `json:"basis"` // fromStore, or judged again
	Revision uint64        `json:"revision"`
	Status   string        `json:"status"`
	Errors   []event.Fault `json:"errors"`
	At       string        `json:"at"`
	Job      string        `json:"job"`
	// MayHaveTouched says that the job may have left the event out.
	MayHaveTouched bool `json:"may_have_touched"`
}

// conflicted is another content that was sent under the same id.
type conflicted struct {
	ReceivedAt  string `json:"received_at"`
	Origin      origin `json:"origin"`
	ContentHash string `json:"content_hash"`
}

// fromStore is the basis of the outcome that is kept.
const fromStore = "store"

// messages says what became of the message in the stream.
var messages = map[string]string{
	"kept":   "the stream keeps its message",
	"purged": "its message is purged, so how it was judged before is not known",
	"lost":   "its message is LOST in the stream: see theeye audit",
}

// Run prints the trace.
func (c *traceCmd) Run(t *terminal) error {
	path, query := "/v1/events/"+url.PathEscape(c.EventID)+"/trace", url.Values{}
	set(query, "application", c.Application)
	client, err := c.client()
	if err != nil {
		return err
	}
	ctx, stop := interruptible()
	defer stop()
	var tr trace
	a, err := client.get(ctx, path, query, &tr)
	if err != nil {
		return fmt.Errorf("event %s: %w", c.EventID, err)
	}
	if t.json {
		return t.printJSON(a.value())
	}
	return tr.print(t)
}

// print prints the outcomes as a timeline, what is kept now in the end.
func (tr *trace) print(t *terminal) error {
	if err := t.sayf("event %s of %s: received %s, sequence %d; %s", oneLine(tr.EventID), oneLine(tr.Application),
		tr.ReceivedAt, tr.Origin.Seq, messages[tr.Message]); err != nil {
		return err
	}
	if len(tr.Outcomes) == 0 {
		return t.sayf("pending: it has no outcome yet")
	}
	var rows, now [][]string
	for _, o := range tr.Outcomes {
		if o.Basis == fromStore {
			now = append(now, o.rows()...)
		} else {
			rows = append(rows, o.rows()...)
		}
	}
	t.table([]string{"TIME", "REVISION", "OUTCOME", "HOW", "CODE", "PATH", "REASON"}, append(rows, now...))
	if tr.Omitted > 0 {
		t.remarkf("and %d more replays that covered it", tr.Omitted)
	}
	return tr.printCopies(t)
}

// rows are an outcome: one a reason, the first with what is known besides.
func (o *outcome) rows() [][]string {
	faults := o.Errors
	if len(faults) == 0 {
		faults = []event.Fault{{}}
	}
	rows := make([][]string, 0, len(faults))
	head := []string{o.At, strconv.FormatUint(o.Revision, 10), o.Status, o.how()}
	for _, f := range faults {
		rows = append(rows, append(head[:len(head):len(head)], f.Code, f.Path, f.Message))
		head = make([]string, len(head))
	}
	return rows
}

// how says where an outcome is from.
func (o *outcome) how() string {
	switch {
	case o.Basis == fromStore:
		return "kept now"
	case o.Job == "":
		return "when received"
	case o.MayHaveTouched:
		return "replay " + o.Job + ", unless it was left out"
	}
	return "replay " + o.Job
}

func (tr *trace) printCopies(t *terminal) error {
	if len(tr.Copies) == 0 {
		return nil
	}
	if err := t.sayf("\nOther contents that were sent under this id are kept as rejected, id_conflict:"); err != nil {
		return err
	}
	rows := make([][]string, 0, len(tr.Copies))
	for _, c := range tr.Copies {
		rows = append(rows, []string{c.ReceivedAt, strconv.FormatUint(c.Origin.Seq, 10), c.ContentHash})
	}
	t.table([]string{"RECEIVED", "SEQUENCE", "CONTENT"}, rows)
	return nil
}
