package registry

import (
	"crypto/sha256"
	"crypto/subtle"
	"slices"
	"time"
)

// Kind says where a write key is used.
type Kind string

// The kinds of write keys.
const (
	// Browser keys may be public; origins are checked.
	Browser Kind = "browser"
	// Server keys are secret and never come with an Origin.
	Server Kind = "server"
)

// Role says what a token may do.
type Role string

// The roles of tokens.
const (
	// Analyst tokens query, limited to applications.
	Analyst Role = "analyst"
	// Operator tokens do everything.
	Operator Role = "operator"
)

// Key is a write key without its secret. Its slices are shared: read them only.
type Key struct {
	// ID names the key without telling it: the first 12 hexadecimal digits of
	// its secret's SHA-256.
	ID string
	// Application is whose events it writes.
	Application string
	Kind        Kind
	// Origins are the origins that a browser key is used from, exact. Decide
	// by AllowsOrigin, which also knows development keys.
	Origins []string
	// Disabled keys are known and write nothing.
	Disabled bool
	// ExpiresAt ends the key; zero is never. Decide by Expired.
	ExpiresAt time.Time
	// EventsPerSecond and BytesPerSecond limit what the key sends; 0 is no
	// limit.
	EventsPerSecond, BytesPerSecond int64

	loopback bool // any origin of this machine: development only
}

// Expired reports whether the key has ended at now. An expired key is known, as
// a disabled one is, and writes nothing.
func (k Key) Expired(now time.Time) bool {
	return !k.ExpiresAt.IsZero() && !now.Before(k.ExpiresAt)
}

// AllowsOrigin reports whether a request with this Origin header, "" without
// one, may use the key. A request without is allowed; a browser key is used
// from listed origins, a server key from none.
func (k Key) AllowsOrigin(origin string) bool {
	switch {
	case origin == "":
		return true
	case k.Kind != Browser:
		return false
	}
	return slices.Contains(k.Origins, origin) || k.loopback && loopbackOrigin(origin)
}

// Token is a query or operator token without its secret. Its slice is shared:
// read it only.
type Token struct {
	ID   string
	Role Role
	// Applications limits an analyst; nil is every application.
	Applications []string
}

// digest is the SHA-256 of a secret.
type digest [sha256.Size]byte

func digestOf(secret string) digest { return sha256.Sum256([]byte(secret)) }

// keyIDDigits is how much of a digest names a write key: enough to tell those
// of an application apart, and of no use to who wants to guess the secret.
const keyIDDigits = 12

func (d digest) keyID() string { return d.String()[:keyIDDigits] }

// Access is who may write and who may read, by one snapshot. It is immutable
// and safe for concurrent use.
type Access struct {
	keys         map[digest]hashed[Key]
	tokens       map[digest]hashed[Token]
	origins      map[string]bool
	applications []string
	loopback     bool
	operators    int
}

// hashed is a credential beside its digest, which is compared once more in
// constant time: a map makes no promise of the kind.
type hashed[T any] struct {
	sum   digest
	value T
}

func lookUp[T any](m map[digest]hashed[T], secret string) (T, bool) {
	sum := digestOf(secret)
	h, ok := m[sum]
	if ok && secret != "" && subtle.ConstantTimeCompare(h.sum[:], sum[:]) == 1 {
		return h.value, true
	}
	var none T
	return none, false
}

// WriteKey returns the write key with this secret. A disabled or expired one is
// found too.
func (a *Access) WriteKey(secret string) (Key, bool) { return lookUp(a.keys, secret) }

// Token returns the token with this secret. Write keys are no tokens.
func (a *Access) Token(secret string) (Token, bool) { return lookUp(a.tokens, secret) }

// OriginListed reports whether a key of any application lists the origin: what
// a preflight, which carries no key, is granted by.
func (a *Access) OriginListed(origin string) bool {
	return a.origins[origin] || a.loopback && loopbackOrigin(origin)
}

// Applications returns the names of all applications, sorted. The slice is the
// caller's.
func (a *Access) Applications() []string { return slices.Clone(a.applications) }

// Operators returns how many operator tokens there are.
func (a *Access) Operators() int { return a.operators }

// newAccess returns an empty Access with room for so many keys and tokens.
func newAccess(keys, tokens int) *Access {
	return &Access{
		keys:    make(map[digest]hashed[Key], keys),
		tokens:  make(map[digest]hashed[Token], tokens),
		origins: make(map[string]bool, keys),
	}
}

// addKey adds a write key unless its digest is taken; it reports whether it did.
func (a *Access) addKey(sum digest, k Key) bool {
	if _, taken := a.keys[sum]; taken {
		return false
	}
	a.keys[sum] = hashed[Key]{sum, k}
	if k.Kind == Browser && !k.Disabled {
		for _, origin := range k.Origins {
			a.origins[origin] = true
		}
		a.loopback = a.loopback || k.loopback
	}
	return true
}

// addToken is addKey for tokens.
func (a *Access) addToken(sum digest, t Token) bool {
	if _, taken := a.tokens[sum]; taken {
		return false
	}
	a.tokens[sum] = hashed[Token]{sum, t}
	if t.Role == Operator {
		a.operators++
	}
	return true
}

// name adds the names of applications.
func (a *Access) name(applications ...string) {
	a.applications = append(a.applications, applications...)
	slices.Sort(a.applications)
	a.applications = slices.Compact(a.applications)
}
