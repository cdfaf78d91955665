package cmd

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/theeye/theeye/shared/daemon"
)

func TestRequestsOfAFile(t *testing.T) {
	const long = 50 << 10
	for name, c := range map[string]struct {
		format, in string
		want       []string
		fault      string
	}{
		"nothing":             {"segment", "", nil, ""},
		"white space":         {"pixel", "\uFEFF \n\r\n", nil, ""},
		"bodies":              {"segment", "\uFEFF{\"batch\":[1,\n2]}\n[3] {\"a\":1,\"a\":2}", []string{"{\"batch\":[1,\n2]}", "[3]", `{"a":1,"a":2}`}, ""},
		"a cut body":          {"cloudevents", `{"a":1}{"a":`, []string{`{"a":1}`}, "request 2: not valid JSON: the text ends too early"},
		"no JSON":             {"segment", "a=1\n", nil, "request 1: not valid JSON at byte 0"},
		"a large body":        {"snowplow", `{"data":["` + strings.Repeat("x", maxRequestBytes) + `"]}`, nil, "request 1: is longer than 8388608 bytes"},
		"a body of Snowplow":  {"snowplow", ` {"data":[]}`, []string{`{"data":[]}`}, ""},
		"queries of Snowplow": {"snowplow", "e=pv&uid=a b\r\n\n/i?e=pp#x", []string{"?e=pv&uid=a%20b", "?e=pp"}, ""},
		"addresses":           {"pixel", "https://x/v1/pixel.gif?write_key=k&name=a&d.x=é?\n", []string{"?name=a&d.x=%C3%A9?"}, ""},
		"an image in JSON":    {"pixel", `{"a":1}`, []string{`?{"a":1}`}, ""},
		"a long query":        {"pixel", "a=1\n" + strings.Repeat("x", long), []string{"?a=1"}, "request 2: a query has at most 49152 bytes"},
	} {
		r := newRequestReader(strings.NewReader(c.in), c.format)
		var got []string
		var err error
		for {
			var sent sentRequest
			if sent, err = r.nextRequest(); err != nil {
				break
			}
			text := string(sent.body)
			if sent.body == nil {
				text = "?" + sent.query
			}
			got = append(got, text)
		}
		if d := cmp.Diff(c.want, got, cmpopts.EquateEmpty()); d != "" {
			t.Errorf("%s:\n%s", name, d)
		}
		switch {
		case c.fault == "" && !errors.Is(err, io.EOF):
			t.Errorf("%s: %v", name, err)
		case c.fault != "" && (!errors.Is(err, daemon.ErrUsage) || !strings.HasPrefix(err.Error(), c.fault)):
			t.Errorf("%s: %v, want %s", name, err, c.fault)
		}
		if _, again := r.nextRequest(); c.fault == "" && !errors.Is(again, io.EOF) {
			t.Errorf("%s: after the end: %v", name, again)
		}
	}
}

// A query that is read stands in a request line as it is.
func FuzzQueryOf(f *testing.F) {
	f.Add("https://x/v1/pixel.gif?write_key=k&name=a b\x00é%zz#?")
	f.Fuzz(func(t *testing.T, line string) {
		r, err := http.NewRequest(http.MethodPost, "http://x/v1/validate?format=pixel&"+queryOf(line), http.NoBody)
		if err != nil || strings.ContainsAny(r.URL.RequestURI(), " \r\n\t\x00") || r.URL.Path != "/v1/validate" {
			t.Errorf("%q: %v", line, err)
		}
	})
}
