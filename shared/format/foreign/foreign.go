// Package foreign has what the formats of other products have in common: an event is
// read by the parser of package native, translated to the text of a native event,
// and that text is inspected or decoded.
//
// So the limits of a native event hold for the event that was sent and for its
// translation, and its data are kept as those of a native event are.
//
// Promises, for any translation that is a pure function of its arguments:
//
//   - Inspect and Decode are pure functions of the bytes and the receipt.
//   - Decode refuses exactly what Inspect refuses, and its Head is Inspect's.
//   - An event that is within the limits by itself, and not as it is translated, has a
//     fault and keeps its id, so that a mended translation finds its document.
//   - The content hash is that of the event that was sent, without the members that
//     Translation.Transport names: a mended translation changes no hash.
//   - An event id that is not the sender's own UUID counts as derived, so that the
//     header of the message keeps it: a mended translation changes no id.
package foreign

import (
	"bytes"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/format/native"
)

// Namespaces of the UUIDs in version 5 (RFC 9562) that stand for ids of other
// products. The name is the application and the parts of the id, joined by zero
// bytes; a zero byte in a part is the byte 0xff, which no text has. They are contracts:
// another namespace would give old events new ids.
var (
	// EventNamespace is that of event ids.
	EventNamespace = uuid.MustParse("2d2b0902-c28b-4294-8077-7cf7dfaa19f7")
	// SessionNamespace is that of session ids.
	SessionNamespace = uuid.MustParse("7d170c8e-6260-46f4-a3c5-9eaf4d8a3b4d")
)

// UUID returns the UUID in version 5 of an id within an application.
func UUID(namespace uuid.UUID, application string, id ...string) string {
	name := []byte(application)
	for _, part := range id {
		name = append(append(name, 0), strings.ReplaceAll(part, "\x00", "\xff")...)
	}
	return uuid.NewSHA1(namespace, name).String()
}

// Event is what a translation makes of an event. A member that is nil is missing.
type Event struct {
	// ID is the id that the sender gave the event, a UUID in lower case, or one that UUID
	// returns; "" if the event has no id: then one is derived from its content.
	ID string
	// IDDerived says that ID is not the text that was sent.
	IDDerived bool

	// The members of a native event, as JSON.
	SessionID, Category, Name, Data, Timestamp []byte

	// Others are members that no native event has, for which the policy decides.
	Others []native.Value

	// SentAt is when the client says it sent the event, by the clock of Timestamp.
	SentAt string
	// Missing are the messages of faults about members that are missing, by their
	// names.
	Missing map[string]string
	// InvalidTimestamp is the message of a fault about Timestamp, "" for that about a
	// native one.
	InvalidTimestamp string
	// Faults are further reasons to reject the event.
	Faults []event.Fault
}

// Translation translates the events of a format.
type Translation struct {
	// Event translates an event. It must be a pure function. Only Others of the result
	// may alias its arguments.
	Event func(o native.Value, r event.Receipt) Event
	// Transport reports whether a member of the event that was sent identifies it,
	// or changes when it is sent again: the content hash leaves it out.
	Transport func(name string) bool
	// IDMember is the member by which its sender identifies an event. One that cannot be
	// an id takes part in the id that is derived in its place: events that differ only in
	// invalid ids are different events.
	IDMember string
}

// Inspect implements format.Format.
func (t Translation) Inspect(raw []byte, r event.Receipt) (event.Head, *event.Refusal) {
	head, _, refusal := t.Identify(raw, r)
	return head, refusal
}

// Identify implements format.Format.
func (t Translation) Identify(raw []byte, r event.Receipt) (event.Head, string, *event.Refusal) {
	x, refusal := t.translate(raw, r)
	if refusal != nil {
		return event.Head{}, "", refusal
	}
	head, refusal := native.Inspect(x.text)
	if refusal != nil {
		x.dropData(refusal)
		if head, refusal = native.Inspect(x.text); refusal != nil {
			return event.Head{}, "", refusal
		}
	}
	head.Derived = head.Derived || x.IDDerived
	return head, x.hash.String(), nil
}

// Decode implements format.Format.
func (t Translation) Decode(raw []byte, r event.Receipt) (*event.Event, *event.Refusal) {
	x, refusal := t.translate(raw, r)
	if refusal != nil {
		return nil, refusal
	}
	e, refusal := native.Decode(x.text)
	if refusal != nil {
		x.dropData(refusal)
		if e, refusal = native.Decode(x.text); refusal != nil {
			return nil, refusal
		}
		e.Data, e.Tree = nil, nil
	}
	e.Derived, e.SentAt, e.ContentHash = e.Derived || x.IDDerived, x.SentAt, x.hash.String()
	for i := range e.Faults {
		f := &e.Faults[i]
		if message, ok := x.explainMissing(f.Path); ok {
			f.Message = message
		}
		if f.Code == event.CodeInvalidTimestamp && x.InvalidTimestamp != "" {
			f.Message = x.InvalidTimestamp
		}
	}
	e.Faults = append(e.Faults, x.Faults...)
	return e, nil
}

// translated is an Event as the text of a native one.
type translated struct {
	Event
	text []byte
	hash event.Hash
}

func (t Translation) translate(raw []byte, r event.Receipt) (translated, *event.Refusal) {
	o, refusal := native.ReadObject(raw)
	if refusal != nil {
		return translated{}, refusal
	}
	defer o.Release()
	x := translated{Event: t.Event(o.Root(), r), hash: o.HashWithout(t.Transport)}
	arrived := x.Timestamp == nil
	if arrived {
		x.Timestamp, x.SentAt = QuoteText(event.FormatTime(r.ReceivedAt)), ""
	}
	if x.ID == "" {
		x.ID, x.IDDerived = x.deriveID(t.identityOf(o, x.hash), r, arrived), true
	}
	x.text = x.appendNative(make([]byte, 0, len(raw)+256))
	return x, nil
}

