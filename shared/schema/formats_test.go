package schema

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestFormats(t *testing.T) {
	for format, cases := range map[string]struct{ good, bad []string }{
		"date-time": {
			[]string{"2026-01-02T03:04:05Z", "2026-01-02t03:04:05.123456789+05:30", "2016-12-31T23:59:60Z", "2016-12-31T15:59:60-08:00", "2024-02-29T00:00:00z"},
			[]string{"", "2026-01-02", "03:04:05Z", "2026-01-02 03:04:05Z", "2026-01-02T03:04:05", "2026-02-29T00:00:00Z", "2026-01-02T24:00:00Z", "2026-01-02T22:59:60Z", "2026-01-02T03:04:05,5Z", "2026-01-02T03:04:05+25:00", "2026-01-02T3:04:05Z", "２026-01-02T03:04:05Z"},
		},
		"date":                  {[]string{"2026-12-31"}, []string{"2026-13-01", "2026-02-30", "26-01-01", "2026-1-1", "2026-01-01T"}},
		"time":                  {[]string{"23:59:59Z", "00:00:00.5-00:00"}, []string{"23:59:59", "24:00:00Z", "1:00:00Z"}},
		"email":                 {[]string{"a@example.com", "a.b+c@d.example"}, []string{"", "a", "a@", "@b", "A <a@b.example>", "a@b.example, c@d.example", strings.Repeat("a", 250) + "@b.example"}},
		"hostname":              {[]string{"localhost", "www.example.com", "a-1.b"}, []string{"", "a..b", "-a", "a-", "a_b", "a.", strings.Repeat("a", 64), strings.Repeat("a.", 127) + "a"}},
		"ipv4":                  {[]string{"127.0.0.1"}, []string{"1.2.3", "1.2.3.256", "01.2.3.4", "::1", "::ffff:1.2.3.4"}},
		"ipv6":                  {[]string{"::1", "2001:db8::1", "::ffff:1.2.3.4"}, []string{"1.2.3.4", ":::", "fe80::1%eth0"}},
		"uri":                   {[]string{"https://example.com/a?b#c", "urn:isbn:1", "mailto:a@example.com"}, []string{"", "/a", "//example.com", "http://a b", "http://é", `http:\\a`, "a%zz:b", "http://a/%", "http://a/\x01", "http://" + strings.Repeat("a", maxURI)}},
		"uri-reference":         {[]string{"/a", "?b", "#c", "", "a/b%20c"}, []string{"a b", "é", "%", `\a`}},
		"iri":                   {[]string{"https://é.example/ü"}, []string{"é", "http://a b"}},
		"iri-reference":         {[]string{"é/ü"}, []string{"a b"}},
		"uuid":                  {[]string{"e2085be5-9137-4e4e-80b5-f1ffddc25423", "E2085BE5-9137-4E4E-80B5-F1FFDDC25423"}, []string{"", "urn:uuid:e2085be5-9137-4e4e-80b5-f1ffddc25423", "{e2085be5-9137-4e4e-80b5-f1ffddc25423}", "e2085be591374e4e80b5f1ffddc25423"}},
		"regex":                 {[]string{"", "^a+$"}, []string{"(", "(?=a)", strings.Repeat("a", maxPattern+1)}},
		"json-pointer":          {[]string{"", "/a/b~0~1", "/"}, []string{"a", "/~", "/~2"}},
		"relative-json-pointer": {[]string{"0", "1/a", "2#"}, []string{"/a", "01", "-1", "0##"}},
		"idn-email":             {[]string{"é@example.com"}, []string{"é"}},
	} {
		s := compile(t, `{"properties": {"a": {"format": "`+format+`"}}}`)
		for _, text := range cases.good {
			if faults := s.Validate(map[string]any{"a": text}); len(faults) > 0 {
				t.Errorf("%s: %q does not pass", format, text)
			}
		}
		for _, text := range cases.bad {
			if faults := s.Validate(map[string]any{"a": text}); len(faults) != 1 {
				t.Errorf("%s: %q passes", format, text)
			}
		}
		for _, other := range []any{json.Number("1"), true, nil, []any{}, map[string]any{}} {
			if faults := s.Validate(map[string]any{"a": other}); len(faults) > 0 {
				t.Errorf("%s applies to %v, which is no string", format, other)
			}
		}
	}
}

// Every format that a schema may name is one that the tests above check.
func TestEveryFormatIsRegistered(t *testing.T) {
	if len(formats) != 16 {
		t.Errorf("%d formats; TestFormats has 16", len(formats))
	}
}

// The limits on lengths are inclusive.
func TestFormatsLimitLengths(t *testing.T) {
	for name, c := range map[string]struct {
		format  string
		longest string
	}{
		"email":       {"email", strings.Repeat("a", maxEmail-len("@b.example")) + "@b.example"},
		"hostname":    {"hostname", strings.Repeat("a.", 126) + "a"},
		"label":       {"hostname", strings.Repeat("a", 63)},
		"uri":         {"uri", "http://" + strings.Repeat("a", maxURI-len("http://"))},
		"a reference": {"iri-reference", strings.Repeat("a", maxURI)},
		"regex":       {"regex", strings.Repeat("a", maxPattern)},
	} {
		s := compile(t, `{"properties": {"a": {"format": "`+c.format+`"}}}`)
		for text, want := range map[string]int{c.longest: 0, "a" + c.longest: 1} {
			if faults := s.Validate(map[string]any{"a": text}); len(faults) != want {
				t.Errorf("%s of %d bytes: %v", name, len(text), faults)
			}
		}
	}
}
