package queryapi_test

import (
	"strings"
	"testing"
)

// A token is valid from its creation until it is revoked.
func TestTokenIsValidUntilItIsRevoked(t *testing.T) {
	fx := newFixture(t)
	made := fx.asOperator(201, "POST", "/v1/tokens", `{"id":"alice","role":"analyst","applications":["shop"]}`, "X-Eye-Note", "for alice")
	if made.ID != "alice" || made.Role != "analyst" || string(made.Applications) != `["shop"]` || made.header.Get("ETag") != quoted(made.Revision) {
		t.Fatalf("%s", made.raw)
	}
	eventually(t, "the token is valid", func() bool { return fx.ask("GET", made.Secret, "/v1/events", "").status == 200 })
	if f := fx.ask("GET", made.Secret, "/v1/events?application=blog", ""); f.status != 403 {
		t.Errorf("%s", f.raw)
	}
	if f := fx.ask("GET", made.Secret, "/v1/tokens", ""); f.status != 403 || f.Code != "forbidden" {
		t.Errorf("%s", f.raw)
	}
	if f := fx.asOperator(412, "POST", "/v1/tokens", `{"id":"alice","role":"operator"}`); f.Revision != made.Revision {
		t.Errorf("%s", f.raw)
	}
	second := fx.asOperator(201, "POST", "/v1/tokens", `{"id":"bob","role":"operator"}`)
	all := fx.asOperator(201, "POST", "/v1/tokens", `{"id":"carol","role":"analyst"}`)
	none := fx.asOperator(201, "POST", "/v1/tokens", `{"id":"dan","role":"analyst","applications":[]}`)
	if all.Applications != nil || string(none.Applications) != "[]" {
		t.Errorf("%s %s", all.raw, none.raw)
	}
	list := fx.asOperator(200, "GET", "/v1/tokens", "")
	if len(list.Tokens) != 4 || list.Tokens[0].ID != "alice" || list.Tokens[0].Author != "o" || list.Tokens[0].Note != "for alice" ||
		list.Tokens[2].Applications != nil || string(list.Tokens[3].Applications) != "[]" {
		t.Errorf("%s", list.raw)
	}
	if got := fx.asOperator(200, "GET", "/v1/tokens/alice", ""); got.ID != "alice" || got.header.Get("ETag") != quoted(made.Revision) {
		t.Errorf("%s", got.raw)
	}
	// The author of a change is the token that made it.
	eventually(t, "the operator is one", func() bool { return fx.ask("GET", second.Secret, "/v1/tokens", "").status == 200 })
	fx.asOperator(412, "DELETE", "/v1/tokens/alice", "", "If-Match", quoted(made.Revision+9))
	if gone := fx.ask("DELETE", second.Secret, "/v1/tokens/alice", "", "X-Eye-Note", "left"); gone.status != 200 || gone.ID != "alice" {
		t.Errorf("%s", gone.raw)
	}
	eventually(t, "the token is valid no more", func() bool { return fx.ask("GET", made.Secret, "/v1/events", "").status == 401 })
	fx.asOperator(404, "GET", "/v1/tokens/alice", "")
	fx.asOperator(404, "DELETE", "/v1/tokens/alice", "")
	last := fx.waitForChanges("kind=token&name=alice", 2)
	if len(last.Changes) != 2 || last.Changes[0].Author != "bob" || last.Changes[0].Note != "left" || last.Changes[0].Action != "removed" {
		t.Errorf("%s", last.raw)
	}
}

func TestRejectsInvalidTokens(t *testing.T) {
	fx := newFixture(t)
	for _, body := range []string{
		``, `{}`, `{"id":"x"}`, `{"role":"analyst"}`, `{"id":"X","role":"analyst"}`, `{"id":"x","role":"admin"}`, `{"id":"a.b","role":"analyst"}`,
		`{"id":"x","role":"operator","applications":["shop"]}`, `{"id":"x","role":"analyst","applications":["A"]}`, `{"id":"x","role":"analyst","applications":"shop"}`,
		`{"id":"x","role":"analyst","applications":[1]}`, `{"id":"x","role":"analyst","secret":"mine"}`, `{"id":"` + strings.Repeat("x", 65) + `","role":"analyst"}`,
		`{"id":">","role":"analyst"}`, `{"id":"x\r\ny","role":"analyst"}`,
	} {
		if f := fx.asOperator(422, "POST", "/v1/tokens", body); f.Code != "invalid_declaration" || len(f.Faults) == 0 {
			t.Errorf("%s: %s", body, f.raw)
		}
	}
	for _, id := range []string{"X", "a.b", "*", "%3E", "a%2Fb", "..", "a%20b", strings.Repeat("x", 65)} {
		fx.asOperator(404, "GET", "/v1/tokens/"+id, "")
		fx.asOperator(404, "DELETE", "/v1/tokens/"+id, "")
	}
	if list := fx.asOperator(200, "GET", "/v1/tokens", ""); len(list.Tokens) != 0 {
		t.Errorf("%s", list.raw)
	}
}

// The only operator token of the registry is removed when the caller says so, and no
// other token needs that.
func TestLastOperatorTokenStaysUnlessAskedFor(t *testing.T) {
	fx := newFixture(t)
	fx.asOperator(201, "POST", "/v1/tokens", `{"id":"alice","role":"operator"}`)
	fx.asOperator(201, "POST", "/v1/tokens", `{"id":"bob","role":"operator"}`)
	fx.asOperator(201, "POST", "/v1/tokens", `{"id":"carol","role":"analyst"}`)
	fx.asOperator(200, "DELETE", "/v1/tokens/bob", "")
	fx.asOperator(200, "DELETE", "/v1/tokens/carol", "")
	for _, query := range []string{"", "?last_operator=false"} {
		if f := fx.asOperator(409, "DELETE", "/v1/tokens/alice"+query, ""); f.Code != "last_operator" || !strings.Contains(f.raw, "EYE_OPERATOR_TOKEN") {
			t.Errorf("%s", f.raw)
		}
	}
	fx.asOperator(409, "DELETE", "/v1/tokens/alice", "", "If-Match", "*")
	fx.asOperator(400, "DELETE", "/v1/tokens/alice?last_operator=1", "")
	fx.asOperator(400, "DELETE", "/v1/tokens/alice?force=true", "")
	fx.asOperator(404, "DELETE", "/v1/tokens/nobody?last_operator=true", "")
	fx.asOperator(200, "GET", "/v1/tokens/alice", "")
	fx.asOperator(200, "DELETE", "/v1/tokens/alice?last_operator=true", "")
	fx.asOperator(404, "DELETE", "/v1/tokens/alice", "")
}

// Of operators who revoke each other's tokens at one moment, one keeps access.
func TestOneOperatorTokenStaysWhenAllAreRevokedAtOnce(t *testing.T) {
	fx := newFixture(t)
	names := []string{"alice", "bob", "carol", "dan", "erin", "frank"}
	for _, name := range names {
		fx.asOperator(201, "POST", "/v1/tokens", `{"id":"`+name+`","role":"operator"}`)
	}
	answers := make(chan int, len(names))
	for _, name := range names {
		go func() { answers <- fx.ask("DELETE", operator, "/v1/tokens/"+name, "").status }()
	}
	counts := map[int]int{}
	for range names {
		counts[<-answers]++
	}
	if counts[200] != len(names)-1 || counts[409] != 1 {
		t.Errorf("answers %v", counts)
	}
}
