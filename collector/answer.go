package collector

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/httpserver"
	"github.com/theeye/theeye/shared/schema"
)

// writeJSON answers with a JSON body.
func writeJSON(w http.ResponseWriter, status int, b []byte) error {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(b)))
	w.WriteHeader(status)
	if _, err := w.Write(b); err != nil {
		return fmt.Errorf("write the answer: %w", err)
	}
	return nil
}

// renderResults returns the answer with the result of each event, which aliases
// nothing. Every event that is not refused must be on disk. The status is 422 if
// all are refused.
func renderResults(results []result) (status int, answer []byte) {
	refused := 0
	for i := range results {
		if results[i].refusal != nil {
			refused++
		}
	}
	status = http.StatusAccepted
	if refused == len(results) {
		status = http.StatusUnprocessableEntity
	}
	b := make([]byte, 0, 64+96*len(results))
	b = append(b, `{"accepted":`...)
	b = strconv.AppendInt(b, int64(len(results)-refused), 10)
	b = append(b, `,"refused":`...)
	b = strconv.AppendInt(b, int64(refused), 10)
	b = append(b, `,"results":[`...)
	for i := range results {
		b = appendResult(b, i, &results[i])
	}
	return status, append(b, "]}\n"...)
}

// appendResult appends one api.EventResult. Results are encoded by hand: a
// request has up to a thousand, and json.Marshal takes five times as long.
func appendResult(b []byte, index int, r *result) []byte {
	if r.refusal != nil {
		return append(appendRefused(b, index, r.refusal), '}')
	}
	return append(appendHead(b, index, r.eventID, api.StatusAccepted), '}')
}

func appendRefused(b []byte, index int, refusal *event.Refusal) []byte {
	b = appendHead(b, index, "", api.StatusRefused)
	b = append(b, `,"code":`...)
	b = appendString(b, refusal.Code)
	b = append(b, `,"message":`...)
	return appendString(b, refusal.Message)
}

// appendHead appends the first members of one result, whose object it leaves
// open. A refused event has no id.
func appendHead(b []byte, index int, eventID, status string) []byte {
	if index > 0 {
		b = append(b, ',')
	}
	b = append(b, `{"index":`...)
	b = strconv.AppendInt(b, int64(index), 10)
	if eventID != "" {
		b = append(b, `,"event_id":`...)
		b = appendString(b, eventID)
	}
	b = append(b, `,"status":`...)
	return appendString(b, status)
}

// appendOutcome appends the result of an event that was validated, whose object it
// leaves open.
func appendOutcome(b []byte, index int, eventID string, v schema.Verdict) []byte {
	status := api.StatusStored
	if len(v.Faults) > 0 {
		status = api.StatusRejected
	}
	b = appendHead(b, index, eventID, status)
	if v.ClockOffsetMS != 0 {
		b = strconv.AppendInt(append(b, `,"clock_offset_ms":`...), v.ClockOffsetMS, 10)
	}
	if len(v.Faults) == 0 {
		return b
	}
	b = append(b, `,"errors":[`...)
	for i, f := range v.Faults {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"code":`...)
		b = appendString(b, f.Code)
		b = append(b, `,"path":`...)
		b = appendString(b, f.Path)
		b = append(b, `,"message":`...)
		b = appendString(b, f.Message)
		b = append(b, '}')
	}
	return append(b, ']')
}

// appendTranslated appends the native event that an event of another format became: an
// api.TranslatedEvent, with its valid members.
func appendTranslated(b []byte, ev *event.Event) []byte {
	b = append(b, `,"event":{`...)
	start := len(b)
	member := func(name string) {
		if len(b) > start {
			b = append(b, ',')
		}
		b = append(appendString(b, name), ':')
	}
	for _, m := range [...]struct{ name, text string }{
		{"session_id", ev.SessionID}, {"category", ev.Category}, {"name", ev.Name},
	} {
		if m.text != "" {
			member(m.name)
			b = appendString(b, m.text)
		}
	}
	if ev.Data != nil {
		member("data")
		b = append(b, ev.Data...)
	}
	if !ev.Timestamp.IsZero() {
		member("timestamp")
		b = appendString(b, event.FormatTime(ev.Timestamp))
	}
	return append(b, '}')
}

func appendString(b []byte, s string) []byte {
	b, _ = jsontext.AppendQuote(b, s) // the error only reports replaced UTF-8
	return b
}

// How long a client should wait before it sends the same request again.
const (
	retrySoon  = time.Second
	retryLater = 10 * time.Second
)

// safeToRetry ends the detail of every answer that claims nothing about the
// events.
const safeToRetry = "; sending the same events again is always safe"

func unavailable(code, detail string, retryAfter time.Duration, cause error) *httpserver.Failure {
	return httpserver.Unavailable(code, detail+safeToRetry, retryAfter, cause)
}

// failureOf maps errors to answers. It is the only such table.
func failureOf(err error) *httpserver.Failure {
	var f *httpserver.Failure
	var syntax *event.SyntaxError
	var wrapper *event.WrapperError
	switch {
	case errors.As(err, &f):
		return f
	case errors.As(err, &syntax):
		return httpserver.NewFailure(http.StatusBadRequest, event.CodeInvalidJSON, "the body is "+syntax.Error())
	case errors.As(err, &wrapper):
		return httpserver.NewFailure(http.StatusBadRequest, event.CodeNotAnEvent, "the body is "+wrapper.Error())
	case errors.Is(err, event.ErrEmptyBody):
		return httpserver.NewFailure(http.StatusBadRequest, api.CodeEmptyBody, err.Error())
	case errors.Is(err, event.ErrEmptyBatch):
		return httpserver.NewFailure(http.StatusBadRequest, api.CodeEmptyBatch, err.Error())
	case errors.Is(err, event.ErrNotEvents):
		return httpserver.NewFailure(http.StatusBadRequest, api.CodeNotEvents, err.Error())
	case errors.Is(err, event.ErrTooManyEvents):
		return httpserver.NewFailure(http.StatusRequestEntityTooLarge, api.CodeTooManyEvents,
			"a request carries at most "+strconv.Itoa(maxEvents)+" events")
	case errors.Is(err, event.ErrTooManyBytes):
		return httpserver.NewFailure(http.StatusRequestEntityTooLarge, api.CodeBodyTooLarge,
			err.Error()+": each has a copy of the context of the batch; send fewer, or a smaller context")
	case errors.Is(err, errOverloaded):
		return unavailable(api.CodeOverloaded, "too many events are waiting", retrySoon, err)
	case errors.Is(err, errNotRunning):
		return unavailable(api.CodeStopping, "the collector is starting or stopping", retrySoon, err)
	case errors.Is(err, errStreamFull):
		return unavailable(api.CodeStreamFull, "the stream has no room for events that are not processed yet", retryLater, err)
	case errors.Is(err, errNotCommitted):
		return unavailable(api.CodeCommitFailed, "the events are not known to be on disk", retrySoon, err)
	}
	return httpserver.Internal(err)
}

func serveHealth(w http.ResponseWriter, _ *http.Request) error {
	return writeJSON(w, http.StatusOK, []byte(`{"status":"ok"}`))
}
