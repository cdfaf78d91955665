package native_test

import (
	"fmt"
	"strings"

	"pgregory.net/rapid"

	"github.com/theeye/theeye/shared/event/eventtest"
)

// value is a JSON value that can be rendered as many texts.
type value struct {
	scalar string // text of anything but a container and a string
	str    *string
	list   []value
	names  []string // of an object, unique
	object bool
	array  bool
}

// awkward lists characters that JSON, Go, BSON or a browser treat specially.
var awkward = []string{"", "a", "\u00e9", "e\u0301", "漢", "😀", "\x00", "\x1f", "\x7f", "\"", "\\", "/", "<", "\u2028", "\uffff", "\ufffd", "$", ".", "\n"}

func text() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(rapid.SampledFrom(awkward), 0, 4).Draw(t, "characters"), "")
	})
}

// draw draws a value that nests at most depth levels.
func draw(t *rapid.T, label string, depth int) value {
	kind := rapid.IntRange(0, 5).Draw(t, label)
	if depth == 0 && kind > 3 {
		kind = 0
	}
	switch kind {
	case 0:
		return value{scalar: rapid.SampledFrom([]string{"null", "true", "false"}).Draw(t, "literal")}
	case 1, 2:
		s := text().Draw(t, "string")
		return value{str: &s}
	case 3:
		return value{scalar: eventtest.NumberText().Filter(inRange).Draw(t, "number")}
	case 4:
		v := value{array: true}
		for range rapid.IntRange(0, 3).Draw(t, "length") {
			v.list = append(v.list, draw(t, "element", depth-1))
		}
		return v
	}
	return drawObject(t, depth)
}

func drawObject(t *rapid.T, depth int) value {
	v := value{object: true}
	v.names = rapid.SliceOfNDistinct(text(), 0, 5, rapid.ID[string]).Draw(t, "names")
	for range v.names {
		v.list = append(v.list, draw(t, "member", depth-1))
	}
	return v
}

// render returns a text of v. Unless plain, the order of members, white space and
// escapes are random.
func (v value) render(t *rapid.T, plain bool) string {
	var b strings.Builder
	v.write(t, &b, plain)
	return b.String()
}

func (v value) write(t *rapid.T, b *strings.Builder, plain bool) {
	space := func() {
		if !plain {
			b.WriteString(rapid.SampledFrom([]string{"", " ", "\n\t", "\r\n"}).Draw(t, "space"))
		}
	}
	space()
	defer space()
	switch {
	case v.str != nil:
		writeString(t, b, *v.str, plain)
	case v.array:
		b.WriteByte('[')
		for i, e := range v.list {
			if i > 0 {
				b.WriteByte(',')
			}
			e.write(t, b, plain)
		}
		b.WriteByte(']')
	case v.object:
		v.writeMembers(t, b, plain, space)
	default:
		b.WriteString(v.scalar)
	}
}

func (v value) writeMembers(t *rapid.T, b *strings.Builder, plain bool, space func()) {
	order := make([]int, len(v.list))
	for i := range order {
		order[i] = i
	}
	if !plain {
		order = rapid.Permutation(order).Draw(t, "order")
	}
	b.WriteByte('{')
	for i, k := range order {
		if i > 0 {
			b.WriteByte(',')
		}
		space()
		writeString(t, b, v.names[k], plain)
		space()
		b.WriteByte(':')
		v.list[k].write(t, b, plain)
	}
	space()
	b.WriteByte('}')
}

// writeString escapes the characters that need it, and others at random.
func writeString(t *rapid.T, b *strings.Builder, s string, plain bool) {
	b.WriteByte('"')
	for _, r := range s {
		must := r < ' ' || r == '"' || r == '\\'
		switch {
		case !must && (plain || rapid.Bool().Draw(t, "raw")):
			b.WriteRune(r)
		case r > 0xffff:
			r -= 0x10000
			fmt.Fprintf(b, `\u%04x\u%04X`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		case r == '/' || r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n' && !plain:
			b.WriteString(`\n`)
		default:
			fmt.Fprintf(b, `\u%04x`, r)
		}
	}
	b.WriteByte('"')
}
