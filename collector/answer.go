package collector

import (
	"fmt"
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/schema"
)

// answer writes a JSON body. An error of the connection is nobody's to handle.
func answer(w http.ResponseWriter, status int, b []byte) error {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(b)))
	w.WriteHeader(status)
	if _, err := w.Write(b); err != nil {
		return fmt.Errorf("write the answer: %w", err)
	}
	return nil
}

// answerAccepted says what became of each event of a request whose events that
// are not refused are on disk. It is 422 where that is none.
func answerAccepted(w http.ResponseWriter, results []result) error {
	refused := 0
	for i := range results {
		if results[i].refusal != nil {
			refused++
		}
	}
	status := http.StatusAccepted
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
	return answer(w, status, append(b, "]}\n"...))
}

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

// appendHead opens the object of one result. A refused event has no id.
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

// appendVerdict appends the result of an event that was judged.
func appendVerdict(b []byte, index int, eventID string, v schema.Verdict) []byte {
	if len(v.Faults) == 0 {
		return append(appendHead(b, index, eventID, api.StatusStored), '}')
	}
	b = appendHead(b, index, eventID, api.StatusRejected)
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
	return append(b, "]}"...)
}

func appendString(b []byte, s string) []byte {
	b, _ = jsontext.AppendQuote(b, s) // only reports what it replaced
	return b
}
