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

// The valid fields are there beside the error: a rejected message is kept with
// them. Other publishers of the same NATS server may write any headers.
func TestParseKeepsTheValidFieldsOfForeignMessages(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	valid := Message{Application: "demo", DerivedID: "id", SentAt: "then", Format: "native", Payload: []byte("x"), ReceivedAt: at}
	for name, c := range map[string]struct {
		change      func(nats.Header)
		application string
	}{
		"no application":         {func(h nats.Header) { delete(h, HeaderApplication) }, ""},
		"application upper case": {func(h nats.Header) { h[HeaderApplication] = []string{"Demo"} }, ""},
		"application with hash":  {func(h nats.Header) { h[HeaderApplication] = []string{"demo#1"} }, ""},
		"application too long":   {func(h nats.Header) { h[HeaderApplication] = []string{strings.Repeat("a", 33)} }, ""},
		"header without a value": {func(h nats.Header) { h[HeaderApplication] = nil }, ""},
		"header in other case":   {func(h nats.Header) { h["eye-application"] = h[HeaderApplication]; delete(h, HeaderApplication) }, ""},
		"no received time":       {func(h nats.Header) { delete(h, HeaderReceivedAt) }, "demo"},
		"unreadable time":        {func(h nats.Header) { h[HeaderReceivedAt] = []string{"yesterday"} }, "demo"},
	} {
		wire := valid.Msg("s")
		c.change(wire.Header)
		want := valid
		want.Application, want.ReceivedAt = c.application, time.Time{}
		got, err := Parse(wire.Header, wire.Data)
		if !errors.Is(err, ErrNotAMessage) {
			t.Errorf("%s: error %v, want ErrNotAMessage", name, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if _, err := Parse(nil, nil); !errors.Is(err, ErrNotAMessage) {
		t.Errorf("no headers: error %v, want ErrNotAMessage", err)
	}
}

func TestMsgIsInUTCAndOmitsAbsentFields(t *testing.T) {
	payload := []byte("x")
	m := Message{
		Application: "demo", Format: "native", Payload: payload,
		ReceivedAt: time.Date(2026, 1, 2, 3, 4, 5, 60, time.FixedZone("", 3600)),
	}
	wire := m.Msg("subject")
	want := nats.Header{
		HeaderApplication: {"demo"}, HeaderFormat: {"native"}, HeaderReceivedAt: {"2026-01-02T02:04:05.00000006Z"},
	}
	if diff := cmp.Diff(want, wire.Header); diff != "" || wire.Subject != "subject" {
		t.Errorf("on %s, headers (-want +got):\n%s", wire.Subject, diff)
	}
	got, err := Parse(wire.Header, wire.Data)
	if err != nil || !got.ReceivedAt.Equal(m.ReceivedAt) || got.ReceivedAt.Location() != time.UTC {
		t.Errorf("received at %v, %v", got.ReceivedAt, err)
	}
	if &wire.Data[0] != &payload[0] || &got.Payload[0] != &payload[0] {
		t.Error("the payload was copied")
	}
	wire.Header[HeaderReceivedAt] = []string{"2026-01-02T03:04:05+01:00"}
	if got, err := Parse(wire.Header, nil); err != nil || got.ReceivedAt != time.Date(2026, 1, 2, 2, 4, 5, 0, time.UTC) {
		t.Errorf("received at %v, %v", got.ReceivedAt, err)
	}
}

func TestApplicationNames(t *testing.T) {
	for name, want := range map[string]bool{
		"a": true, "0": true, "shop-2": true, "a--": true, strings.Repeat("a", 32): true,
		"": false, "-a": false, "A": false, "a.b": false, "a_b": false, "a b": false, "é": false, "a\n": false, strings.Repeat("a", 33): false,
	} {
		if got := ValidApplication(name); got != want {
			t.Errorf("ValidApplication(%q) = %t", name, got)
		}
	}
}
