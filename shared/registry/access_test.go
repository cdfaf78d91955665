package registry

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/registry/registrytest"
	"github.com/theeye/theeye/shared/stream"
)

func TestKeyAllowsListedOriginsAlone(t *testing.T) {
	listed := Key{KeySettings: KeySettings{Kind: Browser, Origins: []string{"https://shop.example", "http://localhost:3000"}}}
	dev := Key{KeySettings: KeySettings{Kind: Browser}, loopback: true}
	server := Key{KeySettings: KeySettings{Kind: Server}}
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
		{dev, "http://shop.localhost:3000", true},
		{dev, "http://*.localhost", false},
		{dev, "http://evillocalhost", false},
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

func TestDevCredentialsWinOverTheRegistry(t *testing.T) {
	_, js := registrytest.Start(t)
	// The registry's own demo key, which is stricter, does not win.
	registrytest.Put(t, js, stream.BucketApplications, DevApplication, fmt.Sprintf(`{"keys": [{"sha256": "%s", "kind": "browser", "origins": ["https://a.example"], "disabled": true}]}`, DigestOf(DevWriteKey)))
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
	names, err := registrytest.Bucket(t, js, stream.BucketTokens).Keys(registrytest.Context(t))
	if len(names) != 0 {
		t.Errorf("development tokens are in the registry: %v, %v", names, err)
	}
}

// The secrets of --dev, which everybody knows, open nothing where they are stored in
// the registry: an installation may have applied declarations with them.
func TestStoredPublicSecretsGiveNoAccess(t *testing.T) {
	_, js := registrytest.Start(t)
	registrytest.Put(t, js, stream.BucketApplications, "shop", fmt.Sprintf(
		`{"keys": [{"sha256": "%s", "kind": "server"}, {"sha256": "%s", "kind": "server"}, {"sha256": "%s", "kind": "server"}]}`,
		DigestOf(DevWriteKey), strings.ToUpper(DigestOf(DevOperatorToken).String()), DigestOf("own")))
	for i, secret := range []string{DevOperatorToken, DevAnalystToken, DevWriteKey} {
		registrytest.Put(t, js, stream.BucketTokens, fmt.Sprint("t", i), fmt.Sprintf(`{"sha256": "%s", "role": "operator"}`, DigestOf(secret)))
	}
	var log registrytest.Logs
	r := run(t, Config{JetStream: js, Logger: log.Logger()})
	<-r.Ready()
	a := r.Snapshot().Access
	for _, secret := range []string{DevWriteKey, DevOperatorToken, DevAnalystToken} {
		if _, ok := a.WriteKey(secret); ok {
			t.Errorf("%s is a write key", secret)
		}
		if _, ok := a.Token(secret); ok {
			t.Errorf("%s is a token", secret)
		}
	}
	if _, ok := a.WriteKey("own"); !ok || a.Operators() != 0 {
		t.Errorf("the application's own key is known %t; %d operators", ok, a.Operators())
	}
	if !strings.Contains(log.String(), "everybody knows") || !strings.Contains(log.String(), "shop") {
		t.Errorf("the log does not say so: %s", log.String())
	}
}

func TestUnknownAndEmptySecretsGiveNoAccess(t *testing.T) {
	a := newAccess(0, 0)
	DevCredentials().digestSecrets().addTo(a)
	// A setting that is empty, or the digest of nothing, gives no access.
	Credentials{Keys: []StaticKey{{Application: "a"}}, Tokens: []StaticToken{{Token: Token{Role: Operator}}}}.digestSecrets().addTo(a)
	for _, secret := range []string{"", " dev-write-key", "DEV-WRITE-KEY", DigestOf(DevWriteKey).String(), strings.Repeat("x", 1<<20)} {
		if _, ok := a.WriteKey(secret); ok {
			t.Errorf("%.40q is a write key", secret)
		}
		if _, ok := a.Token(secret); ok {
			t.Errorf("%.40q is a token", secret)
		}
	}
}

// The page of a disabled key may read that its key is disabled.
func TestDisabledKeyListsItsOrigins(t *testing.T) {
	a := newAccess(0, 0)
	a.addKey(DigestOf("k"), Key{Application: "a", KeySettings: KeySettings{Kind: Browser, Origins: []string{"https://a.example"}, Disabled: true}})
	if !a.OriginListed("https://a.example") || a.OriginListed("https://b.example") {
		t.Error("the origins of a disabled key are not those that are listed")
	}
}

// One secret is of one application: of equal ones the first by name keeps it.
func TestEqualKeysBelongToTheFirstApplication(t *testing.T) {
	_, js := registrytest.Start(t)
	var log registrytest.Logs
	for _, app := range []string{"b", "a", "c"} {
		registrytest.Put(t, js, stream.BucketApplications, app, fmt.Sprintf(`{"keys": [{"sha256": "%s", "kind": "server"}]}`, DigestOf("same")))
	}
	r := run(t, Config{JetStream: js, Logger: log.Logger()})
	<-r.Ready()
	if k, _ := r.Snapshot().Access.WriteKey("same"); k.Application != "a" {
		t.Errorf("the key is of %q", k.Application)
	}
	if !strings.Contains(log.String(), `"application":"b"`) || strings.Contains(log.String(), DigestOf("same").String()) {
		t.Errorf("log: %s", log.String())
	}
}

func BenchmarkWriteKey(b *testing.B) {
	a := newAccess(0, 0)
	for i := range 10_000 {
		a.addKey(DigestOf(fmt.Sprint(i)), Key{Application: "a", KeySettings: KeySettings{Kind: Server}})
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
		r.applications.records[name] = decodedRecord[[]digested[Key]]{readable: true, value: []digested[Key]{
			{DigestOf(name), Key{Application: name, KeySettings: KeySettings{Kind: Browser, Origins: []string{"https://" + name + ".example"}}}},
		}}
	}
	b.ReportAllocs()
	for b.Loop() {
		r.buildAccess(b.Context())
	}
}
