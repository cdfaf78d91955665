package httpapi

import (
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
)

// minCompressed is the size in bytes from which an answer is compressed: a
// smaller one fits into a packet as it is.
const minCompressed = 1400

// compressors are gzip writers at rest. Each has about a megabyte; one is in use
// for a request that has a slot.
var compressors = sync.Pool{New: func() any { return gzip.NewWriter(nil) }}

// wantsGzip reports whether a client prefers gzip to the plain answer, by
// Accept-Encoding (RFC 9110, section 12.5.3).
func wantsGzip(h http.Header) bool {
	zipped, plain, others := -1.0, -1.0, -1.0
	for _, line := range h["Accept-Encoding"] {
		for item := range strings.SplitSeq(line, ",") {
			coding, weight, ok := parseCoding(item)
			if !ok {
				continue
			}
			switch coding {
			case "gzip", "x-gzip":
				zipped = max(zipped, weight)
			case "identity":
				plain = weight
			case "*":
				others = weight
			}
		}
	}
	if zipped < 0 {
		zipped = others
	}
	return zipped > 0 && zipped >= plain
}

// parseCoding parses a coding with its weight, which is 1 unless it has q.
func parseCoding(item string) (coding string, weight float64, ok bool) {
	coding, params, _ := strings.Cut(item, ";")
	weight = 1
	for param := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(param, "=")
		if !strings.EqualFold(strings.TrimSpace(name), "q") {
			continue
		}
		q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil || !(q >= 0 && q <= 1) {
			return "", 0, false
		}
		weight = q
	}
	return strings.ToLower(strings.TrimSpace(coding)), weight, true
}
