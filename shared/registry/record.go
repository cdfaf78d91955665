package registry

import (
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/stream"
)

// change is what every record says about how it came to be.
type change struct {
	// Author is who made the version, Note why, Time when.
	Author string    `json:"author,omitzero"`
	Note   string    `json:"note,omitzero"`
	Time   time.Time `json:"time,omitzero"`
}

// schemaRecord is a value of bucket SCHEMAS: a schema or, under its own key,
// the policy.
type schemaRecord struct {
	Schema jsontext.Value `json:"schema,omitzero"`
	Policy jsontext.Value `json:"policy,omitzero"`
	change
}

// applicationRecord is a value of bucket APPLICATIONS.
type applicationRecord struct {
	Keys []keyRecord `json:"keys"`
	change
}

type keyRecord struct {
	SHA256          string    `json:"sha256"`
	Kind            Kind      `json:"kind"`
	Origins         []string  `json:"origins,omitzero"`
	Disabled        bool      `json:"disabled,omitzero"`
	ExpiresAt       time.Time `json:"expires_at,omitzero"`
	EventsPerSecond int64     `json:"events_per_second,omitzero"`
	BytesPerSecond  int64     `json:"bytes_per_second,omitzero"`
}

// id names the key; it has a hash that was checked, or "".
func (k keyRecord) id() string { return k.SHA256[:min(keyIDDigits, len(k.SHA256))] }

// tokenRecord is a value of bucket TOKENS.
type tokenRecord struct {
	SHA256       string   `json:"sha256"`
	Role         Role     `json:"role"`
	Applications []string `json:"applications,omitzero"`
	change
}

// tokenID matches the id of a token, which is its key in the bucket.
var tokenID = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)

// maxKey bounds the key of a bucket: it becomes a subject, and a protocol line
// over 4 KB closes the connection of everyone on it.
const maxKey = 512

// typeKey is the key of a type's schema.
func typeKey(t schema.Type) (string, error) {
	key := stream.KeyTypes + "." + stream.Escape(t.Category) + "." + stream.Escape(t.Name)
	if len(key) > maxKey {
		return "", fmt.Errorf("category and name are too long: escaped they have %d bytes; %d are allowed", len(key), maxKey)
	}
	return key, nil
}

// keyType reverses typeKey.
func keyType(key string) (schema.Type, error) {
	rest, ok := strings.CutPrefix(key, stream.KeyTypes+".")
	category, name, two := strings.Cut(rest, ".")
	if !ok || !two {
		return schema.Type{}, errors.New("the key is of no type")
	}
	return schema.UnescapeType(category, name)
}

// firstOf makes an error of the first fault.
func firstOf(faults []event.Fault) error {
	if len(faults) == 0 {
		return nil
	}
	return fmt.Errorf("%d faults, first at %q: %s", len(faults), faults[0].Path, faults[0].Message)
}

// decodeApplication reads a value of bucket APPLICATIONS.
func decodeApplication(key string, raw []byte) ([]hashed[Key], error) {
	if !stream.ValidApplication(key) {
		return nil, errors.New("the key is no application's name")
	}
	var r applicationRecord
	if err := json.Unmarshal(raw, &r); err != nil {
		return nil, fmt.Errorf("decode the record: %w", err)
	}
	keys := make([]hashed[Key], 0, len(r.Keys))
	for i, k := range r.Keys {
		sum, err := parseDigest(k.SHA256)
		if err != nil {
			return nil, fmt.Errorf("write key %d: %w", i, err)
		}
		if k.Kind != Browser && k.Kind != Server {
			return nil, fmt.Errorf("write key %d: kind %q is not known", i, k.Kind)
		}
		keys = append(keys, hashed[Key]{sum, Key{
			Application: key, ID: sum.keyID(), Kind: k.Kind, Origins: k.Origins, Disabled: k.Disabled,
			ExpiresAt: k.ExpiresAt, EventsPerSecond: k.EventsPerSecond, BytesPerSecond: k.BytesPerSecond,
		}})
	}
	return keys, nil
}

// decodeToken reads a value of bucket TOKENS.
func decodeToken(key string, raw []byte) (hashed[Token], error) {
	var r tokenRecord
	if err := json.Unmarshal(raw, &r); err != nil {
		return hashed[Token]{}, fmt.Errorf("decode the record: %w", err)
	}
	sum, err := parseDigest(r.SHA256)
	if err != nil {
		return hashed[Token]{}, err
	}
	if r.Role != Analyst && r.Role != Operator {
		return hashed[Token]{}, fmt.Errorf("role %q is not known", r.Role)
	}
	return hashed[Token]{sum, Token{ID: key, Role: r.Role, Applications: r.Applications}}, nil
}

var errDigest = errors.New("sha256 is not 64 hexadecimal digits")

func parseDigest(s string) (sum digest, err error) {
	if len(s) != hex.EncodedLen(len(sum)) {
		return sum, errDigest
	}
	if _, err := hex.Decode(sum[:], []byte(s)); err != nil {
		return sum, errDigest
	}
	return sum, nil
}

func (d digest) String() string { return hex.EncodeToString(d[:]) }
