package columns

import (
	"math"
	"slices"
)

// Codes are the codes of rows, in 1, 2 or 4 bytes each: as few as the largest needs. They
// are read-only. The zero value has no rows.
type Codes struct {
	bytes  []uint8
	shorts []uint16
	longs  []uint32
}

// PackCodes returns codes in as few bytes as they need. It does not keep the slice.
func PackCodes(codes []uint32) Codes {
	largest := uint32(0)
	for _, code := range codes {
		largest = max(largest, code)
	}
	switch {
	case largest <= math.MaxUint8:
		return Codes{bytes: narrowCodes[uint8](codes)}
	case largest <= math.MaxUint16:
		return Codes{shorts: narrowCodes[uint16](codes)}
	}
	return Codes{longs: slices.Clone(codes)}
}

func narrowCodes[C uint8 | uint16](codes []uint32) []C {
	narrow := make([]C, len(codes))
	for i, code := range codes {
		narrow[i] = C(code)
	}
	return narrow
}

// Len returns the number of rows.
func (c Codes) Len() int { return len(c.bytes) + len(c.shorts) + len(c.longs) }

// CodeAt returns the code of a row. Loops over many rows are faster by Read or Gather.
func (c Codes) CodeAt(row int) uint32 {
	switch {
	case c.bytes != nil:
		return uint32(c.bytes[row])
	case c.shorts != nil:
		return uint32(c.shorts[row])
	}
	return c.longs[row]
}

// Read sets dst to the codes of as many rows, from first on.
func (c Codes) Read(dst []uint32, first int) {
	switch {
	case len(dst) == 0:
	case c.bytes != nil:
		widenCodes(dst, c.bytes[first:])
	case c.shorts != nil:
		widenCodes(dst, c.shorts[first:])
	default:
		copy(dst, c.longs[first:first+len(dst)])
	}
}

func widenCodes[C uint8 | uint16](dst []uint32, codes []C) {
	codes = codes[:len(dst)]
	for i, code := range codes {
		dst[i] = uint32(code)
	}
}

// Gather sets dst, which is as long as rows, to the codes of rows.
func (c Codes) Gather(dst, rows []uint32) {
	switch {
	case c.bytes != nil:
		gatherCodes(dst, c.bytes, rows)
	case c.shorts != nil:
		gatherCodes(dst, c.shorts, rows)
	default:
		gatherCodes(dst, c.longs, rows)
	}
}

func gatherCodes[C uint8 | uint16 | uint32](dst []uint32, codes []C, rows []uint32) {
	dst = dst[:len(rows)]
	for i, row := range rows {
		dst[i] = uint32(codes[row])
	}
}

// unpackCodes returns the codes of all rows in memory of their own.
func (c Codes) unpackCodes() []uint32 {
	codes := make([]uint32, c.Len())
	c.Read(codes, 0)
	return codes
}

func (c Codes) countBytes() int { return len(c.bytes) + 2*len(c.shorts) + 4*len(c.longs) }
