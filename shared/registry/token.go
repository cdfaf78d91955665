package registry

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/stream"
)

// secretPrefix tells people, and scanners of repositories, what a secret is.
const secretPrefix = "eye_"

// TokenInfo is a token with how it came to be.
type TokenInfo struct {
	Token
	Revision uint64
	// Time is when it was made, to the second.
	Time         time.Time
	Author, Note string
}

func tokenPlace(id string) place { return place{stream.BucketTokens, id} }

// Tokens returns all tokens by id.
func (e *Editor) Tokens(ctx context.Context) ([]TokenInfo, error) {
	list := []TokenInfo{}
	err := e.each(ctx, stream.BucketTokens, ">", func(key string, n state) {
		if tokenID.MatchString(key) && n.there() {
			// One that cannot be read is listed without a role.
			t, _ := readToken(key, n)
			list = append(list, t)
		}
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b TokenInfo) int { return strings.Compare(a.ID, b.ID) })
	return list, nil
}

// Token returns one token.
func (e *Editor) Token(ctx context.Context, id string) (TokenInfo, error) {
	if !tokenID.MatchString(id) {
		return TokenInfo{}, ErrNotFound
	}
	n, err := e.present(ctx, tokenPlace(id), 0)
	if err != nil {
		return TokenInfo{}, err
	}
	return readToken(id, n)
}

func readToken(id string, n state) (TokenInfo, error) {
	c := n.change()
	t := TokenInfo{Token: Token{ID: id}, Revision: n.revision, Time: c.Time, Author: c.Author, Note: c.Note}
	var r tokenRecord
	if err := json.Unmarshal(n.value, &r); err != nil {
		return t, unreadableRecord(id, err)
	}
	t.Role, t.Applications = r.Role, r.Applications
	return t, nil
}

// CreateToken makes a token with a secret, which is returned this once and is
// nowhere else: the registry keeps its SHA-256. A *ConflictError says that
// another token has the id, which has 1 to 64 of a-z, 0-9 and -.
func (e *Editor) CreateToken(ctx context.Context, t Token, by By) (info TokenInfo, secret string, err error) {
	if err := invalid(t.faults(), by.faults()); err != nil {
		return TokenInfo{}, "", err
	}
	secret = newSecret()
	c := by.now()
	value, err := json.Marshal(tokenRecord{
		SHA256: digestOf(secret).String(), Role: t.Role, Applications: t.Applications, change: c,
	})
	if err != nil {
		return TokenInfo{}, "", fmt.Errorf("encode token %s: %w", t.ID, err)
	}
	put, err := e.edit(ctx, tokenPlace(t.ID), 0, func(state) ([]byte, error) { return value, nil })
	if err != nil {
		return TokenInfo{}, "", err
	}
	return TokenInfo{Token: t, Revision: put.Revision, Time: c.Time, Author: c.Author, Note: c.Note}, secret, nil
}

// DeleteToken revokes a token and returns the revision that does.
func (e *Editor) DeleteToken(ctx context.Context, id string, match uint64, by By) (uint64, error) {
	if !tokenID.MatchString(id) {
		return 0, ErrNotFound
	}
	return e.remove(ctx, tokenPlace(id), match, by)
}

// faults says what is wrong with t.
func (t Token) faults() []event.Fault {
	var faults []event.Fault
	m := schema.Location{Faults: &faults}
	if !tokenID.MatchString(t.ID) {
		m.At("id").Faultf("wants 1 to 64 of a-z, 0-9 and -, and no - at the start")
	}
	if t.Role != Analyst && t.Role != Operator {
		m.At("role").Faultf("wants %q or %q", Analyst, Operator)
	}
	at := m.At("applications")
	switch {
	case t.Role == Operator && t.Applications != nil:
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

// maxTokenApplications bounds the applications that one token names.
const maxTokenApplications = 1000
