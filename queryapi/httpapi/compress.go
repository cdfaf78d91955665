package httpapi

import (
	"sync"

	"github.com/klauspost/compress/gzip"
)

// minCompressed is the size in bytes from which an answer is compressed: a
// smaller one fits into a packet as it is.
const minCompressed = 1400

// compressors are gzip writers at rest. Each has about a megabyte; one is in use
// for a request that has a slot.
var compressors = sync.Pool{New: func() any { return gzip.NewWriter(nil) }}
