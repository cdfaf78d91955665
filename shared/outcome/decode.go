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

// Messages of faults.
const (
	messageUnknownFormat   = "header " + stream.HeaderFormat + " names no format that this version knows"
	messageValidatorFailed = "the validator failed on this event; a replay validates it again"
)

// decodedMessage is a message whose headers and event are decoded.
type decodedMessage struct {
	// id is the id of the document.
	id          string
	application string
	received    time.Time
	// event is never nil. For an unreadable message it has only an identity
	// and one fault.
	event *event.Event
	// panicked is the panic of the decoder, nil without one.
	panicked *Panic
}

// decodeMessage decodes a message. It never panics.
func decodeMessage(m stream.Raw) decodedMessage { return readMessage(m, format.Format.Decode) }

// identifyEvent returns an event that has nothing but its identity and its type.
func identifyEvent(f format.Format, payload []byte, r event.Receipt) (*event.Event, *event.Refusal) {
	h, hash, refusal := f.Identify(payload, r)
	return &event.Event{Head: h, ContentHash: hash}, refusal
}

// readFunc reads the event of a message.
type readFunc func(f format.Format, payload []byte, r event.Receipt) (*event.Event, *event.Refusal)

// readMessage reads the headers of a message, and its event by read.
func readMessage(m stream.Raw, read readFunc) decodedMessage {
	msg, err := stream.Parse(m.Header, m.Payload)
	if msg.ReceivedAt.IsZero() {
		msg.ReceivedAt = m.Time.UTC()
	}
	if err != nil {
		return unreadableMessage(msg, event.CodeInvalidMessage, err.Error())
	}
	f, ok := format.Lookup(msg.Format)
	if !ok {
		return unreadableMessage(msg, event.CodeInvalidMessage, messageUnknownFormat)
	}
	ev, refusal, panicked := readRecovering(f, m.Payload, msg.Receipt(), read)
	switch {
	case panicked != nil:
		d := unreadableMessage(msg, event.CodeValidatorFailed, messageValidatorFailed)
		d.panicked = panicked
		return d
	case refusal != nil:
		return unreadableMessage(msg, refusal.Code, refusal.Message)
	}
	// The collector has answered the client with the id in the header.
	if _, ok := event.ParseUUID(msg.DerivedID); ok && ev.Derived {
		ev.EventID = msg.DerivedID
	}
	return decodedMessage{
		id:          store.DocumentID(msg.Application, ev.EventID),
		application: msg.Application,
		received:    msg.ReceivedAt,
		event:       ev,
	}
}

// readRecovering calls read and recovers from its panics: a message on which the
// decoder panics must not fail the other messages of its batch.
func readRecovering(f format.Format, payload []byte, r event.Receipt, read readFunc) (ev *event.Event, refusal *event.Refusal, panicked *Panic) {
	defer func() {
		if v := recover(); v != nil {
			panicked = &Panic{Value: v, Stack: debug.Stack()}
		}
	}()
	ev, refusal = read(f, payload, r)
	return ev, refusal, nil
}

// unreadableMessage identifies a message by its bytes alone. Its id has the form
// of a conflict's id, with the hash of the bytes. No event can have such an id, so
// a message that no collector wrote displaces no event. Equal bytes count once per
// application, and once among the messages without an application.
func unreadableMessage(msg stream.Message, code, message string) decodedMessage {
	sum := sha256.New()
	sum.Write([]byte("message\x00")) // no event has the same hash
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
	return decodedMessage{
		id:          store.ConflictID(msg.Application, ev.ContentHash, ev.EventID),
		application: msg.Application,
		received:    msg.ReceivedAt,
		event:       ev,
	}
}

// envelopeOf returns an event without its data, with one more fault.
func envelopeOf(ev *event.Event, fault event.Fault) *event.Event {
	return &event.Event{
		Head: ev.Head, Timestamp: ev.Timestamp, SentAt: ev.SentAt,
		Faults: append(ev.Faults, fault), UnknownMembers: ev.UnknownMembers,
	}
}
