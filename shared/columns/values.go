package columns

import (
	"iter"
	"math"
	"strings"

	"github.com/theeye/theeye/shared/query/filter"
)

// Values are the distinct values of a column by code; code 0 is the missing value. Texts,
// and numbers, stand one behind the other in one piece of memory. They are read-only, and
// share their memory with the values that ValueOf returns. The zero value has none.
type Values struct {
	// offsets are those of the values in text, one more than there are values.
	offsets []uint32
	text    string
	// doubles are the nearest doubles of numbers; nil for texts.
	doubles []float64
	// list holds the values instead where they are of other kinds, or of several.
	list []filter.Value
}

// PackValues returns values, of which the first is missing, and no other. It may keep the
// slice.
func PackValues(values []filter.Value) Values {
	size, kind := uint64(0), filter.KindText
	if len(values) > 1 {
		kind = values[1].Kind()
	}
	if kind != filter.KindText && kind != filter.KindNumber {
		return Values{list: values}
	}
	for _, v := range values[min(1, len(values)):] {
		text, _ := spellingOf(v)
		if size += uint64(len(text)); v.Kind() != kind || size > math.MaxUint32 {
			return Values{list: values}
		}
	}
	packed := Values{offsets: append(make([]uint32, 0, len(values)+1), 0)}
	var all strings.Builder
	all.Grow(int(size))
	for _, v := range values {
		text, double := spellingOf(v)
		all.WriteString(text)
		packed.offsets = append(packed.offsets, uint32(all.Len()))
		if kind == filter.KindNumber {
			packed.doubles = append(packed.doubles, double)
		}
	}
	packed.text = all.String()
	return packed
}

// ListValues returns values as they are; the first is missing. It keeps the slice.
func ListValues(values []filter.Value) Values { return Values{list: values} }

// spellingOf returns a text, or the spelling and the double of a number.
func spellingOf(v filter.Value) (text string, double float64) {
	if text, ok := v.TextValue(); ok {
		return text, 0
	}
	text, _ = v.NumberText()
	double, _ = v.Float()
	return text, double
}

// Len returns the number of values, the missing one among them.
func (v *Values) Len() int {
	if v.list != nil {
		return len(v.list)
	}
	return max(len(v.offsets)-1, 0)
}

// ValueOf returns the value of a code.
func (v *Values) ValueOf(code uint32) filter.Value {
	if v.list != nil {
		return v.list[code]
	}
	if code == 0 {
		return filter.Value{}
	}
	text := v.text[v.offsets[code]:v.offsets[code+1]]
	if v.doubles != nil {
		return filter.ParsedNumber(text, v.doubles[code])
	}
	return filter.Text(text)
}

// All yields the codes with their values, in order.
func (v *Values) All() iter.Seq2[uint32, filter.Value] {
	return func(yield func(uint32, filter.Value) bool) {
		for code := range uint32(v.Len()) {
			if !yield(code, v.ValueOf(code)) {
				return
			}
		}
	}
}

// Find returns the code of a value; ok is false if it is not there. It looks at each.
func (v *Values) Find(want filter.Value) (found uint32, ok bool) {
	for code, value := range v.All() {
		if value.Equal(want) {
			return code, true
		}
	}
	return 0, false
}

// Own returns a value that shares no memory with those of other codes: to be kept for longer
// than the column.
func (v *Values) Own(code uint32) filter.Value {
	value := v.ValueOf(code)
	if v.list != nil || code == 0 {
		return value
	}
	text, double := spellingOf(value)
	if v.doubles != nil {
		return filter.ParsedNumber(strings.Clone(text), double)
	}
	return filter.Text(strings.Clone(text))
}

// unpack returns the values as a list of its own.
func (v *Values) unpack() []filter.Value {
	values := make([]filter.Value, 0, v.Len())
	for _, value := range v.All() {
		values = append(values, value)
	}
	return values
}

func (v *Values) countBytes() int {
	size := 4*len(v.offsets) + len(v.text) + 8*len(v.doubles)
	for _, value := range v.list {
		size += valueSize(value)
	}
	return size
}
