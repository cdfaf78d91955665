// Package segment reads messages of the HTTP API of Segment, which the SDKs of
// RudderStack send, too. An item is one message, as it was sent but for three changes:
// a message without a type gets that of its route; the context of its batch is the
// message's, or the member eye:context where it has one of its own; the member writeKey
// is left out.
//
// What becomes of a message:
//
//	event_id    messageId: a UUID, or the UUID of another text
//	session_id  context.sessionId: a UUID, or the UUID of the sender and that id;
//	            without it, by the setting of the application, the UUID of anonymousId,
//	            else of userId
//	category    type
//	name        event of a track message; the type of any other
//	timestamp   timestamp, else originalTimestamp; without both, the moment of arrival.
//	            A sentAt of the message alone that equals it does not correct it
//	data        everything else, under its own name; the batch's context lies under the
//	            message's, member by member
//
// The content hash leaves out messageId, sentAt, receivedAt, writeKey, _metadata, which
// counts the retries, and the context of the batch where the message has its own.
package segment

import (
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/format/foreign"
	"github.com/theeye/theeye/shared/format/native"
)

// Name is the value of the header Eye-Format for events of this format.
const Name = "segment"

// Format implements format.Format.
type Format struct{ foreign.Translation }

// New returns the format.
func New() Format {
	return Format{foreign.Translation{Event: translate, Transport: isTransport, IDMember: "messageId"}}
}

// Name returns the constant Name.
func (Format) Name() string { return Name }

// batchContext is the member of an item that holds the context of its batch beside
// that of the message.
const batchContext = "eye:context"

func isTransport(name string) bool {
	switch name {
	case "messageId", "sentAt", "receivedAt", "writeKey", "_metadata", batchContext:
		return true
	}
	return false
}

// track is the type of messages that have a name of their own.
const track = "track"

func translate(o native.Value, r event.Receipt) foreign.Event {
	x := foreign.Event{SentAt: r.SentAt, Missing: missing}
	typ, context, under := o.Member("type"), o.Member("context"), o.Member(batchContext)
	x.Category, x.Name = foreign.JSON(typ), foreign.JSON(typ)
	if typ.Text() == track {
		x.Name = foreign.JSON(o.Member("event"))
	}
	stamp := "timestamp"
	if x.Timestamp = foreign.JSON(o.Member(stamp)); x.Timestamp == nil {
		stamp = "originalTimestamp"
		x.Timestamp = foreign.JSON(o.Member(stamp))
	}
	// The Go SDK of RudderStack sends the time of the event as that of its sending, too:
	// however late it is sent, that says nothing about the clock.
	if sentAt := o.Member("sentAt"); x.SentAt == "" && sentAt.Text() != o.Member(stamp).Text() {
		x.SentAt = foreign.HeaderText(foreign.JSON(sentAt))
	}
	messageID := o.Member("messageId").Text()
	id, isUUID := event.ParseUUID(messageID)
	switch {
	case isUUID:
		x.ID = id
	case messageID != "":
		x.ID, x.IDDerived = foreign.UUID(foreign.EventNamespace, r.Application, messageID), true
	}
	x.SessionID = foreign.Quote(sessionID(o, context, under, r))

	var data foreign.Object
	for name, v := range o.Members() {
		switch name {
		case "type", "sentAt", "writeKey", stamp:
		case batchContext:
			// With a context, which has it. Without one, a client sent this name.
			if context.Kind() == 0 {
				data.AddMember(v)
			}
		case "event":
			if typ.Text() != track {
				data.AddMember(v)
			}
		case "messageId":
			if !isUUID {
				data.AddMember(v)
			}
		case "context":
			data.Add(v.AppendName(nil), mergedContext(context, under))
		default:
			data.AddMember(v)
		}
	}
	x.Data = data.Text()
	return x
}

// mergedContext returns the context of a message over that of its batch.
func mergedContext(context, under native.Value) []byte {
	if context.Kind() == 'n' && under.Kind() == '{' {
		return under.AppendJSON(nil) // null says that the message has none
	}
	if context.Kind() != '{' || under.Kind() != '{' {
		return context.AppendJSON(nil)
	}
	var merged foreign.Object
	own := map[string]bool{}
	for name, v := range context.Members() {
		own[name] = true
		merged.AddMember(v)
	}
	for name, v := range under.Members() {
		if !own[name] {
			merged.AddMember(v)
		}
	}
	return merged.Text()
}

// sessionID returns the session of a message, "" for none.
func sessionID(o, context, under native.Value, r event.Receipt) string {
	sender := []string{"anonymousId", idText(o.Member("anonymousId"))}
	if sender[1] == "" {
		sender = []string{"userId", idText(o.Member("userId"))}
	}
	session := idText(context.Member("sessionId"))
	if session == "" {
		session = idText(under.Member("sessionId"))
	}
	id, isUUID := event.ParseUUID(session)
	switch {
	case isUUID:
		return id
	case session != "":
		return foreign.UUID(foreign.SessionNamespace, r.Application, append(sender, session)...)
	case sender[1] == "" || r.MissingSession == event.SessionRequired:
		return ""
	}
	return foreign.UUID(foreign.SessionNamespace, r.Application, sender...)
}

// idText returns the text of an id, which some SDKs send as a number.
func idText(v native.Value) string {
	if v.Kind() == '0' {
		return string(v.AppendJSON(nil))
	}
	return v.Text()
}

// missing are the messages about members that are missing.
var missing = map[string]string{
	"session_id": "session_id is missing: the message has no context.sessionId, and neither anonymousId nor userId that a session may be derived from",
	"category":   "category is missing: it is the type of the message, such as track or page",
	"name":       "name is missing: it is the member event of a track message",
}
