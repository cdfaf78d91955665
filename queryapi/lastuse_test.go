package queryapi_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/theeye/theeye/queryapi"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/kv"
	"github.com/theeye/theeye/shared/lastuse"
	"github.com/theeye/theeye/shared/stream"
)

// anHour is a past hour.
var anHour = time.Date(2026, 3, 4, 5, 0, 0, 0, time.UTC)

// noteUses writes marks as the collector and other query APIs do.
func (fx *fixture) noteUses(at time.Time, credentials ...lastuse.Credential) {
	fx.t.Helper()
	bucket := kv.New(fx.js, stream.BucketUses)
	for _, c := range credentials {
		key := "token." + c.ID
		if c.Application != "" {
			key = "key." + c.Application + "." + c.ID
		}
		if _, err := bucket.Replace(fx.ctx(), key, []byte(at.Format(time.RFC3339)), 0); err != nil {
			fx.t.Fatal(err)
		}
	}
}

// marks returns how many marks match a pattern.
func (fx *fixture) marks(pattern lastuse.Credential) int {
	fx.t.Helper()
	marks, err := lastuse.Read(fx.ctx(), kv.New(fx.js, stream.BucketUses), pattern)
	if err != nil {
		fx.t.Fatal(err)
	}
	return len(marks)
}

// decode decodes an answer of an operator's GET.
func decodeAnswer[T any](fx *fixture, target string) (v T) {
	fx.t.Helper()
	got := fx.send("GET", operator, target, "")
	if err := json.Unmarshal([]byte(got.raw), &v); err != nil || got.status != 200 {
		fx.t.Fatalf("%s: %d, %v in %s", target, got.status, err, got.raw)
	}
	return v
}

// Keys have the hour of their last use, in the list and by themselves; a removed key has
// no mark.
func TestLastUseOfKeys(t *testing.T) {
	fx := newFixture(t)
	first := fx.asOperator(201, "POST", "/v1/applications", `{"name":"shop","kind":"server"}`).Key.ID
	second := fx.asOperator(201, "POST", "/v1/applications/shop/keys", `{"kind":"server"}`).Key.ID
	other := fx.asOperator(201, "POST", "/v1/applications", `{"name":"blog","kind":"server"}`).Key.ID
	fx.noteUses(anHour, lastuse.Credential{Application: "shop", ID: second}, lastuse.Credential{Application: "blog", ID: other})

	list := decodeAnswer[api.ApplicationList](fx, "/v1/applications").Applications
	if len(list) != 2 || !list[0].Keys[0].LastUsedAt.Equal(anHour) || !list[1].Keys[0].LastUsedAt.IsZero() || !list[1].Keys[1].LastUsedAt.Equal(anHour) {
		t.Errorf("%+v", list)
	}
	shop := decodeAnswer[api.Application](fx, "/v1/applications/shop")
	if len(shop.Keys) != 2 || shop.Keys[0].ID != first || !shop.Keys[0].LastUsedAt.IsZero() || !shop.Keys[1].LastUsedAt.Equal(anHour) {
		t.Errorf("%+v", shop)
	}

	fx.asOperator(200, "DELETE", "/v1/applications/shop/keys/"+second, "")
	if shop, all := fx.marks(lastuse.KeysOf("shop")), fx.marks(lastuse.EveryKey); shop != 0 || all != 1 {
		t.Errorf("after the removal of a key: %d marks of its application, %d in all", shop, all)
	}
	fx.asOperator(200, "DELETE", "/v1/applications/blog", "", "If-Match", quoted(list[0].Revision))
	if all := fx.marks(lastuse.EveryKey); all != 0 {
		t.Errorf("after the removal of the application: %d marks", all)
	}
}

// A token has the hour of its last use soon after a request with it. A new one with the id
// of a removed one has not been used.
func TestLastUseOfTokens(t *testing.T) {
	fx := newFixture(t, func(c *queryapi.Config) { c.UseInterval = 5 * time.Millisecond })
	began := time.Now()
	made := fx.asOperator(201, "POST", "/v1/tokens", `{"id":"alice","role":"analyst"}`)
	fx.asOperator(201, "POST", "/v1/tokens", `{"id":"bob","role":"analyst"}`)
	eventually(t, "the token is valid", func() bool { return fx.ask("GET", made.Secret, "/v1/token", "").status == 200 })
	eventually(t, "the use has a mark", func() bool { return !decodeAnswer[api.Token](fx, "/v1/tokens/alice").LastUsedAt.IsZero() })
	alice := decodeAnswer[api.Token](fx, "/v1/tokens/alice")
	if at := alice.LastUsedAt.Time; at.Before(began.Truncate(time.Hour)) || at.After(time.Now()) || !at.Equal(at.Truncate(time.Hour)) {
		t.Errorf("last used at %s", at)
	}
	list := decodeAnswer[api.TokenList](fx, "/v1/tokens").Tokens
	if len(list) != 2 || !list[0].LastUsedAt.Equal(alice.LastUsedAt.Time) || !list[1].LastUsedAt.IsZero() {
		t.Errorf("%+v", list)
	}

	fx.asOperator(200, "DELETE", "/v1/tokens/bob", "")
	// A process that had noted a use before the removal writes it afterwards.
	fx.noteUses(anHour, lastuse.Credential{ID: "bob"})
	fx.asOperator(201, "POST", "/v1/tokens", `{"id":"bob","role":"analyst"}`)
	if bob := decodeAnswer[api.Token](fx, "/v1/tokens/bob"); !bob.LastUsedAt.IsZero() {
		t.Errorf("%+v", bob)
	}
	fx.asOperator(200, "DELETE", "/v1/tokens/bob", "")
	if fx.marks(lastuse.Credential{ID: "bob"}) != 0 {
		t.Error("a removed token has a mark")
	}
}
