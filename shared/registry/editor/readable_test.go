package editor

import (
	"strings"
	"testing"

	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/registry/registrytest"
	"github.com/theeye/theeye/shared/stream"
)

// ack is an acknowledgement of NATS, which a publisher can direct into a bucket.
const ack = `{"stream":"EVENTS", "seq":5}`

// A value that is no record is passed over by the Editor as by a Registry: it
// shows, changes and compares the record before that.
func TestEditorPassesOverWhatIsNoRecord(t *testing.T) {
	_, js := registrytest.Start(t)
	ctx := registrytest.Context(t)
	e, second := New(js), New(js)
	app, first, err := e.CreateApplication(ctx, "shop", serverKey, ann)
	if err != nil {
		t.Fatal(err)
	}
	token, _, err := e.CreateToken(ctx, registry.Token{ID: "bob", Role: registry.Analyst}, ann)
	if err != nil {
		t.Fatal(err)
	}
	put, err := e.PutSchema(ctx, registrytest.SomeType, []byte(`{"type": "object"}`), Absent, ann)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		registrytest.Put(t, js, stream.BucketApplications, "shop", ack)
		registrytest.Put(t, js, stream.BucketTokens, "bob", ack)
		registrytest.Put(t, js, stream.BucketSchemas, someKey, ack)
	}

	if got, err := e.Application(ctx, "shop"); err != nil || got.Revision != app.Revision || len(got.Keys) != 1 || got.Author != "ann" {
		t.Errorf("the application is %+v, %v", got, err)
	}
	if got, err := e.Applications(ctx); err != nil || len(got) != 1 || len(got[0].Keys) != 1 {
		t.Errorf("the applications are %+v, %v", got, err)
	}
	if got, err := e.Token(ctx, "bob"); err != nil || got.Revision != token.Revision || got.Role != registry.Analyst {
		t.Errorf("the token is %+v, %v", got, err)
	}
	if got, err := e.Tokens(ctx); err != nil || len(got) != 1 || got[0].Role != registry.Analyst {
		t.Errorf("the tokens are %+v, %v", got, err)
	}
	if got, err := e.Schema(ctx, registrytest.SomeType, 0); err != nil || got.Revision != put.Revision {
		t.Errorf("the schema is %+v, %v", got, err)
	}

	declared, faults := CheckApplication("other", []byte(`{"keys": [{"kind": "server", "sha256": "`+registry.DigestOf(first.Secret).String()+`"}]}`))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	for name, editor := range map[string]*Editor{"that knew the owner": e, "that starts now": second} {
		if _, err := editor.Put(ctx, declared, Any, ann); err == nil {
			t.Errorf("an editor %s lets another application have the key", name)
		}
	}
	if got, err := e.PutSchema(ctx, registrytest.SomeType, []byte(`{"type": "object"}`), Any, ann); err != nil || !got.Unchanged {
		t.Errorf("an equal schema: %+v, %v", got, err)
	}
	changed, _, err := e.AddKey(ctx, "shop", serverKey, Precondition(app.Revision), ann)
	if err != nil || len(changed.Keys) != 2 {
		t.Errorf("with one more key the application is %+v, %v", changed, err)
	}
	if _, err := e.DeleteToken(ctx, "bob", Precondition(token.Revision), ann); err != nil {
		t.Errorf("the token is not removed: %v", err)
	}
	registrytest.Put(t, js, stream.BucketTokens, "bob", ack)
	if got, err := e.Token(ctx, "bob"); err == nil {
		t.Errorf("a removed token is back as %+v", got)
	}
}

// A declaration with the digest of a secret that everybody knows is a fault, in
// whatever case it is written.
func TestDeclaredPublicSecretIsAFault(t *testing.T) {
	for _, secret := range []string{registry.DevWriteKey, registry.DevAnalystToken, registry.DevOperatorToken} {
		for _, sum := range []string{registry.DigestOf(secret).String(), strings.ToUpper(registry.DigestOf(secret).String())} {
			_, faults := CheckApplication("shop", []byte(`{"keys": [{"kind": "server", "sha256": "`+sum+`"}]}`))
			if len(faults) != 1 || faults[0].Path != "/keys/0/sha256" || !strings.Contains(faults[0].Message, "app create") {
				t.Errorf("%s: %+v", secret, faults)
			}
		}
	}
}
