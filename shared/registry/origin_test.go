package registry

import (
	"errors"
	"strings"
	"testing"
)

func TestNormalizeOrigin(t *testing.T) {
	for origin, want := range map[string]string{
		"https://shop.example":                "https://shop.example",
		"HTTPS://Shop.Example":                "https://shop.example",
		"http://localhost:3000":               "http://localhost:3000",
		"http://a_b.example":                  "http://a_b.example",
		"https://r3---sn.example":             "https://r3---sn.example",
		"https://shop.example.":               "https://shop.example.",
		"https://münchen.example":             "https://xn--mnchen-3ya.example",
		"https://MÜNCHEN.example:8443":        "https://xn--mnchen-3ya.example:8443",
		"https://faß.example":                 "https://xn--fa-hia.example",
		"https://例え.テスト":                      "https://xn--r8jz45g.xn--zckzah",
		"https://xn--mnchen-3ya.example":      "https://xn--mnchen-3ya.example",
		"https://*.example.com":               "https://*.example.com",
		"https://*.München.example:8443":      "https://*.xn--mnchen-3ya.example:8443",
		"http://*.localhost:3000":             "http://*.localhost:3000",
		"http://127.0.0.1:8080":               "http://127.0.0.1:8080",
		"http://[::1]:8080":                   "http://[::1]:8080",
		"http://[0:0::1]":                     "http://[::1]",
		"http://[2001:DB8::1]":                "http://[2001:db8::1]",
		"http://[::ffff:127.0.0.1]":           "http://[::ffff:7f00:1]",
		"http://a.example:0443":               "http://a.example:443",
		"https://a.example:80":                "https://a.example:80",
		"capacitor://localhost":               "capacitor://localhost",
		"ionic://localhost":                   "ionic://localhost",
		"tauri://localhost":                   "tauri://localhost",
		"app://x":                             "app://x",
		"App://obsidian.md":                   "app://obsidian.md",
		"chrome-extension://abcdefghijklmnop": "chrome-extension://abcdefghijklmnop",
		"safari-web-extension://0F0A-11":      "safari-web-extension://0F0A-11",
		"vscode-webview://1hk3:99":            "vscode-webview://1hk3:99",
		"capacitor://0":                       "capacitor://0",
		"null":                                "null",
	} {
		got, err := NormalizeOrigin(origin)
		if err != nil || got != want {
			t.Errorf("NormalizeOrigin(%q) = %q, %v, want %q", origin, got, err, want)
		}
		if again, err := NormalizeOrigin(got); err != nil || again != got {
			t.Errorf("NormalizeOrigin(%q) = %q, %v: not a fixed point", got, again, err)
		}
	}
	for origin, want := range map[string]error{
		"":                                   errOriginForm,
		"*":                                  errOriginForm,
		"Null":                               errOriginForm,
		"shop.example":                       errOriginForm,
		"//shop.example":                     errOriginForm,
		"://shop.example":                    errOriginForm,
		"1p://shop.example":                  errOriginForm,
		"data:text/html,x":                   errOriginForm,
		"https://":                           errOriginForm,
		"file://":                            errOriginForm,
		"file:///":                           errOriginTail,
		"https://shop.example/":              errOriginTail,
		"https://shop.example/pricing":       errOriginTail,
		"https://shop.example?a":             errOriginTail,
		"https://shop.example#a":             errOriginTail,
		"https://user@shop.example":          errOriginTail,
		`https://shop.example\a`:             errOriginTail,
		"blob:https://shop.example":          errOriginForm,
		"https://*":                          errWildcard,
		"https://*.":                         errOriginHost,
		"https://*shop.example":              errWildcard,
		"https://a*.example":                 errWildcard,
		"https://shop.*.example":             errWildcard,
		"https://*.*.example":                errWildcard,
		"https://shop.*":                     errWildcard,
		"https://**.example":                 errWildcard,
		"chrome-extension://*":               errWildcard,
		"*://shop.example":                   errOriginForm,
		"https://shop.example:*":             errOriginPort,
		"https://*.[::1]":                    errWildcard,
		"https://*.10.0.0.1":                 errOriginHost,
		"https://shop.example:443":           errDefaultPort,
		"http://[::1]:80":                    errDefaultPort,
		"https://*.example.com:443":          errDefaultPort,
		"https://shop.example:":              errOriginPort,
		"https://shop.example:0":             errOriginPort,
		"https://shop.example:65536":         errOriginPort,
		"https://shop.example:8a":            errOriginPort,
		"https://shop.example:+1":            errOriginPort,
		"https://a..example":                 errOriginHost,
		"https://.example":                   errOriginHost,
		"https://shop example":               errOriginHost,
		"https://shop,example":               errOriginHost,
		"https://shop%2eexample":             errOriginHost,
		"https://shop.example, https://b.ex": errOriginTail,
		"https://xn--zz.example":             errOriginHost,
		"https://256.0.0.1":                  errOriginHost,
		"https://127.1":                      errOriginHost,
		"https://0x7f.1":                     errOriginHost,
		"https://shop.0x10":                  errOriginHost,
		"https://[::1":                       errOriginHost,
		"https://[::1%25eth0]":               errOriginHost,
		"https://[1.2.3.4]":                  errOriginHost,
		"https://::1":                        errOriginHost,
		"https://\xff":                       errOriginForm,
		"app://x y":                          errOriginHost,
	} {
		if got, err := NormalizeOrigin(origin); !errors.Is(err, want) {
			t.Errorf("NormalizeOrigin(%q) = %q, %v, want %v", origin, got, err, want)
		}
	}
}

