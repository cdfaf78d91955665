package stream

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
)

func TestParseReversesMsg(t *testing.T) {
	for _, m := range []Message{
		{
			Application: "demo",
			ReceivedAt:  time.Date(2026, 1, 2, 3, 4, 5, 678901234, time.UTC),
			Format:      "native",
			Payload:     []byte(`{"a": 1}`),
		},
		{
			Application: "a-9",
			DerivedID:   "0190163d-8694-739b-aea5-966c26f8ad91",
			SentAt:      "2026-01-02T03:04:05Z",
			ReceivedAt:  time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
			Format:      "native",
			Payload:     []byte{},
		},
	} {
		wire := m.Msg("events.demo.unregistered")
		got, err := Parse(wire.Header, wire.Data)
		if err != nil {
			t.Fatalf("Parse: %v", err)
		}
		if diff := cmp.Diff(m, got); diff != "" {
			t.Errorf("message changed on the wire (-sent +read):\n%s", diff)
		}
	}
}

// Other publishers of the same NATS server may write any headers.
func TestParseRejectsForeignMessages(t *testing.T) {
	valid := (&Message{Application: "demo", ReceivedAt: time.Unix(0, 0), Format: "native"}).Msg("s").Header
	for name, change := range map[string]func(nats.Header){
		"no application":         func(h nats.Header) { delete(h, HeaderApplication) },
		"application upper case": func(h nats.Header) { h[HeaderApplication] = []string{"Demo"} },
		"application with hash":  func(h nats.Header) { h[HeaderApplication] = []string{"demo#1"} },
		"application too long":   func(h nats.Header) { h[HeaderApplication] = []string{strings.Repeat("a", 33)} },
		"no received time":       func(h nats.Header) { delete(h, HeaderReceivedAt) },
		"unreadable time":        func(h nats.Header) { h[HeaderReceivedAt] = []string{"yesterday"} },
		"header in other case":   func(h nats.Header) { h["eye-application"] = h[HeaderApplication]; delete(h, HeaderApplication) },
	} {
		h := nats.Header{}
		for k, v := range valid {
			h[k] = v
		}
		change(h)
		m, err := Parse(h, []byte("x"))
		if !errors.Is(err, ErrNotAMessage) {
			t.Errorf("%s: error %v, want ErrNotAMessage", name, err)
		}
		if string(m.Payload) != "x" {
			t.Errorf("%s: the payload is lost", name)
		}
	}
	if _, err := Parse(nil, nil); !errors.Is(err, ErrNotAMessage) {
		t.Errorf("no headers: error %v, want ErrNotAMessage", err)
	}
}
