package registry

import "slices"

// Credentials are keys and tokens that one process keeps in memory and that are
// never in the registry: those of --dev, and EYE_OPERATOR_TOKEN.
type Credentials struct {
	Keys   []StaticKey
	Tokens []StaticToken
}

// StaticKey is a write key with its secret, of which New keeps the digest.
type StaticKey struct {
	Secret      string
	Application string
	Kind        Kind
	Origins     []string
	// Loopback allows every origin of this machine beside Origins: for
	// development, where the port of a page changes.
	Loopback bool
	// Settings are those of the application.
	Settings ApplicationSettings
}

// StaticToken is a token with its secret, of which New keeps the digest.
type StaticToken struct {
	Secret string
	Token  Token
}

// The development application and its credentials, which are public.
const (
	DevApplication   = "demo"
	DevWriteKey      = "dev-write-key"
	DevAnalystToken  = "dev-analyst"
	DevOperatorToken = "dev-operator"
)

// DevCredentials are the credentials of --dev: application demo with write key
// dev-write-key, usable without an Origin, from pages on this machine and by all
// adapters, and
// the tokens dev-analyst (every application) and dev-operator.
func DevCredentials() Credentials {
	return Credentials{
		Keys: []StaticKey{{
			Secret: DevWriteKey, Application: DevApplication, Kind: Browser, Loopback: true,
			Origins:  []string{"http://localhost:8080", "http://127.0.0.1:8080", "http://localhost:3000"},
			Settings: ApplicationSettings{Adapters: Adapters()},
		}},
		Tokens: []StaticToken{
			{Secret: DevAnalystToken, Token: Token{ID: DevAnalystToken, Role: Analyst}},
			{Secret: DevOperatorToken, Token: Token{ID: DevOperatorToken, Role: Operator}},
		},
	}
}

// publicDigests are the digests of the secrets that everybody knows.
var publicDigests = map[Digest]bool{
	DigestOf(DevWriteKey): true, DigestOf(DevAnalystToken): true, DigestOf(DevOperatorToken): true,
}

// IsPublic reports whether everybody knows the secret with this digest. It gives
// access only as one of DevCredentials: declared or stored, it is not accepted.
func (d Digest) IsPublic() bool { return publicDigests[d] }

// staticAccess is Credentials with digests in the place of secrets.
type staticAccess struct {
	keys   []digested[Key]
	tokens []digested[Token]
}

// digestSecrets replaces the secrets by their digests. It leaves out credentials
// with an empty secret.
func (c Credentials) digestSecrets() staticAccess {
	var s staticAccess
	for _, k := range c.Keys {
		if k.Secret == "" {
			continue
		}
		sum := DigestOf(k.Secret)
		s.keys = append(s.keys, digested[Key]{sum, Key{
			ID: sum.keyID(), Application: k.Application,
			KeySettings: KeySettings{Kind: k.Kind, Origins: k.Origins}, Settings: k.Settings, loopback: k.Loopback,
		}})
	}
	for _, t := range c.Tokens {
		if t.Secret == "" {
			continue
		}
		s.tokens = append(s.tokens, digested[Token]{DigestOf(t.Secret), t.Token})
	}
	return s
}

// addTo adds the credentials to an Access that is being built. Added first,
// they win over equal ones of the registry.
func (s staticAccess) addTo(a *Access) {
	for _, k := range s.keys {
		if a.addKey(k.sum, k.value) {
			a.addApplications(k.value.Application)
		}
	}
	for _, t := range s.tokens {
		a.addToken(t.sum, t.value)
	}
}

// hasKey reports whether a digest is that of one of the keys.
func (s staticAccess) hasKey(sum Digest) bool {
	return slices.ContainsFunc(s.keys, func(k digested[Key]) bool { return k.sum == sum })
}
