package httpserver

import (
	"net/http"
	"strconv"
	"strings"
)

// WantsGzip reports whether a client prefers gzip to the plain answer, by
// Accept-Encoding (RFC 9110, section 12.5.3).
func WantsGzip(h http.Header) bool {
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
