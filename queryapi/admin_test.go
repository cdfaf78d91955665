package queryapi_test

import (
	"crypto/sha256"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/theeye/theeye/queryapi"
	"github.com/theeye/theeye/shared/store"
)

// operatorsCall is a call of operators, and its status in an empty registry.
type operatorsCall struct {
	method, target, body string
	want                 int
}

var operatorsCalls = []operatorsCall{
	{"GET", "/v1/schemas", "", 200},
	{"GET", "/v1/schemas/c/n", "", 404},
	{"PUT", "/v1/schemas/c/n", `{"type":1}`, 422},
	{"DELETE", "/v1/schemas/c/n", "", 428},
	{"GET", "/v1/schemas/c/n/history", "", 404},
	{"GET", "/v1/policy", "", 200},
	{"PUT", "/v1/policy", `{"x":1}`, 422},
	{"DELETE", "/v1/policy", "", 428},
	{"GET", "/v1/policy/history", "", 0},
	{"GET", "/v1/applications", "", 200},
	{"POST", "/v1/applications", `{}`, 422},
	{"GET", "/v1/applications/shop", "", 404}, // known to this process alone
	{"PUT", "/v1/applications/shop", `{}`, 422},
	{"DELETE", "/v1/applications/shop", "", 428},
	{"POST", "/v1/applications/shop/keys", `{"kind":"server"}`, 404},
	{"PUT", "/v1/applications/shop/keys/000000000000", `{"kind":"server"}`, 404},
	{"DELETE", "/v1/applications/shop/keys/000000000000", "", 404},
	{"GET", "/v1/tokens", "", 200},
	{"POST", "/v1/tokens", `{}`, 422},
	{"GET", "/v1/tokens/o", "", 404},
	{"DELETE", "/v1/tokens/o", "", 404},
	{"GET", "/v1/changes", "", 200},
	{"GET", "/v1/replays", "", 200},
	{"POST", "/v1/replays", `{"only":"all"}`, 422},
	{"GET", "/v1/replays/0123456789abcdef0", "", 404},
	{"DELETE", "/v1/replays/0123456789abcdef0", "", 404},
	{"GET", "/v1/audits", "", 200},
	{"POST", "/v1/audits", `{"only":"rejected"}`, 422},
	{"GET", "/v1/audits/0123456789abcdef0", "", 404},
	{"DELETE", "/v1/audits/0123456789abcdef0", "", 404},
	{"GET", "/v1/retentions", "", 200},
	{"POST", "/v1/retentions", `{"only":"rejected"}`, 422},
	{"GET", "/v1/retentions/0123456789abcdef0", "", 404},
	{"DELETE", "/v1/retentions/0123456789abcdef0", "", 404},
}

// Every operators' call, with every kind of credential: only an operator is
// admitted, and the attempts of others change nothing.
func TestOperatorCallsNeedAnOperator(t *testing.T) {
	fx := newFixture(t)
	valid := map[string]string{
		"PUT /v1/schemas/c/n": hostSchema, "PUT /v1/policy": `{}`, "POST /v1/applications": `{"name":"mine","kind":"server"}`,
		"PUT /v1/applications/shop": `{"keys":[]}`, "POST /v1/tokens": `{"id":"mine","role":"operator"}`,
		"POST /v1/replays": `{}`, "POST /v1/audits": `{}`, "POST /v1/retentions": `{}`,
	}
	for _, c := range operatorsCalls {
		body := c.body
		if v, ok := valid[c.method+" "+c.target]; ok {
			body = v
		}
		for credential, want := range map[string]int{
			"": 401, "wrong": 401, writeKey: 401, analyst: 403, shopOnly: 403, noApplication: 403,
		} {
			got := fx.ask(c.method, credential, c.target, body, "If-Match", "*")
			if got.status != want || got.Code != map[int]string{401: "unauthorized", 403: "forbidden"}[want] {
				t.Errorf("%s %s with %q: %d %s", c.method, c.target, credential, got.status, got.raw)
			}
		}
		got := fx.ask(c.method, operator, c.target, c.body)
		if c.want != 0 && got.status != c.want {
			t.Errorf("%s %s: %d, want %d: %s", c.method, c.target, got.status, c.want, got.raw)
		}
		if f := fx.ask(c.method, operator, c.target+"?unknown=1", c.body); f.status != 400 || f.Code != "unknown_parameter" {
			t.Errorf("%s %s with a parameter: %d %s", c.method, c.target, f.status, f.raw)
		}
	}
	if got := fx.asOperator(200, "GET", "/v1/changes", ""); len(got.Changes) != 0 {
		t.Errorf("%s", got.raw)
	}
	if jobs := fx.listJobs("/v1/replays"); len(jobs) != 0 {
		t.Errorf("%+v", jobs)
	}
}

