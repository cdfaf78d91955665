// Package foreigntest checks what every format of another product promises, and
// describes events for table tests.
package foreigntest

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/format"
	"github.com/theeye/theeye/shared/format/native"
)

// Receipt returns the receipt of the events of table tests.
func Receipt() event.Receipt {
	return event.Receipt{
		Application: "shop", ReceivedAt: time.Date(2026, 5, 6, 7, 8, 9, 123456789, time.UTC), SentAt: "2026-05-06T07:08:09Z",
	}
}

// Decode returns an event that Check accepts, received as Receipt says but for the changes.
func Decode(t testing.TB, f format.Format, raw string, change ...func(*event.Receipt)) *event.Event {
	t.Helper()
	r := Receipt()
	for _, set := range change {
		set(&r)
	}
	e := Check(t, f, []byte(raw), r)
	if e == nil {
		t.Fatalf("%s is refused", raw)
	}
	return e
}

// Check checks the properties of all bytes: Inspect and Decode agree, are pure, and
// keep the contract of an event. It returns nil when the event is refused.
func Check(t testing.TB, f format.Format, raw []byte, r event.Receipt) *event.Event {
	t.Helper()
	before := bytes.Clone(raw)
	h, refusal := f.Inspect(raw, r)
	e, refusal2 := f.Decode(raw, r)
	if !bytes.Equal(before, raw) {
		t.Fatal("the bytes were changed")
	}
	if diff := cmp.Diff(refusal, refusal2); diff != "" {
		t.Fatalf("%q: Inspect and Decode disagree:\n%s", raw, diff)
	}
	if refusal != nil {
		if e != nil || h != (event.Head{}) || refusal.Code == "" || refusal.Message == "" {
			t.Fatalf("%q: refused and decoded: %v", raw, refusal)
		}
		return nil
	}
	if h != e.Head || h.EventID == "" || len(e.ContentHash) != 32 {
		t.Fatalf("%q: heads %+v and %+v, hash %q", raw, h, e.Head, e.ContentHash)
	}
	if h.Derived {
		if _, ok := event.ParseUUID(h.EventID); !ok {
			t.Fatalf("%q: the derived id %q does not fit into a header", raw, h.EventID)
		}
	}
	if h, hash, refusal := f.Identify(raw, r); refusal != nil || h != e.Head || hash != e.ContentHash {
		t.Fatalf("%q: identified as %+v %s, %v", raw, h, hash, refusal)
	}
	again, _ := f.Decode(raw, r)
	if diff := cmp.Diff(e, again); diff != "" {
		t.Fatalf("%q: the second time differs:\n%s", raw, diff)
	}
	if e.Data != nil {
		if _, refusal := native.Decode([]byte(`{"data":` + string(e.Data) + `}`)); refusal != nil && refusal.Code != event.CodeTooLarge {
			t.Fatalf("%q: the data %q are refused: %v", raw, e.Data, refusal)
		}
	}
	return e
}

// CheckSplit splits a request and checks the items. It returns their events, nil for
// those that are refused.
func CheckSplit(t testing.TB, f format.Format, r *http.Request, body []byte) ([]*event.Event, event.Batch, error) {
	t.Helper()
	const most = 50
	before := bytes.Clone(body)
	b, err := f.Split(r, body, most)
	if !bytes.Equal(before, body) {
		t.Fatal("the body was changed")
	}
	if err != nil {
		if len(b.Items) > 0 {
			t.Fatalf("%v with %d items", err, len(b.Items))
		}
		return nil, b, err
	}
	if len(b.Items) == 0 || len(b.Items) > most || len(b.SentAt) > 64 || strings.ContainsAny(b.SentAt, "\r\n\x00") {
		t.Fatalf("%d items, sent at %q", len(b.Items), b.SentAt)
	}
	receipt := Receipt()
	receipt.SentAt = b.SentAt
	events := make([]*event.Event, len(b.Items))
	for i, item := range b.Items {
		if e := Check(t, f, item.Raw, receipt); item.Refusal == nil {
			events[i] = e
		}
	}
	return events, b, nil
}

// Describe describes an event in some lines: its identity, type, session, time, data
// and faults.
func Describe(e *event.Event) string {
	if e == nil {
		return "refused\n"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s / %s\nevent %s derived=%t\nsession %s\nat %s sent %q\ndata %s\n",
		e.Category, e.Name, e.EventID, e.Derived, e.SessionID, event.FormatTime(e.Timestamp), e.SentAt, e.Data)
	for _, f := range e.Faults {
		fmt.Fprintf(&b, "%s %s: %s\n", f.Code, f.Path, f.Message)
	}
	return b.String()
}

// Request returns a request. headers are pairs of name and value.
func Request(method, target string, headers ...string) *http.Request {
	r := httptest.NewRequest(method, target, http.NoBody)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}
