package outcome

import (
	"crypto/sha256"
	"encoding/hex"
	"runtime/debug"
	"time"

	"github.com/google/uuid"

	"github.com/theeye/theeye/shared/event"
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
	if msg.Format != event.FormatNative {
		return unreadable(msg, event.CodeInvalidMessage, formatMessage)
	}
	ev, refusal, failed := decodeNative(m.Payload)
	switch {
	case failed != nil:
		d := unreadable(msg, event.CodeValidatorFailed, panicMessage)
		d.failed = failed
		return d
	case refusal != nil:
		return unreadable(msg, refusal.Code, refusal.Message)
	}
	// The client was told the id that stands in the header.
	if ev.Derived && isUUID(msg.DerivedID) {
		ev.EventID = msg.DerivedID
	}
	return decoded{
		id:          store.DocumentID(msg.Application, ev.EventID),
		application: msg.Application,
		received:    msg.ReceivedAt,
		event:       ev,
	}
}

// decodeNative is event.Decode under recover: a message that makes it panic
// must not take its neighbours with it.
func decodeNative(payload []byte) (ev *event.Event, refusal *event.Refusal, failed *Panic) {
	defer func() {
		if v := recover(); v != nil {
			failed = &Panic{Value: v, Stack: debug.Stack()}
		}
	}()
	ev, refusal = event.Decode(payload)
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
	half := sum.Sum(nil)[:sha256.Size/2]
	ev := &event.Event{
		Head:        event.Head{EventID: msg.DerivedID, Derived: true},
		ContentHash: hex.EncodeToString(half),
		Faults:      []event.Fault{{Code: code, Path: event.Pointer(), Message: message}},
	}
	if !isUUID(msg.DerivedID) {
		ev.EventID = idOfHash(half)
	}
	return decoded{
		id:          store.ConflictID(msg.Application, ev.ContentHash, ev.EventID),
		application: msg.Application,
		received:    msg.ReceivedAt,
		event:       ev,
	}
}

// idOfHash is an id like the one of an event whose time cannot be read: a UUID
// in version-7 layout of the time 0, the rest from the hash.
func idOfHash(hash []byte) string {
	var id uuid.UUID
	copy(id[6:], hash)
	id[6] = id[6]&0x0f | 0x70
	id[8] = id[8]&0x3f | 0x80
	return id.String()
}

// isUUID accepts the 36-character form alone.
func isUUID(s string) bool {
	return len(s) == 36 && uuid.Validate(s) == nil
}
