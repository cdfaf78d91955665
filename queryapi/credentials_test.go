package queryapi_test

import "github.com/theeye/theeye/shared/registry"

// credentials of every world: two applications and the tokens above.
func credentials() registry.Credentials {
	return registry.Credentials{
		Keys: []registry.StaticKey{
			{Secret: writeKey, Application: "shop", Kind: registry.Server},
			{Secret: "write-key-of-blog-for-tests", Application: "blog", Kind: registry.Server},
		},
		Tokens: []registry.StaticToken{
			{Secret: operator, Token: registry.Token{ID: "o", Role: registry.Operator}},
			{Secret: analyst, Token: registry.Token{ID: "a", Role: registry.Analyst}},
			{Secret: shopOnly, Token: registry.Token{ID: "s", Role: registry.Analyst, Applications: []string{"shop"}}},
			{Secret: nobody, Token: registry.Token{ID: "n", Role: registry.Analyst, Applications: []string{}}},
		},
	}
}
