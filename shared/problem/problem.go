package problem

import (
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// ContentType is the media type of a problem.
const ContentType = "application/problem+json"

// Write answers with a problem: the status, a stable code, and one sentence
// for people, and extension members. Headers that belong to the answer, such
// as Retry-After, are set before. Text that is not UTF-8 comes out with U+FFFD
// in its place. An error of the connection is nobody's to handle and is
// dropped.
func Write(w http.ResponseWriter, status int, code, detail string, members ...Member) {
	h := w.Header()
	SetHeaders(h)
	h.Set("Content-Type", ContentType)
	h.Del("Content-Length")
	b := Append(nil, status, code, detail, members...)
	w.WriteHeader(status)
	_, _ = w.Write(b)
}

// SetHeaders sets the headers of every answer of the APIs, problem or not:
// nothing is cached, and nothing is taken for another type than it says.
func SetHeaders(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
}

// Append appends the body of a problem to dst.
func Append(dst []byte, status int, code, detail string, members ...Member) []byte {
	title := http.StatusText(status)
	if title == "" {
		title = "Error"
	}
	dst = append(dst, `{"type":"about:blank","title":`...)
	dst = quote(dst, title)
	dst = append(dst, `,"status":`...)
	dst = strconv.AppendInt(dst, int64(status), 10)
	dst = append(dst, `,"code":`...)
	dst = quote(dst, code)
	dst = append(dst, `,"detail":`...)
	dst = quote(dst, detail)
	for _, m := range members {
		dst = append(dst, ',')
		dst = quote(dst, m.Name)
		dst = append(dst, ':')
		dst = append(dst, m.Value...)
	}
	return append(dst, '}', '\n')
}

func quote(dst []byte, s string) []byte {
	dst, _ = jsontext.AppendQuote(dst, s) // only reports what it replaced
	return dst
}
