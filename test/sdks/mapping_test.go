package sdks

import (
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"strings"
	"time"

	"github.com/google/uuid"
)

// application is that of the write key.
const application = "demo"

// The namespaces that docs/adapters.md names.
var (
	eventNamespace   = uuid.MustParse("2d2b0902-c28b-4294-8077-7cf7dfaa19f7")
	sessionNamespace = uuid.MustParse("7d170c8e-6260-46f4-a3c5-9eaf4d8a3b4d")
)

// derivedID returns the UUID of the parts of an id.
func derivedID(namespace uuid.UUID, parts ...string) string {
	return uuid.NewSHA1(namespace, []byte(strings.Join(append([]string{application}, parts...), "\x00"))).String()
}

type object = map[string]any

// text returns a member that is a text or a number, "" for any other.
func text(o object, name string) string {
	switch v := o[name].(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}

func parseTime(o object, name string) (time.Time, error) {
	at, err := time.Parse(time.RFC3339Nano, text(o, name))
	return at.UTC().Truncate(time.Microsecond), err
}

// fromSegment returns the documents of a request in the format of Segment.
func fromSegment(r request, mark string) ([]document, error) {
	var body object
	if err := decode(r.body, &body); err != nil {
		return nil, err
	}
	messages, isBatch := body["batch"].([]any)
	if !isBatch {
		messages = []any{body}
	}
	var all []document
	for _, m := range messages {
		message := maps.Clone(m.(object)) //nolint:forcetypeassert // an SDK sends nothing else, or the test fails
		if line, _ := json.Marshal(message); !strings.Contains(string(line), mark) {
			continue // of another round
		}
		if under, ok := body["context"].(object); ok && isBatch {
			merged := maps.Clone(under)
			own, _ := message["context"].(object)
			maps.Copy(merged, own)
			message["context"] = merged
		}
		d, err := segmentDocument(message)
		if err != nil {
			return nil, fmt.Errorf("%w in %v", err, message)
		}
		all = append(all, d)
	}
	return all, nil
}

func segmentDocument(message object) (d document, err error) {
	d = document{Status: "stored", Category: text(message, "type"), Name: text(message, "type")}
	data := maps.Clone(message)
	if d.Category == "track" {
		d.Name = text(message, "event")
		delete(data, "event")
	}
	stamp := "timestamp"
	if text(message, stamp) == "" {
		stamp = "originalTimestamp"
	}
	if d.Timestamp, err = parseTime(message, stamp); err != nil {
		return d, err
	}
	if d.EventID = text(message, "messageId"); uuid.Validate(d.EventID) == nil {
		delete(data, "messageId")
	} else {
		d.EventID = derivedID(eventNamespace, d.EventID)
	}
	sender := []string{"anonymousId", text(message, "anonymousId")}
	if sender[1] == "" {
		sender = []string{"userId", text(message, "userId")}
	}
	context, _ := message["context"].(object)
	d.SessionID = text(context, "sessionId")
	switch {
	case d.SessionID == "":
		d.SessionID = derivedID(sessionNamespace, sender...)
	case uuid.Validate(d.SessionID) != nil:
		d.SessionID = derivedID(sessionNamespace, append(sender, d.SessionID)...)
	}
	for _, name := range []string{"type", "sentAt", "writeKey", stamp} {
		delete(data, name)
	}
	dropRetryCount(data)
	d.Data = data
	return d, nil
}

// fromCloudEvents returns the documents of a request with CloudEvents.
func fromCloudEvents(r request, mark string) ([]document, error) {
	typ, _, _ := mime.ParseMediaType(r.header.Get("Content-Type"))
	var events []object
	switch typ {
	case "application/cloudevents-batch+json":
		if err := decode(r.body, &events); err != nil {
			return nil, err
		}
	case "application/cloudevents+json":
		var e object
		if err := decode(r.body, &e); err != nil {
			return nil, err
		}
		events = append(events, e)
	default:
		e := object{"datacontenttype": r.header.Get("Content-Type")}
		for name := range r.header {
			if attribute, ok := strings.CutPrefix(strings.ToLower(name), "ce-"); ok {
				e[attribute] = r.header.Get(name)
			}
		}
		var data any
		if err := decode(r.body, &data); err != nil {
			return nil, err
		}
		e["data"] = data
		events = append(events, e)
	}
	var all []document
	for _, e := range events {
		d, err := cloudEventsDocument(e)
		if err != nil {
			return nil, fmt.Errorf("%w in %v", err, e)
		}
		if strings.Contains(text(e, "source"), mark) {
			all = append(all, d)
		}
	}
	return all, nil
}

func cloudEventsDocument(e object) (d document, err error) {
	d = document{Status: "stored", Category: "cloudevents", Name: text(e, "type")}
	if i := strings.LastIndex(d.Name, "."); i >= 0 {
		d.Category, d.Name = d.Name[:i], d.Name[i+1:]
	}
	if d.Timestamp, err = parseTime(e, "time"); err != nil {
		return d, err
	}
	d.EventID = derivedID(eventNamespace, text(e, "source"), text(e, "id"))
	data := maps.Clone(e)
	switch session := text(e, "sessionid"); {
	case session == "":
		d.SessionID = derivedID(sessionNamespace, "subject", text(e, "source"), text(e, "subject"))
	case uuid.Validate(session) != nil:
		d.SessionID = derivedID(sessionNamespace, "sessionid", session)
	default:
		d.SessionID = session
		delete(data, "sessionid")
	}
	for _, name := range []string{"type", "time", "specversion"} {
		delete(data, name)
	}
	d.Data = data
	return d, nil
}
