// Package cloudevents reads events in the format CloudEvents 1.0 over HTTP: in
// binary mode, where the headers ce-… are the attributes and the body is the data, in
// structured mode, and in batches. An item is the event in JSON, whatever the mode.
//
// What becomes of an event:
//
//	event_id    UUID of source and id, which together identify it
//	session_id  the extension sessionid: a UUID, or the UUID of another text; without
//	            it, by the setting of the application, the UUID of source and subject
//	category    type up to its last dot; "cloudevents" for a type without one
//	name        type after its last dot
//	timestamp   time; without it, the moment of arrival
//	data        everything else: id, source, subject, dataschema, data, extensions
//
// The content hash leaves out id, and traceparent and tracestate, which are those of
// the request.
package cloudevents

import (
	"strings"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/format/foreign"
	"github.com/theeye/theeye/shared/format/native"
)

// Name is the value of the header Eye-Format for events of this format.
const Name = "cloudevents"

// Format implements format.Format.
type Format struct{ foreign.Translation }

// New returns the format.
func New() Format {
	return Format{foreign.Translation{Event: translate, Transport: isTransport, IDMember: "id"}}
}

// Name returns the constant Name.
func (Format) Name() string { return Name }

func isTransport(name string) bool {
	return name == "id" || name == "traceparent" || name == "tracestate"
}

// attributes are the attributes of an event that become members of the native one.
type attributes struct {
	id, source, subject, typ, session string
	time                              native.Value
}

func translate(o native.Value, r event.Receipt) foreign.Event {
	x := foreign.Event{SentAt: r.SentAt, Missing: missing}
	var a attributes
	var data foreign.Object
	for name, v := range o.Members() {
		keep := true
		switch name {
		case "id":
			a.id = v.Text()
		case "source":
			a.source = v.Text()
		case "subject":
			a.subject = v.Text()
		case "type":
			a.typ, keep = v.Text(), v.Text() == ""
		case "time":
			a.time, keep = v, false
		case "sessionid":
			a.session = v.Text()
			_, isUUID := event.ParseUUID(a.session)
			keep = !isUUID
		case "specversion":
			keep = v.Text() != version
			if keep {
				x.Faults = append(x.Faults, event.Fault{
					Code: event.CodeInvalidData, Path: event.Pointer("data", "specversion"),
					Message: "the event does not follow CloudEvents 1.0: its specversion is another one",
				})
			}
		}
		if keep {
			data.AddMember(v)
		}
	}
	x.Data = data.Text()
	x.Category, x.Name = splitType(a.typ)
	x.Timestamp = foreign.JSON(a.time)
	x.SessionID = foreign.Quote(a.sessionID(r))
	if a.id == "" || a.source == "" {
		x.Faults = append(x.Faults, event.Fault{
			Code: event.CodeInvalidEventID, Path: event.Pointer("event_id"),
			Message: "id or source is missing, or no string; together they identify a CloudEvent",
		})
		return x
	}
	x.ID, x.IDDerived = foreign.UUID(foreign.EventNamespace, r.Application, a.source, a.id), true
	return x
}

// version is the value of specversion.
const version = "1.0"

// noCategory is the category of a type without a dot.
const noCategory = "cloudevents"

// splitType returns category and name as JSON, nil for a type that is missing.
func splitType(typ string) (category, name []byte) {
	dot := strings.LastIndexByte(typ, '.')
	if dot <= 0 || dot == len(typ)-1 {
		if typ == "" {
			return nil, nil
		}
		return foreign.Quote(noCategory), foreign.Quote(typ)
	}
	return foreign.Quote(typ[:dot]), foreign.Quote(typ[dot+1:])
}

// sessionID returns the session, "" for none.
func (a attributes) sessionID(r event.Receipt) string {
	switch id, isUUID := event.ParseUUID(a.session); {
	case isUUID:
		return id
	case a.session != "":
		return foreign.UUID(foreign.SessionNamespace, r.Application, "sessionid", a.session)
	case r.MissingSession == event.SessionRequired || a.source == "":
		return ""
	}
	return foreign.UUID(foreign.SessionNamespace, r.Application, "subject", a.source, a.subject)
}

// missing are the messages about members that are missing.
var missing = map[string]string{
	"session_id": "session_id is missing: the event has no extension sessionid, and the application derives none, or the event has no source",
	"category":   "category is missing: it is the attribute type of the event, up to its last dot",
	"name":       "name is missing: it is the attribute type of the event, after its last dot",
}
