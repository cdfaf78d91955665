package foreign

import (
	"net/url"
	"strings"
)

// paramWriteKey is the parameter of a query that carries a write key, and belongs to no
// event.
const paramWriteKey = "write_key"

// EachParameter visits the parameters of a query in the order sent, but for that which
// carries the write key. Names and values are not always UTF-8.
func EachParameter(query string, visit func(name, value string)) {
	for parameter := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(parameter, "=")
		if name = unescape(name); name != paramWriteKey && parameter != "" {
			visit(name, unescape(value))
		}
	}
}

func unescape(text string) string { return PercentDecode(strings.ReplaceAll(text, "+", " ")) }

// PercentDecode decodes the percent-encoded bytes of text once. What only looks like them
// stays: people write "100% Euro%20cotton".
func PercentDecode(text string) string {
	const encoded = len("%20")
	var b strings.Builder
	for {
		at := strings.IndexByte(text, '%')
		if at < 0 || at+encoded > len(text) {
			break
		}
		b.WriteString(text[:at])
		text = text[at:]
		if c, err := url.PathUnescape(text[:encoded]); err == nil {
			b.WriteString(c)
			text = text[encoded:]
		} else {
			b.WriteByte('%')
			text = text[1:]
		}
	}
	return b.String() + text
}
