package analytics

import (
	"slices"

	"github.com/theeye/theeye/shared/columns"
)

// forEachCodes calls do with the codes of the first n rows, a block at a time: those from
// the row first on. A block is valid until do returns.
func forEachCodes(codes columns.Codes, n int, do func(first int, codes []uint32)) {
	buffer := make([]uint32, min(n, blockRows))
	for first := 0; first < n; first += blockRows {
		block := buffer[:min(blockRows, n-first)]
		codes.Read(block, first)
		do(first, block)
	}
}

// forEachTimes is forEachCodes for times.
func forEachTimes(times *columns.Times, n int, do func(first int, times []int64)) {
	buffer := make([]int64, min(n, blockRows))
	for first := 0; first < n; first += blockRows {
		block := buffer[:min(blockRows, n-first)]
		times.Read(block, first)
		do(first, block)
	}
}

// readTimes returns the times of the first n rows in a buffer, which keeps its memory for
// the next part. They are valid until it is used again.
func readTimes(times *columns.Times, n int, buffer *[]int64) []int64 {
	*buffer = slices.Grow((*buffer)[:0], n)[:n]
	times.Read(*buffer, 0)
	return *buffer
}

// readCodes is readTimes for codes.
func readCodes(codes columns.Codes, n int, buffer *[]uint32) []uint32 {
	*buffer = slices.Grow((*buffer)[:0], n)[:n]
	codes.Read(*buffer, 0)
	return *buffer
}
