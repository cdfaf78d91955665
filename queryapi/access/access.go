// Package access decides what a token may read and do. Both halves of the query
// API, that of analysts and that of operators, act for a Principal.
package access

import (
	"slices"

	"github.com/theeye/theeye/queryapi/problem"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/registry"
)

// ErrNarrowed says that a token which could read every application cannot any more.
var ErrNarrowed = problem.New(api.CodeApplicationNotAllowed, "the token may not read every application any more")

// Principal is an authenticated token, by one snapshot of the registry.
type Principal struct {
	// ID is the id of the token, and the author of its changes.
	ID string
	// Operator says that the token may do everything.
	Operator bool
	// Applications are those that the token may read; nil is all of them, an
	// empty list none.
	Applications []string
	registered   *registry.Access
}

// Authenticate returns the principal of a token in the newest snapshot of the
// registry; secret is "" for a request without a token. Write keys are not
// tokens: they are in another table and do not read.
func Authenticate(snapshot *registry.Snapshot, secret string) (Principal, error) {
	if snapshot == nil {
		// A 401 now would make clients discard a good token.
		return Principal{}, problem.New(api.CodeStarting, "the registry is not loaded yet")
	}
	if secret == "" {
		return Principal{}, problem.New(api.CodeUnauthorized, "a query or operator token is needed, as Authorization: Bearer")
	}
	token, ok := snapshot.Access.Token(secret)
	if !ok {
		return Principal{}, problem.New(api.CodeUnauthorized, "the token is not valid here; write keys do not read")
	}
	p := Principal{ID: token.ID, registered: snapshot.Access}
	switch token.Role {
	case registry.Operator:
		p.Operator = true
		return p, nil
	case registry.Analyst:
		p.Applications = token.Applications
		return p, nil
	}
	return Principal{}, problem.New(api.CodeForbidden, "the token's role does not query")
}

// RequireOperator refuses tokens that may only read events.
func (p Principal) RequireOperator() error {
	if p.Operator {
		return nil
	}
	return problem.New(api.CodeForbidden, "an operator token is needed here")
}

// Restrict returns the applications that a question covers: the one that it
// names, or all that the token may read (nil is every one). The refusal of
// another does not depend on whether that application exists.
func (p Principal) Restrict(application string) ([]string, error) {
	if application == "" {
		return p.Applications, nil
	}
	if p.Applications != nil && !slices.Contains(p.Applications, application) {
		return nil, problem.New(api.CodeApplicationNotAllowed, "the token may not read application "+application)
	}
	return []string{application}, nil
}

// ReadableApplications returns the names of the applications that the token may read
// now. It is never nil.
func (p Principal) ReadableApplications() []string {
	names := p.Applications
	if names == nil {
		names = p.registered.Applications()
	}
	if names == nil {
		names = []string{}
	}
	return names
}

// RestrictToNamed is Restrict for lookups by id, which need names: a token
// that may read everything gets the applications that the registry knows, of
// which a lookup takes at most query.MaxIDs.
func (p Principal) RestrictToNamed(application string) ([]string, error) {
	names, err := p.Restrict(application)
	if err != nil {
		return nil, err
	}
	if names == nil {
		names = p.registered.Applications()
	}
	if len(names) > query.MaxIDs {
		return nil, problem.Newf(api.CodeTooManyApplications,
			"parameter application is needed: there are more than %d applications", query.MaxIDs)
	}
	return names, nil
}
