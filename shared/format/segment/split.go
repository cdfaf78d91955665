package segment

import (
	"bytes"
	"net/http"
	"strings"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/format/foreign"
)

// callTypes are the types of the messages of a route, by its last segment.
var callTypes = map[string]string{
	"track": track, "page": "page", "screen": "screen", "identify": "identify", "group": "group", "alias": "alias",
	"t": track, "p": "page", "s": "screen", "i": "identify", "g": "group", "a": "alias",
}

// maxCopied bounds the bytes of the copies of a batch's context, of which each message
// gets one. SDKs send a few KB of context.
const maxCopied = 8 << 20

// Split implements format.Format. A body with a member batch is a batch, whatever the
// route; any other is one message. The content type does not decide.
func (Format) Split(r *http.Request, body []byte, maxEvents int) (event.Batch, error) {
	text := bytes.Trim(bytes.TrimPrefix(body, []byte("\uFEFF")), " \t\r\n")
	if len(text) == 0 {
		return event.Batch{}, event.ErrEmptyBody
	}
	e, err := readEnvelope(text)
	if err != nil {
		return event.Batch{}, err
	}
	typ := callTypes[r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]]
	if e.batch == nil {
		return event.Batch{Items: []event.Item{newItem(text, typ, nil)}, SentAt: e.sentAt}, nil
	}
	if e.twice != "" {
		return event.Batch{}, &event.SyntaxError{Reason: `the key "` + e.twice + `" stands twice in the batch`}
	}
	b := event.Batch{SentAt: e.sentAt}
	copied := 0
	err = foreign.EachElement(e.batch, func(message []byte) error {
		if len(b.Items) >= maxEvents {
			return event.ErrTooManyEvents
		}
		if copied += len(e.context); copied > maxCopied {
			return event.ErrTooManyBytes
		}
		b.Items = append(b.Items, newItem(message, "", e.context))
		return nil
	})
	switch {
	case err != nil:
		return event.Batch{}, err
	case len(b.Items) == 0:
		return event.Batch{}, event.ErrEmptyBatch
	}
	return b, nil
}

// maxKeys bounds the write keys of an object that are looked at: one that has a member
// twice is no event.
const maxKeys = 2

// envelope is what a body has beside its messages. The texts alias the body.
type envelope struct {
	batch, context []byte
	sentAt         string
	keys           []string
	// twice is a member that stands twice, "" for none. Of a batch, no choice is right:
	// the messages of the other one would be lost.
	twice string
}

func readEnvelope(text []byte) (e envelope, err error) {
	seen := map[string]bool{}
	err = foreign.EachMember(text, func(name string, _, value []byte) error {
		switch name {
		case "batch", "context", "sentAt":
			if seen[name] {
				e.twice = name
			}
			seen[name] = true
		}
		switch name {
		case "batch":
			if value[0] == '[' {
				e.batch = value
			}
		case "context":
			if value[0] == '{' {
				e.context = value
			}
		case "sentAt":
			e.sentAt = foreign.HeaderText(value)
		case "writeKey":
			if len(e.keys) < maxKeys {
				e.keys = append(e.keys, foreign.HeaderText(value))
			}
		}
		return nil
	})
	return e, err
}

// Keys returns the write keys that a body carries: of the batch, or else of the first
// message. It returns none for a body that is not read.
func Keys(body []byte) []string {
	e, err := readEnvelope(bytes.TrimPrefix(body, []byte("\uFEFF")))
	if err != nil || len(e.keys) > 0 || e.batch == nil {
		return e.keys
	}
	_ = foreign.EachElement(e.batch, func(message []byte) error {
		if message[0] == '{' {
			first, _ := readEnvelope(message)
			e.keys = first.keys
		}
		return event.ErrTooManyEvents // the first is enough
	})
	return e.keys
}

// newItem returns the item of a message: with the type of its route and the context
// of its batch, and without a write key. A message that is no object, or too large, is
// refused later.
func newItem(message []byte, typ string, context []byte) event.Item {
	item := event.Item{Raw: message}
	if message[0] != '{' || len(message) > event.MaxBytes {
		return item
	}
	var kept [][]byte
	var hasType, hasContext, hasKey bool
	if foreign.EachMember(message, func(name string, quoted, value []byte) error {
		switch name {
		case "type":
			hasType = true
		case "context":
			hasContext = true
		case "writeKey":
			hasKey = true
			return nil
		}
		kept = append(kept, append(append(quoted, ':'), value...))
		return nil
	}) != nil {
		return item
	}
	if typ != "" && !hasType {
		kept = append(kept, append([]byte(`"type":`), foreign.Quote(typ)...))
	}
	switch {
	case context == nil:
	case hasContext:
		kept = append(kept, append([]byte(`"`+batchContext+`":`), context...))
	default:
		kept = append(kept, append([]byte(`"context":`), context...))
	}
	if !hasKey && (typ == "" || hasType) && context == nil {
		return item
	}
	item.Raw = append(append([]byte{'{'}, bytes.Join(kept, []byte{','})...), '}')
	return item
}