// A key and the table of all listed origins decide alike.
func TestListedOriginsCover(t *testing.T) {
	for _, c := range []struct {
		listed, origin string
		want           bool
	}{
		{"https://shop.example", "https://shop.example", true},
		{"https://shop.example", "https://a.shop.example", false},
		{"https://*.example.com", "https://shop.example.com", true},
		{"https://*.example.com", "https://a.b.c.example.com", true},
		{"https://*.example.com", "https://example.com", false},
		{"https://*.example.com", "https://.example.com", false},
		{"https://*.example.com", "https://a..example.com", false},
		{"https://*.example.com", "https://a.example.com.", false},
		{"https://*.example.com", "https://evilexample.com", false},
		{"https://*.example.com", "https://a.example.com.evil.example", false},
		{"https://*.example.com", "http://a.example.com", false},
		{"https://*.example.com", "https://a.example.com:8443", false},
		{"https://*.example.com", "https://a.example.com/", false},
		{"https://*.example.com", "https://evil.example/.example.com", false},
		{"https://*.example.com", "https://evil.example?.example.com", false},
		{"https://*.example.com", "https://x@a.example.com", false},
		{"https://*.example.com", "https://*.example.com", true}, // no page has it
		{"https://*.example.com:8443", "https://a.example.com:8443", true},
		{"https://*.example.com:8443", "https://a.example.com", false},
		{"https://*.xn--mnchen-3ya.example", "https://a.xn--mnchen-3ya.example", true},
		{"capacitor://localhost", "capacitor://localhost", true},
		{"capacitor://localhost", "ionic://localhost", false},
		{"null", "null", true},
		{"https://*.example.com", "null", false},
		{"https://*.example.com", strings.Repeat("a", 400) + "https://x" + strings.Repeat(".", 200) + ".example.com", false},
	} {
		k := Key{KeySettings: KeySettings{Kind: Browser, Origins: []string{"https://other.example", c.listed}}}
		a := newAccess(0, 0)
		a.addKey(DigestOf("k"), k)
		if got := k.AllowsOrigin(c.origin); got != c.want {
			t.Errorf("a key that lists %q allows %q: %t", c.listed, c.origin, got)
		}
		if got := a.OriginListed(c.origin); got != c.want {
			t.Errorf("%q is listed beside %q: %t", c.origin, c.listed, got)
		}
	}
}
