package analytics

import (
	"hash/maphash"
	"strings"

	"github.com/theeye/theeye/shared/query/filter"
)

// textIndex finds the codes of texts among values, in a few bytes each: a map would take
// as much as the values. Codes are from 1. It is for one goroutine.
type textIndex struct {
	// slots has the code of a text at the place that its hash says, or at the first free one
	// behind; 0 is free. Its length is a power of two.
	slots []uint32
	count int
	// chunk holds the texts that were added last.
	chunk strings.Builder
}

// textSeed is that of the hashes of all indexes.
var textSeed = maphash.MakeSeed()

// chunkBytes is how much memory holds added texts at once.
const chunkBytes = 32 << 10

// findCode returns the code of a text, 0 if it is not there.
func (x *textIndex) findCode(values []filter.Value, text string) uint32 {
	if len(x.slots) == 0 {
		return 0
	}
	return x.slots[x.slotOf(values, text)]
}

// slotOf returns the place of a text, or the free one where it belongs.
func (x *textIndex) slotOf(values []filter.Value, text string) int {
	mask := len(x.slots) - 1
	for at := int(maphash.String(textSeed, text)) & mask; ; at = (at + 1) & mask {
		code := x.slots[at]
		if code == 0 {
			return at
		}
		if held, _ := values[code].TextValue(); held == text {
			return at
		}
	}
}

// addCode notes the code of a text that is not there, which is among values.
func (x *textIndex) addCode(values []filter.Value, code uint32) {
	if 4*x.count >= 3*len(x.slots) {
		x.grow(values)
	}
	text, _ := values[code].TextValue()
	x.slots[x.slotOf(values, text)] = code
	x.count++
}

func (x *textIndex) grow(values []filter.Value) {
	old := x.slots
	x.slots = make([]uint32, max(64, 2*len(old)))
	for _, code := range old {
		if code != 0 {
			text, _ := values[code].TextValue()
			x.slots[x.slotOf(values, text)] = code
		}
	}
}

// copyText returns a copy of a text in the memory of the index.
func (x *textIndex) copyText(text string) string {
	if len(text) > chunkBytes/8 {
		return strings.Clone(text)
	}
	if x.chunk.Len()+len(text) > x.chunk.Cap() { // texts keep the memory of the full one
		x.chunk.Reset()
		x.chunk.Grow(chunkBytes)
	}
	start := x.chunk.Len()
	x.chunk.WriteString(text)
	return x.chunk.String()[start:]
}
