package schema

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// hashPrefix names the algorithm in every hash.
const hashPrefix = "hmac-sha256:"

// hasher hashes values of one application. Equal values of one application have
// equal hashes, so that they can be counted and joined; those of two applications
// do not.
type hasher struct {
	key         []byte // empty when the registry has none
	application string
}

// hashValue returns the JSON string `"hmac-sha256:<64 hexadecimal digits>"` of
// HMAC-SHA-256(key, application + 0x00 + canonical text of the value).
func (h hasher) hashValue(value []byte) (string, error) {
	if len(h.key) == 0 {
		return "", errNoKey
	}
	text, err := appendCanonical(append([]byte(h.application), 0), value)
	if err != nil {
		return "", fmt.Errorf("canonical form: %w", err)
	}
	mac := hmac.New(sha256.New, h.key)
	mac.Write(text)
	return `"` + hashPrefix + hex.EncodeToString(mac.Sum(nil)) + `"`, nil
}

// appendCanonical appends the canonical form of a value that is cut from the
// Data of an event. White space, numbers and strings are canonical there already;
// only the members have to be sorted.
func appendCanonical(dst, value []byte) ([]byte, error) {
	if len(value) == 0 || value[0] != '{' && value[0] != '[' {
		return append(dst, value...), nil
	}
	dec := jsontext.NewDecoder(bytes.NewBuffer(value), jsontext.AllowDuplicateNames(true))
	if _, err := dec.ReadToken(); err != nil {
		return nil, err
	}
	if value[0] == '{' {
		return appendSorted(dst, dec)
	}
	dst = append(dst, '[')
	for first := true; dec.PeekKind() != ']'; first = false {
		element, err := dec.ReadValue()
		if err != nil {
			return nil, err
		}
		if !first {
			dst = append(dst, ',')
		}
		if dst, err = appendCanonical(dst, element); err != nil {
			return nil, err
		}
	}
	return append(dst, ']'), nil
}

// appendSorted appends the members of the object that dec is inside of, sorted by
// the bytes of their names.
func appendSorted(dst []byte, dec *jsontext.Decoder) ([]byte, error) {
	type member struct{ name, quoted, value []byte }
	var members []member
	for dec.PeekKind() != '}' {
		quoted, err := dec.ReadValue()
		if err != nil {
			return nil, err
		}
		m := member{quoted: bytes.Clone(quoted)} // the next call overwrites it
		if m.name, err = jsontext.AppendUnquote(nil, quoted); err != nil {
			return nil, err
		}
		value, err := dec.ReadValue()
		if err != nil {
			return nil, err
		}
		if m.value, err = appendCanonical(nil, value); err != nil {
			return nil, err
		}
		members = append(members, m)
	}
	slices.SortFunc(members, func(a, b member) int { return bytes.Compare(a.name, b.name) })
	dst = append(dst, '{')
	for i, m := range members {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(append(dst, m.quoted...), ':')
		dst = append(dst, m.value...)
	}
	return append(dst, '}'), nil
}
