package registry

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/stream"
)

func TestCreateToken(t *testing.T) {
	_, js := ready(t)
	r := run(t, Config{JetStream: js})
	want := Token{ID: "ann-1", Role: Analyst, Applications: []string{"shop"}}
	e, by := NewEditor(js), By{Author: "root"}
	info, secret, err := e.CreateToken(bounded(t), want, by)
	if err != nil {
		t.Fatal(err)
	}
	s := eventually(t, r, "the token is known", func(s *Snapshot) bool { _, ok := s.Access.Token(secret); return ok })
	if got, _ := s.Access.Token(secret); !cmp.Equal(got, want) || s.Access.Operators() != 0 {
		t.Errorf("token %+v", got)
	}
	entry, err := open(t, js, stream.BucketTokens).Get(bounded(t), "ann-1")
	if err != nil || strings.Contains(string(entry.Value()), secret) || len(secret) < 24 {
		t.Errorf("the record holds the secret, or the secret is short (%v)", err)
	}
	var conflict *ConflictError
	if _, again, err := e.CreateToken(bounded(t), want, by); !errors.As(err, &conflict) || conflict.Present != info.Revision || again != "" {
		t.Errorf("the same id again: %v", err)
	}
	_, other, err := e.CreateToken(bounded(t), Token{ID: "root", Role: Operator}, by)
	if err != nil || other == secret {
		t.Errorf("another token has the same secret, or %v", err)
	}
	eventually(t, r, "there is an operator", func(s *Snapshot) bool { return s.Access.Operators() == 1 })
}

func TestCreateTokenInvalid(t *testing.T) {
	for _, tc := range []struct {
		token Token
		want  []string
	}{
		{Token{}, []string{"/id", "/role"}},
		{Token{ID: "Ann", Role: Analyst}, []string{"/id"}},
		{Token{ID: "a.b", Role: Analyst}, []string{"/id"}},
		{Token{ID: strings.Repeat("a", 65), Role: Analyst}, []string{"/id"}},
		{Token{ID: "ann"}, []string{"/role"}},
		{Token{ID: "ann", Role: "god"}, []string{"/role"}},
		{Token{ID: "ann", Role: Operator, Applications: []string{"shop"}}, []string{"/applications"}},
		{Token{ID: "ann", Role: Analyst, Applications: []string{"shop", "Shop"}}, []string{"/applications/1"}},
		{Token{ID: "ann", Role: Analyst, Applications: make([]string, maxTokenApplications+1)}, []string{"/applications"}},
	} {
		_, secret, err := NewEditor(nil).CreateToken(t.Context(), tc.token, By{})
		if diff := cmp.Diff(tc.want, faultPaths(t, err)); diff != "" || secret != "" {
			t.Errorf("%+v: faults (-want +got):\n%s", tc.token, diff)
		}
	}
}

// faultPaths are the places that an *InvalidError names.
func faultPaths(t *testing.T, err error) []string {
	t.Helper()
	var bad *InvalidError
	if !errors.As(err, &bad) {
		t.Errorf("error %v, want faults", err)
		return nil
	}
	var paths []string
	for _, f := range bad.Faults {
		paths = append(paths, f.Path)
	}
	return paths
}
