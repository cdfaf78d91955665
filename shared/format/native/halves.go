package native

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/event"
)

// JavaScript cuts strings between UTF-16 code units, so it sends half of a
// surrogate pair now and then: "\ud83d". JSON can escape it, but no text can hold
// it. On the tape it is three bytes in the form of UTF-8 that UTF-8 forbids, so that
// different halves stay different in names and in the content hash.

// The first and the last code of both halves.
const (
	firstHalf = 0xd800
	lastHalf  = 0xdfff
)

// appendUnquotedHalves appends the content of a quoted string, which may escape
// halves of surrogate pairs.
func appendUnquotedHalves(dst, quoted []byte) []byte {
	const escapeLength = len(`\uxxxx`)
	rest := quoted[1 : len(quoted)-1]
	for len(rest) > 0 {
		at := bytes.IndexByte(rest, '\\')
		if at < 0 {
			return append(dst, rest...)
		}
		dst, rest = append(dst, rest[:at]...), rest[at:]
		if rest[1] != 'u' {
			dst, _ = jsontext.AppendUnquote(dst, []byte{'"', rest[0], rest[1], '"'})
			rest = rest[2:]
			continue
		}
		r := unescapeUnit(rest)
		rest = rest[escapeLength:]
		if r >= firstHalf && r <= lastHalf && len(rest) >= escapeLength && rest[0] == '\\' && rest[1] == 'u' {
			if pair := utf16.DecodeRune(r, unescapeUnit(rest)); pair != utf8.RuneError {
				r, rest = pair, rest[escapeLength:]
			}
		}
		if r >= firstHalf && r <= lastHalf {
			dst = append(dst, 0xe0|byte(r>>12), 0x80|byte(r>>6)&0xbf, 0x80|byte(r)&0xbf)
		} else {
			dst = utf8.AppendRune(dst, r)
		}
	}
	return dst
}

// unescapeUnit returns the UTF-16 code unit that text starts with, as an escape.
func unescapeUnit(text []byte) rune {
	unit, _ := strconv.ParseUint(string(text[2:6]), 16, 16) // the scan checked the digits
	return rune(unit)
}

// appendQuotedHalves appends a string with halves of surrogate pairs in its only
// form: they are escaped, in lower case.
func appendQuotedHalves(dst, text []byte) []byte {
	dst = append(dst, '"')
	for len(text) > 0 {
		n := untilHalf(text)
		plain, _ := jsontext.AppendQuote(nil, text[:n])
		dst = append(dst, plain[1:len(plain)-1]...)
		if text = text[n:]; len(text) > 0 {
			unit := uint64(text[0]&0x0f)<<12 | uint64(text[1]&0x3f)<<6 | uint64(text[2]&0x3f)
			dst = strconv.AppendUint(append(dst, `\u`...), unit, 16)
			text = text[3:]
		}
	}
	return append(dst, '"')
}

// replaceHalves returns text with U+FFFD in place of each half.
func replaceHalves(text []byte) string {
	var b strings.Builder
	for len(text) > 0 {
		n := untilHalf(text)
		b.Write(text[:n])
		if text = text[n:]; len(text) > 0 {
			b.WriteRune(utf8.RuneError)
			text = text[3:]
		}
	}
	return b.String()
}

// untilHalf returns the number of bytes before the first half of a surrogate pair.
func untilHalf(text []byte) int {
	for i := 0; i+2 < len(text); i++ {
		if text[i] == 0xed && text[i+1] >= 0xa0 {
			return i
		}
	}
	return len(text)
}

// checkDuplicates refuses the object at i if two members have one name. The decoder
// takes all names with a half of a surrogate pair in one place for equal.
func (s *scanner) checkDuplicates(i int32) *event.Refusal {
	n := &s.nodes[i]
	names := make(map[string]bool, n.count/2)
	for k := i + 1; k < n.next; k = s.nodes[k+1].next {
		name := string(s.tokenText(k))
		if names[name] {
			return refuseDuplicate(name, s.pathOf(i))
		}
		names[name] = true
	}
	return nil
}
