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
	secret, err := CreateToken(bounded(t), js, want)
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
	if again, err := CreateToken(bounded(t), js, want); !errors.Is(err, ErrTokenExists) || again != "" {
		t.Errorf("the same id again: %v", err)
	}
	other, err := CreateToken(bounded(t), js, Token{ID: "root", Role: Operator})
	if err != nil || other == secret {
		t.Errorf("another token has the same secret, or %v", err)
	}
	eventually(t, r, "there is an operator", func(s *Snapshot) bool { return s.Access.Operators() == 1 })
}

func TestCreateTokenInvalid(t *testing.T) {
	for _, token := range []Token{
		{},
		{ID: "Ann", Role: Analyst},
		{ID: "a.b", Role: Analyst},
		{ID: strings.Repeat("a", 65), Role: Analyst},
		{ID: "ann"},
		{ID: "ann", Role: "god"},
		{ID: "ann", Role: Operator, Applications: []string{"shop"}},
		{ID: "ann", Role: Analyst, Applications: []string{"Shop"}},
	} {
		if secret, err := CreateToken(t.Context(), nil, token); !errors.Is(err, ErrInvalidToken) || secret != "" {
			t.Errorf("%+v: %v", token, err)
		}
	}
}
