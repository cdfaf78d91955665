package format_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/theeye/theeye/shared/format"
	"github.com/theeye/theeye/shared/format/native"
)

func TestLookupFindsEachFormatByItsName(t *testing.T) {
	f, ok := format.Lookup(native.Name)
	if !ok || f.Name() != "native" || f != format.Native {
		t.Errorf("Lookup(native) = %v, %t", f, ok)
	}
	for _, name := range []string{"", "Native", "native ", "Segment"} {
		if f, ok := format.Lookup(name); ok {
			t.Errorf("Lookup(%q) = %v", name, f)
		}
	}
}

func TestContentTypeOfLinesSplitsBrokenLinesAlone(t *testing.T) {
	const body = "{\"a\":\n{}"
	for contentType, isNDJSON := range map[string]bool{
		"application/x-ndjson": true, "application/ndjson; charset=utf-8": true, "application/jsonl": true,
		"application/x-jsonlines": true, "application/jsonlines": true, "application/json-lines": true,
		"": false, "application/json": false, "text/plain": false, "application/x-ndjson; =": false,
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/events", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", contentType)
		b, err := format.Native.Split(r, []byte(body), 10)
		if (err == nil) != isNDJSON || isNDJSON && len(b.Items) != 2 {
			t.Errorf("%q: %d items, %v", contentType, len(b.Items), err)
		}
	}
	r := &http.Request{Header: http.Header{}}
	if _, err := format.Native.Split(r, []byte(strings.Repeat("{}\n", 3)), 2); err == nil {
		t.Error("three events are split where two are allowed")
	}
}