// maxMemberBytes is the most that a member of the envelope has which is no fault: each
// character may be escaped as a surrogate pair.
const maxMemberBytes = len(`\ud83d\ude00`)*event.MaxIDLength + len(`""`)

// dropData replaces the data that make the native event one that is refused by none and a
// fault, and whatever is too large for a member of the envelope.
func (x *translated) dropData(refusal *event.Refusal) {
	x.Data, x.Others = []byte("{}"), nil
	for _, member := range []*[]byte{&x.SessionID, &x.Category, &x.Name, &x.Timestamp} {
		if len(*member) > maxMemberBytes {
			*member = []byte("null") // a fault, too
		}
	}
	x.Faults = append(x.Faults, event.Fault{
		Code: refusal.Code, Path: event.Pointer("data"), Message: "the translated event is beyond what is kept: " + refusal.Message,
	})
	x.text = x.appendNative(x.text[:0])
}

// identityOf returns what identifies an event without a valid id: its content, and what
// was sent in the place of an id.
func (t Translation) identityOf(o native.Object, content event.Hash) event.Hash {
	if kind := o.Root().Member(t.IDMember).Kind(); kind == 0 || kind == 'n' {
		return content
	}
	return o.HashWithout(func(name string) bool { return name != t.IDMember && t.Transport(name) })
}

// deriveID derives the id of an event without one. An event that does not say when
// it happened is identified by the moment of its arrival, too: two equal ones are
// two events.
func (x *translated) deriveID(identity event.Hash, r event.Receipt, arrived bool) string {
	if arrived {
		moment := r.ReceivedAt.UTC().Format(time.RFC3339Nano)
		return event.DeriveID(r.ReceivedAt, event.HashOf([]byte(identity.String()+"\x00"+moment)))
	}
	t := time.UnixMilli(0)
	if text, err := jsontext.AppendUnquote(nil, x.Timestamp); err == nil {
		if sent, err := event.ParseTime(text); err == nil {
			t = sent
		}
	}
	return event.DeriveID(t, identity)
}

// appendNative appends the text of the native event.
func (x *translated) appendNative(dst []byte) []byte {
	dst = append(dst, `{"event_id":`...)
	dst, _ = jsontext.AppendQuote(dst, x.ID)
	if x.Category == nil {
		// With a category, whatever its value, it is no wrapper of native events.
		dst = append(dst, `,"category":null`...)
	}
	for _, m := range []struct {
		name  string
		value []byte
	}{
		{"session_id", x.SessionID}, {"category", x.Category}, {"name", x.Name}, {"data", x.Data}, {"timestamp", x.Timestamp},
	} {
		if m.value != nil {
			dst = append(append(append(append(dst, `,"`...), m.name...), `":`...), m.value...)
		}
	}
	for _, v := range x.Others {
		dst = append(dst, ',')
		dst = append(v.AppendName(dst), ':')
		dst = v.AppendJSON(dst)
	}
	return append(dst, '}')
}

// explainMissing returns the message about a member of the native event that is
// missing.
func (x *translated) explainMissing(path string) (string, bool) {
	var value []byte
	switch path {
	case "/session_id":
		value = x.SessionID
	case "/category":
		value = x.Category
	case "/name":
		value = x.Name
	default:
		return "", false
	}
	message, ok := x.Missing[path[1:]]
	return message, ok && value == nil
}

// QuoteText returns text as JSON. Bytes that are not UTF-8 are percent-encoded, so that
// different texts stay different.
func QuoteText(text string) []byte {
	quoted, err := jsontext.AppendQuote(nil, text)
	if err != nil {
		quoted, _ = jsontext.AppendQuote(nil, encodeBroken(text))
	}
	return quoted
}

// encodeBroken percent-encodes the bytes of text that are not UTF-8.
func encodeBroken(text string) string {
	var b strings.Builder
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		if r == utf8.RuneError && size == 1 {
			b.WriteString(url.PathEscape(text[:1]))
		} else {
			b.WriteString(text[:size])
		}
		text = text[size:]
	}
	return b.String()
}

// Quote returns text as JSON, nil for "".
func Quote(text string) []byte {
	if text == "" {
		return nil
	}
	return QuoteText(text)
}

// JSON returns a value as JSON, nil for an absent one and for null.
func JSON(v native.Value) []byte {
	if v.Kind() == 0 || v.Kind() == 'n' {
		return nil
	}
	return v.AppendJSON(nil)
}

// Object builds the text of a JSON object. Its zero value has no members.
type Object struct{ text []byte }

// Add adds a member whose name and value are JSON.
func (b *Object) Add(name, value []byte) {
	if len(b.text) == 0 {
		b.text = append(b.text, '{')
	} else {
		b.text = append(b.text, ',')
	}
	b.text = append(append(append(b.text, name...), ':'), value...)
}

// AddMember adds a member of another object under its name.
func (b *Object) AddMember(v native.Value) {
	b.Add(v.AppendName(nil), v.AppendJSON(nil))
}

// AddMembers adds the members of an object in JSON. It reports false, and adds nothing,
// for any other text.
func (b *Object) AddMembers(object []byte) bool {
	added := Object{bytes.Clone(b.text)}
	if EachMember(object, func(_ string, quoted, value []byte) error {
		added.Add(quoted, value)
		return nil
	}) != nil {
		return false
	}
	*b = added
	return true
}

// Text returns the text of the object.
func (b *Object) Text() []byte {
	if len(b.text) == 0 {
		return []byte("{}")
	}
	return append(b.text, '}')
}
