package stream

import (
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/nats-io/nats.go"
)

// Message is one accepted event as it stands in the stream.
type Message struct {
	// Application is the application of the write key.
	Application string
	// DerivedID is the event id where the collector derived it, else "".
	DerivedID string
	// ReceivedAt is when the collector accepted the event, in UTC.
	ReceivedAt time.Time
	// SentAt is the request's sent_at as received, "" when absent. It is kept
	// for adapters; native timestamps are not corrected by it.
	SentAt string
	// Format is the name of the format of Payload: see package format.
	Format string
	// Payload is the event's exact bytes.
	Payload []byte
}

// ErrNotAMessage is returned by Parse for messages that no collector wrote.
var ErrNotAMessage = errors.New("not a message of a collector")

var applicationName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)

// ValidApplication reports whether name is the name of an application:
// [a-z0-9][a-z0-9-]{0,31}.
func ValidApplication(name string) bool { return applicationName.MatchString(name) }

// Msg is the message on the wire. The payload is not copied.
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
	return &nats.Msg{Subject: subject, Header: h, Data: m.Payload}
}

// Parse reads a message of the stream. The payload is not copied. The error is
// ErrNotAMessage with what is wrong; the returned Message then holds what could
// be read.
func Parse(h nats.Header, payload []byte) (Message, error) {
	m := Message{
		Application: first(h, HeaderApplication),
		DerivedID:   first(h, HeaderEventID),
		SentAt:      first(h, HeaderSentAt),
		Format:      first(h, HeaderFormat),
		Payload:     payload,
	}
	if !ValidApplication(m.Application) {
		m.Application = ""
		return m, fmt.Errorf("%w: header %s names no application", ErrNotAMessage, HeaderApplication)
	}
	t, err := time.Parse(time.RFC3339Nano, first(h, HeaderReceivedAt))
	if err != nil {
		return m, fmt.Errorf("%w: header %s is no RFC 3339 time", ErrNotAMessage, HeaderReceivedAt)
	}
	m.ReceivedAt = t.UTC()
	return m, nil
}

// first reads a header by its exact name; nats.Header is case-sensitive.
func first(h nats.Header, key string) string {
	if v := h[key]; len(v) > 0 {
		return v[0]
	}
	return ""
}