func TestRejectsOtherMethods(t *testing.T) {
	fx := newFixture(t)
	for target, allow := range map[string]string{
		"/v1/schemas": "GET", "/v1/schemas/c/n": "PUT", "/v1/schemas/c/n/history": "GET", "/v1/policy": "DELETE", "/v1/applications": "POST",
		"/v1/applications/a": "PUT", "/v1/applications/a/keys": "POST", "/v1/applications/a/keys/b": "DELETE", "/v1/tokens": "POST",
		"/v1/tokens/a": "DELETE", "/v1/changes": "GET", "/v1/replays": "POST", "/v1/replays/a": "DELETE", "/v1/audits": "POST", "/v1/audits/a": "DELETE", "/v1/retentions": "POST", "/v1/retentions/a": "DELETE",
		"/v1/events/a/trace": "GET",
	} {
		got := fx.ask("PATCH", operator, target, "")
		if got.status != http.StatusMethodNotAllowed || got.Code != "method_not_allowed" || !strings.Contains(got.header.Get("Allow"), allow) {
			t.Errorf("%s: %d %v %s", target, got.status, got.header, got.raw)
		}
	}
}

// The registry is shown and changed while the store is unavailable.
func TestRegistryNeedsNoStore(t *testing.T) {
	b := &broken{ready: func() error { return store.ErrUnavailable }}
	fx := newFixture(t, func(c *queryapi.Config) { b.Store, c.Store = c.Store, b })
	fx.asOperator(201, "PUT", typePath("c", "n"), hostSchema)
	fx.asOperator(200, "GET", typePath("c", "n"), "")
}

// While NATS is disconnected, no old state of the registry is shown as the
// present one, and nothing is claimed about a change.
func TestRegistryIsUnavailableWithoutNATS(t *testing.T) {
	var logs lockedBuffer
	fx := newFixture(t, func(c *queryapi.Config) { c.Logger = slog.New(slog.NewTextHandler(&logs, nil)) })
	fx.nats.Shutdown()
	eventually(t, "the connection is lost", func() bool { return !fx.js.Conn().IsConnected() })
	for _, c := range operatorsCalls {
		got := fx.ask(c.method, operator, c.target, c.body, "If-Match", "*")
		if got.status != http.StatusServiceUnavailable || got.Code != "registry_unavailable" || got.header.Get("Retry-After") == "" {
			t.Errorf("%s %s: %d %v %s", c.method, c.target, got.status, got.header, got.raw)
		}
		if got := fx.ask(c.method, analyst, c.target, c.body); got.status != http.StatusForbidden {
			t.Errorf("%s %s of an analyst: %d", c.method, c.target, got.status)
		}
	}
	// Analysts are still admitted by the last snapshot.
	if status, got := fx.get(analyst, "/v1/events"); status != http.StatusOK {
		t.Errorf("%d %s", status, got.raw)
	}
}

// A secret is in the one answer that created it, and in no other answer, log line
// or metric; its hash is in none at all.
func TestSecretsAreShownOnce(t *testing.T) {
	var logs lockedBuffer
	log := slog.New(slog.NewJSONHandler(&logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	last := slog.Default()
	slog.SetDefault(log)
	t.Cleanup(func() { slog.SetDefault(last) })
	fx := newFixture(t, func(c *queryapi.Config) { c.Logger = log })
	app := fx.asOperator(201, "POST", "/v1/applications", `{"name":"site","kind":"server"}`)
	key := fx.asOperator(201, "POST", "/v1/applications/site/keys", `{"kind":"server"}`)
	turned := fx.asOperator(201, "POST", "/v1/applications/site/keys", `{"replaces":"`+key.Key.ID+`"}`)
	token := fx.asOperator(201, "POST", "/v1/tokens", `{"id":"alice","role":"operator"}`)
	eventually(t, "the token is valid", func() bool { return fx.ask("GET", token.Secret, "/v1/tokens", "").status == 200 })
	secrets := []string{app.Key.Secret, key.Key.Secret, turned.Key.Secret, token.Secret}

	var answers []string
	ask := func(method, as, target, body string, header ...string) {
		got := fx.ask(method, as, target, body, header...)
		answers = append(answers, got.raw+fmt.Sprint(got.header))
	}
	for _, c := range operatorsCalls {
		for _, as := range append(secrets, operator) {
			ask(c.method, as, c.target, c.body)
		}
	}
	for _, s := range secrets { // where no secret may be
		sum := fmt.Sprintf("%x", sha256.Sum256([]byte(s)))
		ask("POST", operator, "/v1/tokens", `{"id":"alice","role":"`+sum+`"}`)
		ask("PUT", operator, "/v1/applications/other", `{"keys":[{"sha256":"`+s+`","kind":"server"}]}`)
		ask("PUT", operator, "/v1/applications/other", `{"keys":[{"sha256":"`+sum+`","kind":"server"}]}`)
		ask("PUT", operator, "/v1/applications/other", `{"keys":[{"sha256":"`+sum+`","kind":"x"}]}`)
		ask("GET", operator, "/v1/applications/site", "")
		ask("GET", operator, "/v1/changes", "", "X-Api-Key", s)
	}
	fx.nats.Shutdown()
	for _, s := range secrets {
		ask("GET", s, "/v1/tokens", "")
	}
	families, err := fx.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	answers = append(answers, fmt.Sprint(families), logs.String())
	for _, s := range secrets {
		sum := fmt.Sprintf("%x", sha256.Sum256([]byte(s)))
		for _, a := range answers {
			if strings.Contains(a, s) || strings.Contains(a, sum) && !strings.Contains(a, `the role \"`+sum) {
				t.Errorf("a secret, or its hash, is shown: %.300s", a)
			}
		}
	}
}
