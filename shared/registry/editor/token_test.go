package editor

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/registry/registrytest"
	"github.com/theeye/theeye/shared/stream"
)

func TestCreateTokenReturnsTheSecretOnce(t *testing.T) {
	_, js := registrytest.Start(t)
	r := run(t, registry.Config{JetStream: js})
	want := registry.Token{ID: "ann-1", Role: registry.Analyst, Applications: []string{"shop"}}
	e, by := New(js), registry.ChangeInfo{Author: "root"}
	info, secret, err := e.CreateToken(registrytest.Context(t), want, by)
	if err != nil {
		t.Fatal(err)
	}
	s := registrytest.AwaitSnapshot(t, r, "the token is known", func(s *registry.Snapshot) bool { _, ok := s.Access.Token(secret); return ok })
	if got, _ := s.Access.Token(secret); !cmp.Equal(got, want) || s.Access.Operators() != 0 {
		t.Errorf("token %+v", got)
	}
	entry, err := registrytest.Bucket(t, js, stream.BucketTokens).Get(registrytest.Context(t), "ann-1")
	if err != nil || strings.Contains(string(entry.Value()), secret) || len(secret) < 24 {
		t.Errorf("the record holds the secret, or the secret is short (%v)", err)
	}
	var conflict *ConflictError
	if _, again, err := e.CreateToken(registrytest.Context(t), want, by); !errors.As(err, &conflict) || conflict.Present != info.Revision || again != "" {
		t.Errorf("the same id again: %v", err)
	}
	_, other, err := e.CreateToken(registrytest.Context(t), registry.Token{ID: "root", Role: registry.Operator}, by)
	if err != nil || other == secret {
		t.Errorf("another token has the same secret, or %v", err)
	}
	registrytest.AwaitSnapshot(t, r, "there is an operator", func(s *registry.Snapshot) bool { return s.Access.Operators() == 1 })
}

func TestInvalidTokensAreNotCreated(t *testing.T) {
	for _, tc := range []struct {
		token registry.Token
		want  []string
	}{
		{registry.Token{}, []string{"/id", "/role"}},
		{registry.Token{ID: "Ann", Role: registry.Analyst}, []string{"/id"}},
		{registry.Token{ID: "a.b", Role: registry.Analyst}, []string{"/id"}},
		{registry.Token{ID: strings.Repeat("a", 65), Role: registry.Analyst}, []string{"/id"}},
		{registry.Token{ID: "ann"}, []string{"/role"}},
		{registry.Token{ID: "ann", Role: "god"}, []string{"/role"}},
		{registry.Token{ID: "ann", Role: registry.Operator, Applications: []string{"shop"}}, []string{"/applications"}},
		{registry.Token{ID: "ann", Role: registry.Analyst, Applications: []string{"shop", "Shop"}}, []string{"/applications/1"}},
		{registry.Token{ID: "ann", Role: registry.Analyst, Applications: make([]string, maxTokenApplications+1)}, []string{"/applications"}},
	} {
		_, secret, err := New(nil).CreateToken(t.Context(), tc.token, registry.ChangeInfo{})
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
