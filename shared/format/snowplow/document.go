package snowplow

import (
	"encoding/base64"
	"strings"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/format/foreign"
	"github.com/theeye/theeye/shared/format/native"
)

// document is what a parameter holds in JSON: the self-describing event, or the
// entities, without the envelope around them.
type document struct {
	// parameter is its name, "" for a document that is absent or cannot be read.
	parameter string
	text      []byte
	// vendor and name are those of the schema of a self-describing event.
	vendor, name string
	session      session
}

// session is what the entity client_session of apps says.
type session struct{ id, user string }

// clientSession returns the session among entities.
func clientSession(contexts document) session { return contexts.session }

// decode decodes the parameter that holds JSON as it is, or else the one that holds it
// in base64. A parameter that cannot be read stays in the data as it was sent, and
// rejects the event.
func (t *translation) decode(member, plain, encoded string) document {
	name := plain
	v := t.parameters.Member(plain)
	if v.Kind() == 0 || v.Kind() == '"' && v.Text() == "" {
		name, v = encoded, t.parameters.Member(encoded)
	}
	if v.Kind() == 0 {
		return document{}
	}
	text := []byte(v.Text())
	switch {
	case v.Kind() == '{':
		text = v.AppendJSON(nil)
	case name == encoded:
		text = decodeBase64(v.Text())
	}
	d, reason := readDocument(text, member)
	if reason != "" {
		t.Faults = append(t.Faults, event.Fault{
			Code: event.CodeInvalidData, Path: event.Pointer("data", name), Message: name + " " + reason,
		})
		return document{}
	}
	d.parameter = name
	return d
}

// readDocument reads a self-describing event or entities, which hold no reference to
// text. reason describes the fault, behind the name of the parameter.
func readDocument(text []byte, member string) (d document, reason string) {
	o, refusal := native.ReadObject(text)
	if refusal != nil {
		return d, "cannot be read as JSON: " + refusal.Message
	}
	defer o.Release()
	content := o.Root().Member("data")
	if v, name, ok := schemaOf(o.Root()); !ok || v != vendor || name != member {
		return d, "has not the schema iglu:" + vendor + "/" + member + "/jsonschema/…"
	}
	if member == memberContexts {
		if content.Kind() != '[' {
			return d, "has no array of entities in its member data"
		}
		d.session = findSession(content)
	} else {
		var ok bool
		if d.vendor, d.name, ok = schemaOf(content); !ok {
			return d, "has no event in its member data whose schema is iglu:vendor/name/format/version"
		}
	}
	d.text = foreign.JSON(content)
	return d, ""
}

// schemaOf returns the vendor and the name of a self-describing value.
func schemaOf(v native.Value) (vendor, name string, ok bool) {
	uri, isIglu := strings.CutPrefix(v.Member("schema").Text(), "iglu:")
	parts := strings.Split(uri, "/")
	const vendorNameFormatVersion = 4
	if !isIglu || len(parts) != vendorNameFormatVersion || parts[0] == "" || parts[1] == "" {
		return "", "", false
	}
	return parts[0], parts[1], true
}

// findSession returns the session of the first entity client_session.
func findSession(entities native.Value) session {
	for entity := range entities.Elements() {
		if v, name, ok := schemaOf(entity); ok && v == vendor && name == "client_session" {
			return session{valueText(entity.Member("data").Member("sessionId")), valueText(entity.Member("data").Member("userId"))}
		}
	}
	return session{}
}

// decodeBase64 decodes either alphabet, with or without padding; nil for other text. A
// plus that a tracker left as it is in a query arrives as a space.
func decodeBase64(text string) []byte {
	text = strings.NewReplacer("-", "+", "_", "/", " ", "+").Replace(strings.TrimRight(text, "="))
	decoded, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return nil
	}
	return decoded
}
