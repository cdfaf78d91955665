package columns

import "math/bits"

// Bitmap is a set of rows: row i is bit i%64 of word i/64. A nil Bitmap stands for all
// rows where a field says so.
type Bitmap []uint64

// NewBitmap returns an empty set with room for so many rows.
func NewBitmap(rows int) Bitmap { return make(Bitmap, (rows+63)/64) }

// Set adds a row.
func (b Bitmap) Set(row int) { b[row>>6] |= 1 << (row & 63) }

// Clear removes a row.
func (b Bitmap) Clear(row int) { b[row>>6] &^= 1 << (row & 63) }

// Has reports whether a row is in the set.
func (b Bitmap) Has(row int) bool { return b[row>>6]>>(row&63)&1 != 0 }

// Count returns the number of rows.
func (b Bitmap) Count() int {
	n := 0
	for _, word := range b {
		n += bits.OnesCount64(word)
	}
	return n
}
