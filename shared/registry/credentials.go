package registry

// Credentials are keys and tokens that live in the memory of one process and
// never in the registry: those of --dev, and EYE_OPERATOR_TOKEN.
type Credentials struct {
	Keys   []StaticKey
	Tokens []StaticToken
}

// StaticKey is a write key with its secret. New hashes it.
type StaticKey struct {
	Secret      string
	Application string
	Kind        Kind
	Origins     []string
	// Loopback allows every origin of this machine beside Origins: for
	// development, where the port of a page changes.
	Loopback bool
}

// StaticToken is a token with its secret. New hashes it.
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
// dev-write-key, usable without an Origin and from pages on this machine, and
// the tokens dev-analyst (every application) and dev-operator.
func DevCredentials() Credentials {
	return Credentials{
		Keys: []StaticKey{{
			Secret: DevWriteKey, Application: DevApplication, Kind: Browser, Loopback: true,
			Origins: []string{"http://localhost:8080", "http://127.0.0.1:8080", "http://localhost:3000"},
		}},
		Tokens: []StaticToken{
			{Secret: DevAnalystToken, Token: Token{ID: DevAnalystToken, Role: Analyst}},
			{Secret: DevOperatorToken, Token: Token{ID: DevOperatorToken, Role: Operator}},
		},
	}
}

// static is Credentials without the secrets.
type static struct {
	keys   []hashed[Key]
	tokens []hashed[Token]
}

// hash drops the secrets. A credential with an empty one is none.
func (c Credentials) hash() static {
	var s static
	for _, k := range c.Keys {
		if k.Secret == "" {
			continue
		}
		sum := digestOf(k.Secret)
		s.keys = append(s.keys, hashed[Key]{sum, Key{
			ID: sum.keyID(), Application: k.Application, Kind: k.Kind, Origins: k.Origins, loopback: k.Loopback,
		}})
	}
	for _, t := range c.Tokens {
		if t.Secret == "" {
			continue
		}
		s.tokens = append(s.tokens, hashed[Token]{digestOf(t.Secret), t.Token})
	}
	return s
}

// addTo adds the credentials to an Access that is being built. Added first,
// they win over equal ones of the registry.
func (s static) addTo(a *Access) {
	for _, k := range s.keys {
		if a.addKey(k.sum, k.value) {
			a.name(k.value.Application)
		}
	}
	for _, t := range s.tokens {
		a.addToken(t.sum, t.value)
	}
}
