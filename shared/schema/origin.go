package schema

import (
	"bytes"
	"fmt"
	"math"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// RevisionMember is the member of a file that says from which revision a schema
// was taken. It is no part of the schema: CutRevision removes it before the schema
// is put, and the registry refuses it.
const RevisionMember = extension + "revision"

// AddRevision returns the text of a schema, formatted for people, with the
// revision it was taken from as first member. A text that is no object is returned
// formatted, without it.
func AddRevision(raw []byte, revision uint64) ([]byte, error) {
	text := jsontext.Value(bytes.Clone(raw))
	if text.Kind() == '{' {
		rest := bytes.TrimSpace(text)[1:]
		comma := ","
		if bytes.HasPrefix(bytes.TrimSpace(rest), []byte("}")) {
			comma = ""
		}
		text = append([]byte(`{"`+RevisionMember+`":`+strconv.FormatUint(revision, 10)+comma), rest...)
	}
	if err := text.Indent(jsontext.WithIndent("  ")); err != nil {
		return nil, fmt.Errorf("format the schema: %w", err)
	}
	return append(text, '\n'), nil
}

// CutRevision returns the text of a schema without RevisionMember, all other bytes
// unchanged, and the revision, 0 without the member. A text that is not JSON is
// returned as it is: its faults are found where it is read. The error is that of a
// member that is no revision.
func CutRevision(raw []byte) (rest []byte, revision uint64, err error) {
	d := jsontext.NewDecoder(bytes.NewBuffer(raw), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if token, err := d.ReadToken(); err != nil || token.Kind() != '{' {
		return raw, 0, nil //nolint:nilerr // its faults are found where it is read
	}
	for before := d.InputOffset(); d.PeekKind() == '"'; before = d.InputOffset() {
		name, err := d.ReadToken()
		if err != nil {
			return raw, 0, nil //nolint:nilerr // as above
		}
		text := name.String()
		value, err := d.ReadValue()
		if err != nil {
			return raw, 0, nil //nolint:nilerr // as above
		}
		if text != RevisionMember {
			continue
		}
		if revision, err = strconv.ParseUint(string(value), 10, 64); err != nil || revision == 0 || revision > math.MaxInt64 {
			return nil, 0, fmt.Errorf("%s must be the revision that the file was taken from, a number from 1", RevisionMember)
		}
		return cutMember(raw, int(before), int(d.InputOffset())), revision, nil
	}
	return raw, 0, nil
}

// cutMember removes a member between two offsets, with the comma before it or, of
// the first member, the comma behind it.
func cutMember(raw []byte, from, to int) []byte {
	const space = " \t\r\n"
	rest := raw[to:]
	if !bytes.HasPrefix(bytes.TrimLeft(raw[from:to], space), []byte(",")) {
		rest = bytes.TrimPrefix(bytes.TrimLeft(rest, space), []byte(","))
	}
	return append(bytes.Clone(raw[:from]), rest...)
}
