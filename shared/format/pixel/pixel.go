// Package pixel reads events that the query of an image describes, for mail and for pages
// without a script. An item is the event as an object: the members of a native event and
// sender, from the parameters of these names; data has the members of the parameter data,
// which is a JSON object, and those of the parameters d.….
//
// What becomes of an event:
//
//	event_id    event_id; without it, every request is another event, unless it has a
//	            timestamp
//	session_id  session_id; without it, by the setting of the application, the UUID of
//	            sender, else of event_id, else of the moment of arrival: a session of its
//	            own
//	category, name, data, schema_version  as they are
//	timestamp   timestamp; without it, the moment of arrival
//
// The content hash leaves out event_id. A member of any other name is unknown: the
// policy decides about it.
package pixel

import (
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/format/foreign"
	"github.com/theeye/theeye/shared/format/native"
)

// Name is the value of the header Eye-Format for events of this format.
const Name = "pixel"

// Format implements format.Format.
type Format struct{ foreign.Translation }

// New returns the format.
func New() Format {
	return Format{foreign.Translation{
		Event: translate, Transport: func(name string) bool { return name == paramEventID }, IDMember: paramEventID,
	}}
}

// Name returns the constant Name.
func (Format) Name() string { return Name }

// Parameters of a query.
const (
	paramEventID       = "event_id"
	paramSessionID     = "session_id"
	paramSender        = "sender"
	paramData          = "data"
	paramSchemaVersion = "schema_version"
	// paramIgnored makes the address of an image another one, and says nothing.
	paramIgnored = "_"
	// prefixData begins the parameters that are members of the data, as text.
	prefixData = "d."
)

// Split implements format.Format: the query is the event, and the body is not read.
func (Format) Split(r *http.Request, _ []byte, _ int) (event.Batch, error) {
	var item, data foreign.Object
	hasData, dataName := false, paramData
	foreign.EachParameter(r.URL.RawQuery, func(name, value string) {
		member, isData := strings.CutPrefix(name, prefixData)
		switch {
		case name == paramIgnored:
		case isData:
			hasData = true
			data.Add(foreign.QuoteText(member), foreign.QuoteText(value))
		case name == paramData && data.AddMembers([]byte(value)):
			hasData = true
		case name == paramData:
			// No object: it is the data, and a fault, and the others are beside it.
			item.Add(foreign.QuoteText(paramData), foreign.QuoteText(value))
			dataName = "d"
		case name == paramSchemaVersion && isInteger(value):
			item.Add(foreign.QuoteText(name), []byte(value))
		default:
			item.Add(foreign.QuoteText(name), foreign.QuoteText(value))
		}
	})
	if hasData {
		item.Add(foreign.QuoteText(dataName), data.Text())
	}
	return event.Batch{Items: []event.Item{{Raw: item.Text()}}}, nil
}

// isInteger reports whether text is a whole number of JSON. Other text is a fault of the
// event.
func isInteger(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == "" && jsontext.Value(text).IsValid()
}

func translate(o native.Value, r event.Receipt) foreign.Event {
	x := foreign.Event{Missing: map[string]string{
		"session_id": "session_id is missing, and the application requires one",
		"category":   "category is missing: it is the parameter category of the image",
		"name":       "name is missing: it is the parameter name of the image",
	}}
	sender := ""
	for name, v := range o.Members() {
		switch name {
		case paramEventID:
			x.ID = v.Text()
		case paramSessionID:
			x.SessionID = foreign.JSON(v)
		case "category":
			x.Category = foreign.JSON(v)
		case "name":
			x.Name = foreign.JSON(v)
		case paramData:
			x.Data = foreign.JSON(v)
		case "timestamp":
			x.Timestamp = foreign.JSON(v)
		case paramSender:
			sender = v.Text()
		default:
			x.Others = append(x.Others, v) // schema_version, or a member that is unknown
		}
	}
	if x.Data == nil {
		x.Data = []byte("{}")
	}
	if x.SessionID == nil && r.MissingSession != event.SessionRequired {
		x.SessionID = foreign.Quote(ownSession(sender, x.ID, r))
	}
	return x
}

// ownSession returns the session of an event without one.
func ownSession(sender, eventID string, r event.Receipt) string {
	id := []string{"received", r.ReceivedAt.UTC().Format(time.RFC3339Nano)}
	switch {
	case sender != "":
		id = []string{paramSender, sender}
	case eventID != "":
		id = []string{paramEventID, eventID}
	}
	return foreign.UUID(foreign.SessionNamespace, r.Application, id...)
}
