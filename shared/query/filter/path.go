package filter

import (
	"strconv"
	"unicode"
)

// Path leads from a value to values below it.
type Path []Segment

// Segment is one step of a Path.
type Segment struct {
	// Name is that of the member. It may be empty where Each is not set.
	Name string
	// Element says that Name also names the element of an array with this index: the
	// segment is digits and was not quoted.
	Element bool
	// Each stands for every element of an array; Name is empty.
	Each bool
}

// Resolve returns the values at the path below v: none where there is no value. many
// says that the path has a [], behind which there may be several.
func (p Path) Resolve(v Value) (values []Value, many bool) {
	for i, s := range p {
		if s.Each {
			return p[i:].appendEach(nil, v), true
		}
		v = s.resolve(v)
	}
	if v.IsMissing() {
		return nil, false
	}
	return []Value{v}, false
}

// Many reports whether the path has a [].
func (p Path) Many() bool {
	for _, s := range p {
		if s.Each {
			return true
		}
	}
	return false
}

// appendEach appends the values at the path below v, which may be missing.
func (p Path) appendEach(dst []Value, v Value) []Value {
	for i, s := range p {
		if !s.Each {
			v = s.resolve(v)
			continue
		}
		if v.kind != KindArray {
			continue // an array of one
		}
		for _, e := range v.tree.values {
			dst = p[i+1:].appendEach(dst, e)
		}
		return dst
	}
	if v.IsMissing() {
		return dst
	}
	return append(dst, v)
}

// resolve returns the value of a segment other than [].
func (s Segment) resolve(v Value) Value {
	if s.Element && v.kind == KindArray {
		i, err := strconv.Atoi(s.Name)
		if err != nil || len(s.Name) > 1 && s.Name[0] == '0' {
			return Value{}
		}
		return v.element(i)
	}
	return v.Member(s.Name)
}

// appendText appends the spelling of a path: that of its segments, each behind a dot
// but [].
func (p Path) appendText(dst []byte) []byte {
	for _, s := range p {
		switch {
		case s.Each:
			dst = append(dst, "[]"...)
		case isBare(s.Name) && isDigits(s.Name) == s.Element:
			dst = append(append(dst, '.'), s.Name...)
		default:
			dst = appendQuoted(append(dst, '.'), s.Name)
		}
	}
	return dst
}

// isBareRune reports whether a segment without quotes may hold a character.
func isBareRune(r rune) bool {
	switch {
	case r < unicode.MaxASCII:
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-'
	}
	return r != unicode.ReplacementChar && unicode.IsLetter(r)
}

func isBare(name string) bool {
	for _, r := range name {
		if !isBareRune(r) {
			return false
		}
	}
	return name != ""
}

func isDigits(name string) bool {
	for i := range len(name) {
		if !isDigit(name[i]) {
			return false
		}
	}
	return name != ""
}
