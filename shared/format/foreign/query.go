package foreign

import (
	"net/url"
	"strings"
	"unicode/utf8"
)

// paramWriteKey is the parameter of a query that carries a write key, and belongs to no
// event.
const paramWriteKey = "write_key"

// EachParameter visits the parameters of a query in the order sent, but for that which
// carries the write key. A name or a value that is not UTF-8 stays percent-encoded.
func EachParameter(query string, visit func(name, value string)) {
	for parameter := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(parameter, "=")
		if name = unescape(name); name != paramWriteKey && parameter != "" {
			visit(name, unescape(value))
		}
	}
}

func unescape(text string) string {
	if decoded, err := url.QueryUnescape(text); err == nil && utf8.ValidString(decoded) {
		return decoded
	}
	return text
}
