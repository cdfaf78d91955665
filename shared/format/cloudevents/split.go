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
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if r.Header.Get(headerPrefix+"Specversion") != "" && !strings.HasPrefix(media, "application/cloudevents") {
		return event.Batch{Items: []event.Item{binaryItem(r.Header, media, body)}}, nil
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

// binaryItem returns the item of a request in binary mode: the event in structured
// mode, with its attributes by name.
func binaryItem(h http.Header, media string, body []byte) event.Item {
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
	switch isJSON := media == "" || media == "application/json" || media == "text/json" || strings.HasSuffix(media, "+json"); {
	case len(body) == 0:
	case isJSON && jsontext.Value(body).IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)):
		o.Add(foreign.QuoteText("data"), body)
	case isJSON && media != "":
		item.Refusal = &event.Refusal{Code: event.CodeInvalidJSON, Message: "the body is not valid JSON, though its content type says so"}
	case utf8.Valid(body):
		o.Add(foreign.QuoteText("data"), foreign.QuoteText(string(body)))
	default:
		o.Add(foreign.QuoteText("data_base64"), foreign.QuoteText(base64.StdEncoding.EncodeToString(body)))
	}
	item.Raw = o.Text()
	return item
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
