package native

import (
	"bytes"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/event"
)

// hashContent returns the hash of the canonical form of the event without the
// member at skip, the event_id. Members are sorted by the bytes of their names,
// so that order, white space and escapes do not change the hash.
func (s *scanner) hashContent(skip int32) event.Hash {
	s.form = s.appendCanonical(s.form[:0], 0, skip)
	return event.HashOf(s.form)
}

// hashWith returns the hash of the canonical form that hashContent wrote last, and
// of the value at i. No canonical form has a zero byte.
func (s *scanner) hashWith(i int32) event.Hash {
	s.form = s.appendCanonical(append(s.form, 0), i, 0)
	return event.HashOf(s.form)
}

// appendCanonical appends the canonical form of the value at i, without the
// member at skip.
func (s *scanner) appendCanonical(dst []byte, i, skip int32) []byte {
	n := &s.nodes[i]
	switch n.kind {
	case '{':
		return s.appendSortedObject(dst, i, skip)
	case '[':
		dst = append(dst, '[')
		for k := i + 1; k < n.next; k = s.nodes[k].next {
			if k > i+1 {
				dst = append(dst, ',')
			}
			dst = s.appendCanonical(dst, k, skip)
		}
		return append(dst, ']')
	}
	return s.appendScalar(dst, i)
}

// appendSortedObject appends an object in the order of its names. All levels of
// nesting share one stack for their orders.
func (s *scanner) appendSortedObject(dst []byte, i, skip int32) []byte {
	base := len(s.order)
	for k := i + 1; k < s.nodes[i].next; k = s.nodes[k+1].next {
		if k+1 != skip {
			s.order = append(s.order, k)
		}
	}
	return s.appendOrdered(dst, base, skip)
}

// appendOrdered appends an object of the members on the stack from base on, which
// it sorts and removes.
func (s *scanner) appendOrdered(dst []byte, base int, skip int32) []byte {
	end := len(s.order)
	slices.SortFunc(s.order[base:], func(a, b int32) int { return bytes.Compare(s.tokenText(a), s.tokenText(b)) })
	dst = append(dst, '{')
	for o := base; o < end; o++ {
		if o > base {
			dst = append(dst, ',')
		}
		k := s.order[o]
		dst = append(s.appendScalar(dst, k), ':')
		dst = s.appendCanonical(dst, k+1, skip)
	}
	s.order = s.order[:base]
	return append(dst, '}')
}

// appendScalar appends a value that is not a container in its only form: a
// number as both stores keep it, a string without needless escapes.
func (s *scanner) appendScalar(dst []byte, i int32) []byte {
	n := &s.nodes[i]
	text := s.tokenText(i)
	switch {
	case n.kind == '0':
		return event.AppendNumber(dst, text)
	case n.kind != '"':
		return append(dst, text...)
	case n.broken:
		return appendQuotedHalves(dst, text)
	case n.unescaped:
		dst, _ = jsontext.AppendQuote(dst, text) // the scan checked the UTF-8
		return dst
	}
	dst = append(dst, '"')
	dst = append(dst, text...)
	return append(dst, '"')
}

// appendValue appends the value at i with its members in the order sent, numbers
// and strings in their only form, and no white space.
func (s *scanner) appendValue(dst []byte, i int32) []byte {
	n := &s.nodes[i]
	switch n.kind {
	case '{':
		dst = append(dst, '{')
		for k := i + 1; k < n.next; k = s.nodes[k+1].next {
			if k > i+1 {
				dst = append(dst, ',')
			}
			dst = append(s.appendScalar(dst, k), ':')
			dst = s.appendValue(dst, k+1)
		}
		return append(dst, '}')
	case '[':
		dst = append(dst, '[')
		for k := i + 1; k < n.next; k = s.nodes[k].next {
			if k > i+1 {
				dst = append(dst, ',')
			}
			dst = s.appendValue(dst, k)
		}
		return append(dst, ']')
	}
	return s.appendScalar(dst, i)
}
