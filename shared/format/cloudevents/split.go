package cloudevents

import (
	"bytes"
	"encoding/base64"
	"maps"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/format/foreign"
	"github.com/theeye/theeye/shared/format/native"
)

// headerPrefix begins the names of the headers that are attributes.
const headerPrefix = "Ce-"

// Split implements format.Format. The content type decides between structured mode
// and a batch, and where it says neither, the header ce-specversion stands for binary
// mode; else the first character of the body decides.
func (Format) Split(r *http.Request, body []byte, maxEvents int) (event.Batch, error) {
	if IsBinary(r.Header) {
		return event.Batch{Items: []event.Item{binaryItem(r.Header, body)}}, nil
	}
	text := bytes.Trim(bytes.TrimPrefix(body, []byte("\uFEFF")), " \t\r\n")
	switch {
	case len(text) == 0:
		return event.Batch{}, event.ErrEmptyBody
	case text[0] == '[':
		return native.Split(text, false, maxEvents)
	case text[0] != '{':
		return event.Batch{}, &event.SyntaxError{Reason: "the body is neither a CloudEvent in JSON nor an array of them, and no header ce-specversion says that it is data"}
	}
	return event.Batch{Items: []event.Item{{Raw: text}}}, nil
}

// IsBinary reports whether a request is in binary mode: its body is the data of an event,
// of any kind.
func IsBinary(h http.Header) bool {
	media, _, _ := mime.ParseMediaType(h.Get("Content-Type"))
	return h.Get(headerPrefix+"Specversion") != "" && !strings.HasPrefix(media, "application/cloudevents")
}

// binaryItem returns the item of a request in binary mode: the event in structured
// mode, with its attributes by name.
func binaryItem(h http.Header, body []byte) event.Item {
	media, parameters, _ := mime.ParseMediaType(h.Get("Content-Type"))
	var o foreign.Object
	values := map[string]string{}
	for name, header := range h {
		if attribute, ok := strings.CutPrefix(name, headerPrefix); ok && len(header) > 0 {
			values[strings.ToLower(attribute)] = headerValue(header[0])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if name == "data" || name == "data_base64" || name == "datacontenttype" || name == "" {
			continue // these are the body and its content type
		}
		o.Add(foreign.QuoteText(name), foreign.QuoteText(values[name]))
	}
	item := event.Item{}
	if contentType := h.Get("Content-Type"); contentType != "" {
		o.Add(foreign.QuoteText("datacontenttype"), foreign.QuoteText(contentType))
	}
	isJSON := media == "" || media == "application/json" || media == "text/json" || strings.HasSuffix(media, "+json")
	text := bytes.TrimPrefix(body, []byte("\uFEFF"))
	switch {
	case len(body) == 0:
	case isJSON && jsontext.Value(text).IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)):
		o.Add(foreign.QuoteText("data"), text)
	case isJSON && media != "":
		item.Refusal = &event.Refusal{Code: event.CodeInvalidJSON, Message: "the body is not valid JSON, though its content type says so"}
	case isText(parameters["charset"], body):
		o.Add(foreign.QuoteText("data"), foreign.QuoteText(string(body)))
	default:
		o.Add(foreign.QuoteText("data_base64"), foreign.QuoteText(base64.StdEncoding.EncodeToString(body)))
	}
	item.Raw = o.Text()
	return item
}

// isText reports whether a body in a charset is text as it is. In some other charsets a
// body is valid UTF-8, too, and another text.
func isText(charset string, body []byte) bool {
	switch charset = strings.ToLower(charset); {
	case charset == "", charset == "utf-8", charset == "utf8", charset == "us-ascii":
		return utf8.Valid(body)
	case strings.HasPrefix(charset, "iso-8859-"), strings.HasPrefix(charset, "windows-125"):
		return !bytes.ContainsFunc(body, func(c rune) bool { return c >= utf8.RuneSelf }) // which they share
	}
	return false
}

// quotedPair is a character that is quoted in a quoted string (RFC 9110, 5.6.4).
var quotedPair = regexp.MustCompile(`\\(.)`)

// headerValue returns the value of an attribute from that of its header, which is
// percent-encoded, and may be quoted.
func headerValue(text string) string {
	if len(text) > 1 && text[0] == '"' && text[len(text)-1] == '"' {
		text = quotedPair.ReplaceAllString(text[1:len(text)-1], "$1")
	}
	return foreign.PercentDecode(text)
}
