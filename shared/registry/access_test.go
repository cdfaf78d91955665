package registry

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/stream"
)

func TestAllowsOrigin(t *testing.T) {
	listed := Key{Kind: Browser, Origins: []string{"https://shop.example", "http://localhost:3000"}}
	dev := Key{Kind: Browser, loopback: true}
	server := Key{Kind: Server}
	for _, tc := range []struct {
		key    Key
		origin string
		want   bool
	}{
		{listed, "", true},
		{listed, "https://shop.example", true},
		{listed, "http://localhost:3000", true},
		{listed, "http://localhost:3001", false},
		{listed, "http://shop.example", false},
		{listed, "https://shop.example.evil.example", false},
		{listed, "https://evilshop.example", false},
		{listed, "https://shop.example:8443", false},
		{listed, "https://shop.example/", false},
		{listed, "HTTPS://SHOP.EXAMPLE", false},
		{listed, "null", false},
		{dev, "http://localhost:5173", true},
		{dev, "https://127.0.0.1:1", true},
		{dev, "http://[::1]:8080", true},
		{dev, "http://localhost", true},
		{dev, "http://localhost.evil.example", false},
		{dev, "http://127.0.0.1.evil.example", false},
		{dev, "http://evil.example#localhost", false},
		{dev, "http://localhost@evil.example", false},
		{dev, "http://0.0.0.0", false},
		{dev, "file://localhost", false},
		{dev, "null", false},
		{server, "", true},
		{server, "https://shop.example", false},
	} {
		if got := tc.key.AllowsOrigin(tc.origin); got != tc.want {
			t.Errorf("%+v, origin %q: %t", tc.key, tc.origin, got)
		}
	}
}

func TestDevCredentials(t *testing.T) {
	_, js := ready(t)
	// The registry's own demo key, which is stricter, does not win.
	put(t, js, stream.BucketApplications, DevApplication, fmt.Sprintf(`{"keys": [{"sha256": "%s", "kind": "browser", "origins": ["https://a.example"], "disabled": true}]}`, digestOf(DevWriteKey)))
	r := run(t, Config{JetStream: js, Static: DevCredentials()})
	<-r.Ready()
	a := r.Snapshot().Access
	k, ok := a.WriteKey("dev-write-key")
	if !ok || k.Disabled || k.Application != "demo" || !k.AllowsOrigin("http://localhost:4321") || !k.AllowsOrigin("") || k.AllowsOrigin("https://a.example") {
		t.Errorf("key %+v, %t", k, ok)
	}
	if !a.OriginListed("http://127.0.0.1:4321") || a.OriginListed("https://b.example") {
		t.Error("a preflight from this machine is not granted, or one from elsewhere is")
	}
	analyst, ok1 := a.Token("dev-analyst")
	operator, ok2 := a.Token("dev-operator")
	if !ok1 || !ok2 || analyst.Role != Analyst || analyst.Applications != nil || operator.Role != Operator || a.Operators() != 1 {
		t.Errorf("tokens %+v, %+v", analyst, operator)
	}
	if _, ok := a.Token("dev-write-key"); ok {
		t.Error("a write key is a token")
	}
	if _, ok := a.WriteKey("dev-operator"); ok {
		t.Error("a token is a write key")
	}
	if diff := cmp.Diff([]string{"demo"}, a.Applications()); diff != "" {
		t.Errorf("applications (-want +got):\n%s", diff)
	}
	names, err := open(t, js, stream.BucketTokens).Keys(bounded(t))
	if len(names) != 0 {
		t.Errorf("development tokens are in the registry: %v, %v", names, err)
	}
}

func TestSecretsThatAreNone(t *testing.T) {
	a := newAccess(0, 0)
	DevCredentials().hash().addTo(a)
	// A setting that is empty, or the hash of nothing, lets nobody in.
	Credentials{Keys: []StaticKey{{Application: "a"}}, Tokens: []StaticToken{{Token: Token{Role: Operator}}}}.hash().addTo(a)
	for _, secret := range []string{"", " dev-write-key", "DEV-WRITE-KEY", digestOf(DevWriteKey).String(), strings.Repeat("x", 1<<20)} {
		if _, ok := a.WriteKey(secret); ok {
			t.Errorf("%.40q is a write key", secret)
		}
		if _, ok := a.Token(secret); ok {
			t.Errorf("%.40q is a token", secret)
		}
	}
}

// A preflight carries no key: what only a disabled key lists is not granted.
func TestDisabledKeysListNoOrigins(t *testing.T) {
	a := newAccess(0, 0)
	a.addKey(digestOf("k"), Key{Application: "a", Kind: Browser, Origins: []string{"https://a.example"}, Disabled: true})
	if a.OriginListed("https://a.example") {
		t.Error("the origin of a disabled key is listed")
	}
}

// One secret is of one application: of equal ones the first by name keeps it.
func TestEqualKeys(t *testing.T) {
	_, js := ready(t)
	var log logs
	for _, app := range []string{"b", "a", "c"} {
		put(t, js, stream.BucketApplications, app, fmt.Sprintf(`{"keys": [{"sha256": "%s", "kind": "server"}]}`, digestOf("same")))
	}
	r := run(t, Config{JetStream: js, Logger: log.logger()})
	<-r.Ready()
	if k, _ := r.Snapshot().Access.WriteKey("same"); k.Application != "a" {
		t.Errorf("the key is of %q", k.Application)
	}
	if !strings.Contains(log.String(), `"application":"b"`) || strings.Contains(log.String(), digestOf("same").String()) {
		t.Errorf("log: %s", log.String())
	}
}

func BenchmarkWriteKey(b *testing.B) {
	a := newAccess(0, 0)
	for i := range 10_000 {
		a.addKey(digestOf(fmt.Sprint(i)), Key{Application: "a", Kind: Server})
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, ok := a.WriteKey("5000"); !ok {
				b.Error("not found")
			}
		}
	})
}

func BenchmarkAccess(b *testing.B) {
	r := New(Config{})
	for i := range 10_000 {
		name := fmt.Sprintf("app-%d", i)
		r.applications.records[name] = record[[]hashed[Key]]{readable: true, value: []hashed[Key]{
			{digestOf(name), Key{Application: name, Kind: Browser, Origins: []string{"https://" + name + ".example"}}},
		}}
	}
	b.ReportAllocs()
	for b.Loop() {
		r.access(b.Context())
	}
}
