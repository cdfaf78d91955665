package outcome

import (
	"crypto/sha256"
	"runtime/debug"
	"time"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/format"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

const (
	formatMessage = "header " + stream.HeaderFormat + " names no format that this version knows"
	panicMessage  = "the validator failed on this event; a replay judges it again"
)

// decoded is a message after its headers and its event were read.
type decoded struct {
	// id is the document's.
	id          string
	application string
	received    time.Time
	// event is never nil. Of a message that cannot be read it has an
	// identity and one fault.
	event *event.Event
	// failed is the panic that reading raised, if it did.
	failed *Panic
}

// Panic is a panic of whatever reads or judges one message.
type Panic struct {
	Value any
	Stack []byte
}

// decode reads a message. It never panics.
func decode(m stream.Raw) decoded {
	msg, err := stream.Parse(m.Header, m.Payload)
	if msg.ReceivedAt.IsZero() {
		msg.ReceivedAt = m.Time.UTC()
	}
	if err != nil {
		return unreadable(msg, event.CodeInvalidMessage, err.Error())
	}
	f, ok := format.Lookup(msg.Format)
	if !ok {
		return unreadable(msg, event.CodeInvalidMessage, formatMessage)
	}
	ev, refusal, failed := decodeWith(f, m.Payload)
	switch {
	case failed != nil:
		d := unreadable(msg, event.CodeValidatorFailed, panicMessage)
		d.failed = failed
		return d
	case refusal != nil:
		return unreadable(msg, refusal.Code, refusal.Message)
	}
	// The client was told the id that stands in the header.
	if _, ok := event.ParseUUID(msg.DerivedID); ok && ev.Derived {
		ev.EventID = msg.DerivedID
	}
	return decoded{
		id:          store.DocumentID(msg.Application, ev.EventID),
		application: msg.Application,
		received:    msg.ReceivedAt,
		event:       ev,
	}
}

// decodeWith is f.Decode under recover: a message that makes it panic must not
// fail the other messages of its batch.
func decodeWith(f format.Format, payload []byte) (ev *event.Event, refusal *event.Refusal, failed *Panic) {
	defer func() {
		if v := recover(); v != nil {
			failed = &Panic{Value: v, Stack: debug.Stack()}
		}
	}()
	ev, refusal = f.Decode(payload)
	return ev, refusal, nil
}

// unreadable identifies a message by its bytes alone. Its id has the form of a
// conflict's, with the hash of the bytes: no event's id can be the same, so a
// message that no collector wrote takes nobody's place; the same bytes count
// once an application, or once for those that name none.
func unreadable(msg stream.Message, code, message string) decoded {
	sum := sha256.New()
	sum.Write([]byte("message\x00")) // apart from the hashes of events
	sum.Write(msg.Payload)
	hash := event.Hash(sum.Sum(nil)[:len(event.Hash{})])
	ev := &event.Event{
		Head:        event.Head{EventID: msg.DerivedID, Derived: true},
		ContentHash: hash.String(),
		Faults:      []event.Fault{{Code: code, Path: event.Pointer(), Message: message}},
	}
	if _, ok := event.ParseUUID(msg.DerivedID); !ok {
		ev.EventID = event.DeriveID(time.Time{}, hash)
	}
	return decoded{
		id:          store.ConflictID(msg.Application, ev.ContentHash, ev.EventID),
		application: msg.Application,
		received:    msg.ReceivedAt,
		event:       ev,
	}
}
