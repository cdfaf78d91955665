package cmd

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/api/client"
	"github.com/theeye/theeye/theeye/output"
)

type tailCmd struct {
	serverFlags
	filterFlags
	Outcome string `enum:"stored,rejected,all" default:"all" help:"stored, rejected or all (${default})."`
	Count   *int   `placeholder:"N" help:"End after so many events."`
}

const (
	// tailPause is the pause before a stream is opened again; it doubles up to
	// maxTailPause while that fails.
	tailPause    = time.Second
	maxTailPause = 15 * time.Second
	// maxLiveLine bounds a line of a stream: an event may have a megabyte, and a
	// rejected one its original as well.
	maxLiveLine = 8 << 20
)

// errCounted ends a command that has printed as many events as it was asked for.
var errCounted = errors.New("counted")

// Run prints events until it is interrupted.
func (c *tailCmd) Run(p *output.Printer) error {
	left := 0
	if c.Count != nil {
		if left = *c.Count; left < 1 {
			return usageErrorf("--count must be at least 1")
		}
	}
	query := c.filterQuery()
	query.Set("outcome", c.Outcome)
	ctx, server, stop, err := c.connect()
	if err != nil {
		return err
	}
	defer stop()
	t := &tail{p: p, server: server, query: query, left: left}
	err = t.printStream(ctx)
	if errors.Is(err, errCounted) || errors.Is(err, errInterrupted) {
		return nil // it has no other end
	}
	return err
}

// tail follows a live stream.
type tail struct {
	p      *output.Printer
	server *client.Client
	query  url.Values
	// last is the id after which the next stream goes on.
	last string
	left int // events until the end; 0 is no end
}

// printStream opens stream after stream.
func (t *tail) printStream(ctx context.Context) error {
	opened := false
	for pause := tailPause; ; pause = min(2*pause, maxTailPause) {
		began, err := t.readStream(ctx)
		if began {
			opened, pause = true, tailPause
		}
		if errors.Is(err, errCounted) || ctx.Err() != nil || !opened || !canReopen(err) {
			return err
		}
		t.p.Remarkf("%v; connecting again", err)
		if err := t.server.Sleep(ctx, pause); err != nil {
			return err
		}
	}
}

// canReopen reports whether a stream that ended may be opened again.
func canReopen(err error) bool {
	var answered *client.ProblemError
	if errors.As(err, &answered) {
		return answered.Status >= http.StatusInternalServerError || answered.Status == http.StatusTooManyRequests
	}
	var ended *endedError
	return !errors.As(err, &ended) || ended.Code == api.CodeStopping
}

// endedError is the reason why the server ended a stream.
type endedError struct{ api.LiveEndData }

// Error implements error.
func (e *endedError) Error() string { return e.Code + ": " + e.Detail }

// readStream reads one stream; began says that it was opened.
func (t *tail) readStream(ctx context.Context) (began bool, err error) {
	answer, err := t.server.Open(ctx, client.Request{Method: http.MethodGet, Path: api.PathLive, Query: t.query, LastEventID: t.last})
	if err != nil {
		return false, err
	}
	defer answer.Close()
	lines := bufio.NewScanner(answer)
	lines.Buffer(make([]byte, 64<<10), maxLiveLine)
	var e liveEvent
	for lines.Scan() {
		if len(lines.Bytes()) > 0 {
			e.addLine(lines.Bytes())
			continue
		}
		if err := t.takeEvent(&e); err != nil {
			return true, err
		}
		e = liveEvent{}
	}
	if err := lines.Err(); err != nil {
		return true, fmt.Errorf("read the stream: %w", err)
	}
	return true, fmt.Errorf("read the stream: %w", io.ErrUnexpectedEOF)
}

// liveEvent is a server-sent event.
type liveEvent struct {
	name, id string
	data     []byte
}

// addLine adds a line of the event. A comment is no field.
func (e *liveEvent) addLine(line []byte) {
	field, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimPrefix(value, []byte(" "))
	switch string(field) {
	case "event":
		e.name = string(value)
	case "id":
		e.id = string(value)
	case "data":
		e.data = bytes.Clone(value)
	}
}

// takeEvent prints an event, or acts on what the server says.
func (t *tail) takeEvent(e *liveEvent) error {
	var err error
	switch {
	case e.data == nil:
	case e.name == "":
		err = t.print(e.data)
	case e.name == api.LiveGap:
		var gap api.LiveGapData
		if err = json.Unmarshal(e.data, &gap); err == nil {
			t.p.Remarkf("%s", describeGap(gap))
		}
	case e.name == api.LiveDropped:
		var dropped api.LiveDroppedData
		if err = json.Unmarshal(e.data, &dropped); err == nil {
			t.last = dropped.Resume
			return errors.New("events came faster than they were read")
		}
	case e.name == api.LiveEnd:
		var end api.LiveEndData
		if err = json.Unmarshal(e.data, &end); err == nil {
			return &endedError{end}
		}
	}
	var local *client.ForeignError
	if err != nil && !errors.Is(err, errCounted) && !errors.As(err, &local) {
		return err
	}
	if e.id != "" {
		t.last = e.id
	}
	return err
}

func describeGap(gap api.LiveGapData) string {
	if gap.Missed == 0 {
		return "Some outcomes are not shown: the stream does not reach back so far."
	}
	return fmt.Sprintf("The outcomes of up to %d events are not shown: the stream does not reach back so far.", gap.Missed)
}

// print prints one event.
func (t *tail) print(data []byte) error {
	var err error
	if t.p.JSON {
		err = t.p.Value(jsontext.Value(data))
	} else {
		var e api.Event
		if err := json.Unmarshal(data, &e); err != nil {
			return &client.ForeignError{Err: err}
		}
		err = t.p.Linef("%s", t.line(&e))
	}
	if err == nil && t.left > 0 {
		if t.left--; t.left == 0 {
			return errCounted
		}
	}
	return err
}

// line is an event for people.
func (t *tail) line(e *api.Event) string {
	at := e.Timestamp
	if at.IsZero() {
		at = e.ReceivedAt
	}
	text := strings.Join([]string{t.p.ExactTime(at.Time), e.Application, e.Category + " / " + e.Name}, "  ")
	if e.Status == api.StatusStored {
		return output.OneLine(text + "  " + e.SessionID + "  " + string(e.Data))
	}
	text += "  rejected"
	for _, f := range e.Errors {
		text += "  " + f.Code + " " + f.Path + ": " + f.Message
	}
	return output.OneLine(text)
}
