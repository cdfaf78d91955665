// Package snowplow reads events of the Snowplow tracker protocol: the requests of tp2,
// which carry a list of events in JSON, and those of /i, which carry one event in their
// query. An item is one event as an object of the parameters of the protocol; values of
// a query are text.
//
// What becomes of an event:
//
//	event_id    eid: a UUID, or the UUID of another text
//	session_id  sid, else sessionId of the entity client_session: a UUID, or the UUID of
//	            the sender and that text; without both, by the setting of the
//	            application, the UUID of the sender
//	category    vendor of a self-describing event; se_ca of a structured one;
//	            com.snowplowanalytics.snowplow for page views, page pings, transactions
//	            and their items
//	name        name of a self-describing event; se_ac of a structured one; page_view,
//	            page_ping, transaction, transaction_item
//	timestamp   ttm, else dtm; without both, the moment of arrival. A clock that stm
//	            shows to be wrong is corrected, unless the time is ttm
//	data        everything else under the name of its parameter; the event of ue_pr or
//	            ue_px as unstruct_event, the entities of co or cx as contexts, both
//	            decoded; parameters that the protocol defines as numbers are numbers
//
// The sender is the first of duid, userId of client_session, tnuid, nuid, uid and tna that
// is there.
//
// The content hash leaves out eid, and stm, which is that of the request.
package snowplow

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/format/foreign"
	"github.com/theeye/theeye/shared/format/native"
)

// Name is the value of the header Eye-Format for events of this format.
const Name = "snowplow"

// Format implements format.Format.
type Format struct{ foreign.Translation }

// New returns the format.
func New() Format {
	return Format{foreign.Translation{Event: translate, Transport: isTransport, IDMember: "eid"}}
}

// Name returns the constant Name.
func (Format) Name() string { return Name }

func isTransport(name string) bool { return name == "eid" || name == "stm" }

// Values of the parameter e with types of their own.
const (
	structured     = "se"
	selfDescribing = "ue"
)

// vendor is the category of the events that the protocol defines.
const vendor = "com.snowplowanalytics.snowplow"

// protocolNames are the names of these events, by the value of e.
var protocolNames = map[string]string{
	"pv": "page_view", "pp": "page_ping", "tr": "transaction", "ti": "transaction_item",
}

// isNumber are the parameters that the protocol defines as numbers, and sends as text.
var isNumber = map[string]bool{
	"vid": true, "cd": true, "se_va": true, "pp_mix": true, "pp_max": true, "pp_miy": true, "pp_may": true,
	"tr_tt": true, "tr_tx": true, "tr_sh": true, "ti_pr": true, "ti_qu": true,
}

// Members of data that hold decoded JSON.
const (
	memberEvent    = "unstruct_event"
	memberContexts = "contexts"
)

func translate(o native.Value, r event.Receipt) foreign.Event {
	t := translation{foreign.Event{Missing: map[string]string{}}, o, map[string]bool{"stm": true}}
	t.readIdentity(r)
	t.readTime()
	described := t.decode(memberEvent, "ue_pr", "ue_px")
	contexts := t.decode(memberContexts, "co", "cx")
	t.readType(described)
	t.SessionID = foreign.Quote(t.sessionID(clientSession(contexts), r))
	t.Data = t.data(described, contexts)
	return t.Event
}

// translation is a translation in progress.
type translation struct {
	foreign.Event
	parameters native.Value
	// used are the parameters that are exactly in another member than data.
	used map[string]bool
}

// parameterText returns the text of a parameter, "" where it is absent, and no text or number.
func (t *translation) parameterText(name string) string { return valueText(t.parameters.Member(name)) }

func valueText(v native.Value) string {
	if v.Kind() == '0' {
		return string(v.AppendJSON(nil))
	}
	return v.Text()
}

func (t *translation) readIdentity(r event.Receipt) {
	eid := t.parameterText("eid")
	id, isUUID := event.ParseUUID(eid)
	switch {
	case isUUID:
		t.ID, t.used["eid"] = id, true
	case eid != "":
		t.ID, t.IDDerived = foreign.UUID(foreign.EventNamespace, r.Application, eid), true
	}
}

