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
			[]string{"", "2026-01-02", "03:04:05Z", "2026-01-02 03:04:05Z", "2026-01-02T03:04:05", "2026-02-29T00:00:00Z", "2026-01-02T24:00:00Z", "2026-01-02T22:59:60Z", "2026-01-02T03:04:05,5Z", "2026-01-02T03:04:05+25:00", "2026-01-02T03:04:05+24:00", "2026-01-02T03:04:05+10:60", "2026-01-02T03:04:05+0100", "2026-01-02T3:04:05Z", "２026-01-02T03:04:05Z"},
		},
		"date": {[]string{"2026-12-31"}, []string{"2026-13-01", "2026-02-30", "26-01-01", "2026-1-1", "2026-01-01T"}},
		"time": {[]string{"23:59:59Z", "00:00:00.5-00:00"}, []string{"23:59:59", "24:00:00Z", "1:00:00Z", "10:00:00+24:00", "10:00:60Z"}},
		"email": {
			[]string{"a@example.com", "a.b+c@d.example", "\"a b\"@example.com", "\"a@\\\"b\"@example.com", "a@[192.0.2.1]", "a@[IPv6:2001:db8::1]", "a@localhost", "!#$%&'*+-/=?^_`{|}~@b.example"},
			[]string{"", "a", "a@", "@b", "A <a@b.example>", "a@b.example, c@d.example", strings.Repeat("a", 65) + "@b.example", "j\u00f6@x.com", "a@x\u00f6.com", "a..b@c.example", ".a@c.example", "a.@c.example", "a b@c.example", "a@-b.example", "a@b..example", "a@[192.0.2.256]", "a@[::1]", "\"a@b.example", "a@b_c.example", "a@b.example."},
		},
		"hostname": {
			[]string{"localhost", "www.example.com", "a-1.b", "xn--mnchen-3ya.de", "XN--MNCHEN-3YA.de", "123.example", "a--b.example"},
			[]string{"", "a..b", "-a", "a-", "a_b", "a.", ".a", strings.Repeat("a", 64), strings.Repeat("a.", 127) + "a", "xn--", "xn--a", "xn--999999999", "xn--mnchen-3yb\u0301.de", "xn--ls8h.la", "ab--c.example", "m\u00fcnchen.de", "a b"},
		},
		"idn-hostname": {
			[]string{"localhost", "m\u00fcnchen.de", "xn--mnchen-3ya.de", "\u4f8b\u3048.\u30c6\u30b9\u30c8", "fa\u00df.de", "\u4f8b\u3002jp"},
			[]string{"", "-m\u00fc", "m\u00fc-", "M\u00dcNCHEN.de", "\u2603.la", "a\u00b7b", "\u0301a", strings.Repeat("\u00fc", 64)},
		},
		"ipv4":                  {[]string{"127.0.0.1"}, []string{"1.2.3", "1.2.3.256", "01.2.3.4", "::1", "::ffff:1.2.3.4"}},
		"ipv6":                  {[]string{"::1", "2001:db8::1", "::ffff:1.2.3.4"}, []string{"1.2.3.4", ":::", "fe80::1%eth0"}},
		"uri":                   {[]string{"https://example.com/a?b#c", "urn:isbn:1", "mailto:a@example.com", "http://u:p@[2001:db8::1]:8080/%20;a=1", "http://[v1.a:b]/", "file:///a", "a:", "http://example.com:/"}, []string{"", "/a", "//example.com", "http://a b", "http://é", `http:\\a`, "a%zz:b", "http://a/%", "http://a/\x01", "http://a@b@c/", "http://a:b/", "http://[::1", "http://[1.2.3.4]/", "1a:b", "http://a/[b]", "http://a#b#c", "http://a/%2", ":a", "http://" + strings.Repeat("a", maxURI)}},
		"uri-reference":         {[]string{"/a", "?b", "#c", "", "a/b%20c"}, []string{"a b", "é", "%", `\a`, "1:b", "//a@b@c"}},
		"iri":                   {[]string{"https://é.example/ü", "http://a/?\ue000"}, []string{"é", "http://a b", "http://a/\ue000", "http://a/\u0085", "http://a@é@c/"}},
		"iri-reference":         {[]string{"é/ü"}, []string{"a b"}},
		"uuid":                  {[]string{"e2085be5-9137-4e4e-80b5-f1ffddc25423", "E2085BE5-9137-4E4E-80B5-F1FFDDC25423"}, []string{"", "urn:uuid:e2085be5-9137-4e4e-80b5-f1ffddc25423", "{e2085be5-9137-4e4e-80b5-f1ffddc25423}", "e2085be591374e4e80b5f1ffddc25423"}},
		"regex":                 {[]string{"", "^a+$", "(?=a)", "(?<!a)b", `(a)\1`, `(?<n>a)\k<n>`, "a{1,5000}", `\p{Emoji}`, `\p{scx=Grek}`}, []string{"(", `\p{Nope}`, `\p{scx=nope}`, "a**", `\z`, "[b-a]", "(?P<n>a)", strings.Repeat("a", maxPattern+1)}},
		"json-pointer":          {[]string{"", "/a/b~0~1", "/"}, []string{"a", "/~", "/~2"}},
		"relative-json-pointer": {[]string{"0", "1/a", "2#"}, []string{"/a", "01", "-1", "0##"}},
		"idn-email":             {[]string{"é@example.com", "a@münchen.de"}, []string{"é", "é..e@example.com", "a@-münchen.de"}},
		"duration":              {[]string{"P1Y", "P1Y2M3DT4H5M6S", "PT0S", "P4W", "PT1M"}, []string{"", "P", "PT", "P1Y2W", "1D", "P1D2H", "P1S", "P-1D", "P1.5D", "P1YT", "P1Y3D"}},
		"uri-template":          {[]string{"", "http://example.com/{a}/{+b,c*}{?d:3}", "{%20a}", "/{a.b}", "é{a}"}, []string{"{", "}", "{}", "{a", "{a b}", "{a:0}", "{a:10000}", "a b", "{-a}"}},
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
	if len(formats) != 20 {
		t.Errorf("%d formats; TestFormats has 19, and TestHostnamesOfOlderDrafts one", len(formats))
	}
}

// The limits on lengths are inclusive.
func TestFormatsLimitLengths(t *testing.T) {
	for name, c := range map[string]struct {
		format  string
		longest string
	}{
		"email":       {"email", strings.Repeat("a", 64) + "@b.example"},
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

// Drafts 4 and 6 allow two hyphens anywhere in a name; what claims to be Punycode
// must be it.
func TestHostnamesOfOlderDrafts(t *testing.T) {
	s := compile(t, `{`+draft4+`"properties": {"a": {"format": "hostname"}}}`)
	for name, want := range map[string]int{"ab--c.example": 0, "xn--mnchen-3ya.de": 0, "xn--999999999": 1, "a_b": 1} {
		if faults := s.Validate(map[string]any{"a": name}); len(faults) != want {
			t.Errorf("%s: %v", name, faults)
		}
	}
}
