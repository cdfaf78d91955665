package stream

import (
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/theeye/theeye/shared/event"
)

// Message is one accepted event in the stream.
type Message struct {
	// Application is the application of the write key.
	Application string
	// DerivedID is the event id if the collector derived it, else "".
	DerivedID string
	// ReceivedAt is when the collector accepted the event, in UTC.
	ReceivedAt time.Time
	// SentAt is the sent_at of the request as received, "" when absent. The
	// policy may correct timestamps by it.
	SentAt string
	// MissingSession is event.Receipt.MissingSession.
	MissingSession string
	// Format is the name of the format of Payload: see package format.
	Format string
	// Payload is the event's exact bytes.
	Payload []byte
}

// ErrNotAMessage is the error of Parse for messages that no collector wrote.
var ErrNotAMessage = errors.New("not a message of a collector")

// ValidApplication reports whether name is the name of an application:
// [a-z0-9][a-z0-9-]{0,31}.
func ValidApplication(name string) bool {
	if len(name) == 0 || len(name) > 32 || name[0] == '-' {
		return false
	}
	for _, c := range []byte(name) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

// Msg returns the NATS message for a subject. The payload is not copied.
func (m *Message) Msg(subject string) *nats.Msg {
	h := nats.Header{
		HeaderApplication: {m.Application},
		HeaderReceivedAt:  {m.ReceivedAt.UTC().Format(time.RFC3339Nano)},
		HeaderFormat:      {m.Format},
	}
	if m.DerivedID != "" {
		h[HeaderEventID] = []string{m.DerivedID}
	}
	if m.SentAt != "" {
		h[HeaderSentAt] = []string{m.SentAt}
	}
	if m.MissingSession != "" {
		h[HeaderMissingSession] = []string{m.MissingSession}
	}
	return &nats.Msg{Subject: subject, Header: h, Data: m.Payload}
}

// Parse parses a message of the stream. The payload is not copied. The error wraps
// ErrNotAMessage and names the fault; the returned Message then holds the valid
// fields.
func Parse(h nats.Header, payload []byte) (Message, error) {
	m := Message{
		Application: firstValue(h, HeaderApplication),
		DerivedID:   firstValue(h, HeaderEventID),
		SentAt:      firstValue(h, HeaderSentAt),

		MissingSession: firstValue(h, HeaderMissingSession),

		Format:  firstValue(h, HeaderFormat),
		Payload: payload,
	}
	if !ValidApplication(m.Application) {
		m.Application = ""
		return m, fmt.Errorf("%w: header %s names no application", ErrNotAMessage, HeaderApplication)
	}
	t, err := time.Parse(time.RFC3339Nano, firstValue(h, HeaderReceivedAt))
	if err != nil {
		return m, fmt.Errorf("%w: header %s is not an RFC 3339 time", ErrNotAMessage, HeaderReceivedAt)
	}
	m.ReceivedAt = t.UTC()
	return m, nil
}

// Receipt returns what the headers say about the event.
func (m *Message) Receipt() event.Receipt {
	return event.Receipt{
		Application: m.Application, ReceivedAt: m.ReceivedAt, SentAt: m.SentAt, MissingSession: m.MissingSession,
	}
}

// firstValue returns the first value of a header by its exact name; nats.Header is
// case-sensitive.
func firstValue(h nats.Header, key string) string {
	if v := h[key]; len(v) > 0 {
		return v[0]
	}
	return ""
}