// readTime reads when the event happened. Only the clock of dtm is that of stm.
func (t *translation) readTime() {
	for _, name := range []string{"ttm", "dtm"} {
		text := t.parameterText(name)
		if text == "" {
			continue
		}
		moment, ok := parseMillis(text)
		if !ok {
			t.Timestamp = foreign.Quote(text)
			t.InvalidTimestamp = name + " is no number of milliseconds since 1970, up to the year 9999"
			return
		}
		t.Timestamp, t.used[name] = foreign.Quote(event.FormatTime(moment)), true
		if sent, ok := parseMillis(t.parameterText("stm")); ok && name == "dtm" {
			t.SentAt = event.FormatTime(sent)
		}
		return
	}
}

// parseMillis parses the milliseconds since 1970 of a time that an event may have.
func parseMillis(text string) (time.Time, bool) {
	const digits = 15 // of the last millisecond of 9999
	if text == "" || len(text) > digits {
		return time.Time{}, false
	}
	var n int64
	for _, c := range []byte(text) {
		if c < '0' || c > '9' {
			return time.Time{}, false
		}
		n = 10*n + int64(c-'0')
	}
	moment := time.UnixMilli(n).UTC()
	return moment, moment.Year() <= 9999
}

// readType reads category and name.
func (t *translation) readType(described document) {
	switch e := t.parameterText("e"); e {
	case structured:
		t.Category, t.Name = foreign.JSON(t.parameters.Member("se_ca")), foreign.JSON(t.parameters.Member("se_ac"))
		t.used["se_ca"], t.used["se_ac"] = t.Category != nil, t.Name != nil
		t.Missing["category"] = "category is missing: it is the parameter se_ca of a structured event"
		t.Missing["name"] = "name is missing: it is the parameter se_ac of a structured event"
	case selfDescribing:
		t.Category, t.Name = foreign.Quote(described.vendor), foreign.Quote(described.name)
		t.Missing["category"] = "category is missing: it is the vendor in the schema of a self-describing event"
		t.Missing["name"] = "name is missing: it is the name in the schema of a self-describing event"
	default:
		if name, ok := protocolNames[e]; ok {
			t.Category, t.Name = foreign.Quote(vendor), foreign.Quote(name)
			return
		}
		t.Missing["category"] = "category is missing: the parameter e is none of pv, pp, se, ue, tr and ti"
		t.Missing["name"] = "name is missing: the parameter e is none of pv, pp, se, ue, tr and ti"
	}
}

// sessionID returns the session, "" for none.
func (t *translation) sessionID(c session, r event.Receipt) string {
	t.Missing["session_id"] = "session_id is missing: the event has neither sid nor an entity client_session, and the application derives none, or the event names no sender"
	text := t.parameterText("sid")
	if text == "" {
		text = c.id
	}
	sender := t.sender(c)
	id, isUUID := event.ParseUUID(text)
	switch {
	case isUUID:
		t.used["sid"] = t.parameterText("sid") != ""
		return id
	case text != "":
		return foreign.UUID(foreign.SessionNamespace, r.Application, append(sender, text)...)
	case sender == nil || r.MissingSession == event.SessionRequired:
		return ""
	}
	return foreign.UUID(foreign.SessionNamespace, r.Application, sender...)
}

// sender returns the name and the value of the id of who sent the event, nil for none.
func (t *translation) sender(c session) []string {
	for _, id := range [][]string{
		{"duid", t.parameterText("duid")},
		{"client_session", c.user},
		{"tnuid", t.parameterText("tnuid")},
		{"nuid", t.parameterText("nuid")},
		{"uid", t.parameterText("uid")},
		{"tna", t.parameterText("tna")},
	} {
		if id[1] != "" && id[1] != anonymous {
			return id
		}
	}
	return nil
}

// anonymous is the user id that all trackers send which must not identify their users.
var anonymous = uuid.Nil.String()

// data returns the data of the event.
func (t *translation) data(described, contexts document) []byte {
	var data foreign.Object
	for name, v := range t.parameters.Members() {
		switch {
		case t.used[name]:
		case name == described.parameter:
			data.Add(foreign.Quote(memberEvent), described.text)
		case name == contexts.parameter:
			data.Add(foreign.Quote(memberContexts), contexts.text)
		case isNumber[name] && isNumeric(v.Text()):
			data.Add(v.AppendName(nil), []byte(v.Text()))
		default:
			data.AddMember(v)
		}
	}
	return data.Text()
}

// isNumeric reports whether text is a number of JSON that an event may have.
func isNumeric(text string) bool {
	return text != "" && len(text) <= event.MaxNumberBytes && jsontext.Value(text).IsValid() &&
		jsontext.Value(text).Kind() == '0' && event.ValidNumber([]byte(text))
}
