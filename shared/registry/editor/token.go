package editor

import (
	"context"
	"strconv"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/stream"
)

// maxTokenApplications bounds the applications that one token names.
const maxTokenApplications = 1000

// Tokens returns all tokens by id. One that cannot be read is listed without a
// role.
func (e *Editor) Tokens(ctx context.Context) ([]Token, error) { return e.tokens.list(ctx) }

// Token returns one token.
func (e *Editor) Token(ctx context.Context, id string) (Token, error) { return e.tokens.find(ctx, id) }

// CreateToken makes a token with a secret, which is returned this once and stored
// nowhere: the registry keeps its SHA-256. A *ConflictError says that another
// token has the id.
func (e *Editor) CreateToken(ctx context.Context, t registry.Token, by registry.ChangeInfo) (made Token, secret string, err error) {
	if err := invalid(checkToken(t), checkChangeInfo(by)); err != nil {
		return Token{}, "", err
	}
	secret = newSecret(registry.TokenPrefix)
	info := stamp(by)
	revision, err := e.tokens.create(ctx, t.ID, registry.TokenRecord{
		SHA256: registry.DigestOf(secret).String(), Role: t.Role, Applications: t.Applications, ChangeInfo: info,
	})
	if err != nil {
		return Token{}, "", err
	}
	return Token{Token: t, Revision: revision, ChangeInfo: info}, secret, nil
}

// DeleteToken revokes a token and returns the revision that does.
func (e *Editor) DeleteToken(ctx context.Context, id string, match Precondition, by registry.ChangeInfo) (uint64, error) {
	return e.tokens.remove(ctx, id, match, by)
}

// checkToken returns the faults of a token.
func checkToken(t registry.Token) []event.Fault {
	var faults []event.Fault
	m := schema.Location{Faults: &faults}
	if !registry.ValidTokenID(t.ID) {
		m.At("id").Faultf("must have 1 to 64 of a-z, 0-9 and -, and must not start with -")
	}
	if t.Role != registry.Analyst && t.Role != registry.Operator {
		m.At("role").Faultf("must be %q or %q", registry.Analyst, registry.Operator)
	}
	at := m.At("applications")
	switch {
	case t.Role == registry.Operator && t.Applications != nil:
		at.Faultf("an operator is not limited to applications")
	case len(t.Applications) > maxTokenApplications:
		at.Faultf("has more than %d applications", maxTokenApplications)
	default:
		for i, name := range t.Applications {
			if !stream.ValidApplication(name) {
				at.At(strconv.Itoa(i)).Faultf("no application can have this name")
			}
		}
	}
	return faults
}
