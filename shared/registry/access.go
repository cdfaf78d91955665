package registry

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"iter"
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

// KeySettings are what an operator decides about a write key. The slice is shared:
// read it only.
type KeySettings struct {
	Kind Kind `json:"kind"`
	// Origins are the origins that a browser key is used from, in the form of
	// NormalizeOrigin; a server key has none. Decide by Key.AllowsOrigin, which
	// also knows subdomains and development keys.
	Origins []string `json:"origins,omitzero"`
	// Disabled keys are known and write nothing.
	Disabled bool `json:"disabled,omitzero"`
	// ExpiresAt ends the key; zero is never. Decide by Key.Expired.
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	// EventsPerSecond and BytesPerSecond limit what the key sends; 0 is no
	// limit.
	EventsPerSecond int64 `json:"events_per_second,omitzero"`
	BytesPerSecond  int64 `json:"bytes_per_second,omitzero"`
}

// ApplicationSettings are what an operator decides about an application beside its
// write keys. The slice is shared: read it only. A process of a version that does not
// know a member goes on with the application's newest record without it.
type ApplicationSettings struct {
	// Adapters are the formats of other products whose routes the application's
	// keys may use. Names that this version does not know are of a later one.
	Adapters []string `json:"adapters,omitzero"`
	// MissingSession is what becomes of an event of such a format that has no
	// session: event.SessionRequired, or "", which is event.SessionFromSender.
	MissingSession string `json:"missing_session,omitzero"`
}

// Adapters returns the names of all formats that ApplicationSettings may list.
func Adapters() []string { return []string{"cloudevents", "segment", "snowplow"} }

// Key is a write key without its secret and its digest.
type Key struct {
	// ID names the key without revealing it: the first 12 hexadecimal digits of
	// its secret's SHA-256.
	ID string
	// Application is the one whose events the key writes.
	Application string
	KeySettings
	// Settings are those of the application.
	Settings ApplicationSettings

	loopback bool // any origin of this machine: development only
}

// Expired reports whether the key has ended at now. An expired key is known, as
// a disabled one is, and writes nothing.
func (k Key) Expired(now time.Time) bool {
	return !k.ExpiresAt.IsZero() && !now.Before(k.ExpiresAt)
}

// Limited reports whether the key has a limit of events or bytes a second.
func (k Key) Limited() bool { return k.EventsPerSecond > 0 || k.BytesPerSecond > 0 }

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
	for _, listed := range k.Origins {
		if matchOrigin(listed, origin) {
			return true
		}
	}
	return k.loopback && isLoopbackOrigin(origin)
}

// Token is a query or operator token without its secret. Its slice is shared:
// read it only.
type Token struct {
	ID   string
	Role Role
	// Applications limits an analyst; nil is every application.
	Applications []string
}

// Access is who may write and who may read, by one snapshot. It is immutable
// and safe for concurrent use.
type Access struct {
	keys         map[Digest]digested[Key]
	tokens       map[Digest]digested[Token]
	origins      originSet
	applications []string
	loopback     bool
	operators    int
}

// Digest is the SHA-256 of a secret.
type Digest [sha256.Size]byte

// keyIDDigits is how many digits of its digest name a write key: enough to
// distinguish those of an application, too few to help to guess the secret.
const keyIDDigits = 12

var errDigest = errors.New("sha256 is not 64 hexadecimal digits")

// TokenPrefix begins the secrets of all tokens that the registry makes. A collector
// that runs apart reads no tokens, and knows one by it.
const TokenPrefix = "eye_token_"

// DigestOf returns the digest of a secret.
func DigestOf(secret string) Digest { return sha256.Sum256([]byte(secret)) }

// ParseDigest reads 64 hexadecimal digits. Its error does not quote them: they
// may be a secret.
func ParseDigest(s string) (d Digest, err error) {
	if len(s) != hex.EncodedLen(len(d)) {
		return d, errDigest
	}
	if _, err := hex.Decode(d[:], []byte(s)); err != nil {
		return d, errDigest
	}
	return d, nil
}

// String returns the digest in hexadecimal digits, in lower case.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// keyID returns the id of the write key with this digest.
func (d Digest) keyID() string { return d.String()[:keyIDDigits] }

// digested is a credential beside its digest, which is compared once more in
// constant time: a lookup in a map does not promise that.
type digested[T any] struct {
	sum   Digest
	value T
}

// findSecret returns the credential with a secret.
func findSecret[T any](m map[Digest]digested[T], secret string) (T, bool) {
	sum := DigestOf(secret)
	h, ok := m[sum]
	if ok && secret != "" && subtle.ConstantTimeCompare(h.sum[:], sum[:]) == 1 {
		return h.value, true
	}
	var none T
	return none, false
}

// WriteKey returns the write key with this secret. A disabled or expired one is
// found too.
func (a *Access) WriteKey(secret string) (Key, bool) { return findSecret(a.keys, secret) }

// Token returns the token with this secret. Write keys are no tokens.
func (a *Access) Token(secret string) (Token, bool) { return findSecret(a.tokens, secret) }

// OriginListed reports whether a key of any application, also a disabled one,
// lists the origin. Preflight requests, which carry no key, are granted by it, and
// pages may read the answers to their requests.
func (a *Access) OriginListed(origin string) bool {
	return a.origins.covers(origin) || a.loopback && isLoopbackOrigin(origin)
}

// Applications returns the names of all applications, sorted. The caller owns the
// slice.
func (a *Access) Applications() []string { return slices.Clone(a.applications) }

// Operators returns how many operator tokens there are.
func (a *Access) Operators() int { return a.operators }

// Limited returns the write keys that have a limit of events or bytes a second,
// in no order.
func (a *Access) Limited() iter.Seq[Key] {
	return func(yield func(Key) bool) {
		for _, h := range a.keys {
			if h.value.Limited() && !yield(h.value) {
				return
			}
		}
	}
}

// newAccess returns an empty Access with room for so many keys and tokens.
func newAccess(keys, tokens int) *Access {
	return &Access{
		keys:    make(map[Digest]digested[Key], keys),
		tokens:  make(map[Digest]digested[Token], tokens),
		origins: make(originSet, keys),
	}
}

// addKey adds a write key unless its digest is taken; it reports whether it did.
func (a *Access) addKey(sum Digest, k Key) bool {
	if _, taken := a.keys[sum]; taken {
		return false
	}
	a.keys[sum] = digested[Key]{sum, k}
	if k.Kind == Browser {
		for _, origin := range k.Origins {
			a.origins[origin] = true
		}
		a.loopback = a.loopback || k.loopback
	}
	return true
}

// addToken is addKey for tokens.
func (a *Access) addToken(sum Digest, t Token) bool {
	if _, taken := a.tokens[sum]; taken {
		return false
	}
	a.tokens[sum] = digested[Token]{sum, t}
	if t.Role == Operator {
		a.operators++
	}
	return true
}

// addApplications adds the names of applications.
func (a *Access) addApplications(names ...string) {
	a.applications = append(a.applications, names...)
	slices.Sort(a.applications)
	a.applications = slices.Compact(a.applications)
}
