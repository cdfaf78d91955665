package registry

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/kv"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/stream"
)

// The records below are the values of the buckets, in JSON. The package editor
// writes them; a Registry reads them.

// ChangeInfo says who made a version of a record, why and when. It is part of
// every record.
type ChangeInfo struct {
	// Author is the id of a token, or another name.
	Author string `json:"author,omitzero"`
	// Note is why, in one line.
	Note string `json:"note,omitzero"`
	// Time is when the version was made, to the second.
	Time time.Time `json:"time,omitzero"`
}

// ReadChangeInfo reads the ChangeInfo of an entry of a bucket. If its record
// cannot be read or has no time, the time is that of the server.
func ReadChangeInfo(e kv.Entry) ChangeInfo {
	var info ChangeInfo
	if err := json.Unmarshal(e.Value, &info); err != nil {
		info = ChangeInfo{}
	}
	if info.Time.IsZero() {
		info.Time = e.Created.UTC().Truncate(time.Second)
	}
	return info
}

// SchemaRecord is a value of bucket SCHEMAS: a schema or, under
// stream.KeyPolicy, the policy.
type SchemaRecord struct {
	Schema jsontext.Value `json:"schema,omitzero"`
	Policy jsontext.Value `json:"policy,omitzero"`
	ChangeInfo
}

// SecretRecord is the value of stream.KeyPII in bucket SCHEMAS: the key that
// personal values are hashed with, in base64.
type SecretRecord struct {
	Secret []byte `json:"secret"`
	ChangeInfo
}

// SecretBytes is the length of that key.
const SecretBytes = 32

// ApplicationRecord is a value of bucket APPLICATIONS.
type ApplicationRecord struct {
	Keys []KeyRecord `json:"keys"`
	ApplicationSettings
	ChangeInfo
}

// KeyRecord is a write key as an ApplicationRecord holds it.
type KeyRecord struct {
	// SHA256 is the digest of the secret.
	SHA256 string `json:"sha256"`
	KeySettings
}

// ID returns the id of the key, "" if it has no digest.
func (k KeyRecord) ID() string { return k.SHA256[:min(keyIDDigits, len(k.SHA256))] }

// Key returns the key of an application.
func (k KeyRecord) Key(application string) Key {
	return Key{ID: k.ID(), Application: application, KeySettings: k.KeySettings}
}

// TokenRecord is a value of bucket TOKENS. The token's id is its key.
type TokenRecord struct {
	SHA256       string   `json:"sha256"`
	Role         Role     `json:"role"`
	Applications []string `json:"applications,omitzero"`
	ChangeInfo
}

var tokenID = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)

// ValidTokenID reports whether a token can have an id: 1 to 64 of a-z, 0-9 and
// -, not starting with -.
func ValidTokenID(id string) bool { return tokenID.MatchString(id) }

// maxTypeKey bounds a key of bucket SCHEMAS, in bytes: it becomes a subject, and
// a protocol line over 4 KB closes the connection for all who share it.
const maxTypeKey = 512

// TypeKey returns the key of a type's schema in bucket SCHEMAS.
func TypeKey(t schema.Type) (string, error) {
	key := stream.KeyTypes + "." + stream.Escape(t.Category) + "." + stream.Escape(t.Name)
	if len(key) > maxTypeKey {
		return "", fmt.Errorf("category and name are too long: escaped they have %d bytes; %d are allowed", len(key), maxTypeKey)
	}
	_, err := ParseTypeKey(key)
	return key, err
}

// ParseTypeKey reverses TypeKey.
func ParseTypeKey(key string) (schema.Type, error) {
	rest, ok := strings.CutPrefix(key, stream.KeyTypes+".")
	category, name, two := strings.Cut(rest, ".")
	if !ok || !two {
		return schema.Type{}, errors.New("the key is not one of a type")
	}
	return schema.UnescapeType(category, name)
}

// decodeRecord decodes a record. Members that the record does not have are an
// error: the value is another record, or an answer of NATS that was directed
// into the bucket.
func decodeRecord(raw []byte, into any) error {
	if err := json.Unmarshal(raw, into, json.RejectUnknownMembers(true)); err != nil {
		return fmt.Errorf("decode the record: %w", err)
	}
	return nil
}

// ReadApplication reads a value of bucket APPLICATIONS.
func ReadApplication(raw []byte) (ApplicationRecord, error) {
	var r ApplicationRecord
	if err := decodeRecord(raw, &r); err != nil {
		return ApplicationRecord{}, err
	}
	if r.Keys == nil {
		return ApplicationRecord{}, errors.New("the member keys is missing")
	}
	return r, nil
}

// decodeApplication reads the write keys of a value of bucket APPLICATIONS.
func decodeApplication(key string, raw []byte) ([]digested[Key], error) {
	if !stream.ValidApplication(key) {
		return nil, errors.New("the key is not the name of an application")
	}
	r, err := ReadApplication(raw)
	if err != nil {
		return nil, err
	}
	keys := make([]digested[Key], 0, len(r.Keys))
	for i, k := range r.Keys {
		sum, err := ParseDigest(k.SHA256)
		if err != nil {
			return nil, fmt.Errorf("write key %d: %w", i, err)
		}
		if k.Kind != Browser && k.Kind != Server {
			return nil, fmt.Errorf("write key %d: kind %q is not known", i, k.Kind)
		}
		keys = append(keys, digested[Key]{sum, Key{
			ID: sum.keyID(), Application: key, KeySettings: k.KeySettings, Settings: r.ApplicationSettings,
		}})
	}
	return keys, nil
}

// ReadToken reads a value of bucket TOKENS.
func ReadToken(raw []byte) (TokenRecord, error) {
	var r TokenRecord
	err := decodeRecord(raw, &r)
	return r, err
}

// decodeToken reads the token of a value of bucket TOKENS.
func decodeToken(key string, raw []byte) (digested[Token], error) {
	r, err := ReadToken(raw)
	if err != nil {
		return digested[Token]{}, err
	}
	sum, err := ParseDigest(r.SHA256)
	if err != nil {
		return digested[Token]{}, err
	}
	if r.Role != Analyst && r.Role != Operator {
		return digested[Token]{}, fmt.Errorf("role %q is not known", r.Role)
	}
	return digested[Token]{sum, Token{ID: key, Role: r.Role, Applications: r.Applications}}, nil
}

// openSchemaRecord returns what a value of bucket SCHEMAS declares: the text of
// a schema or of the policy, or a secret.
func openSchemaRecord(key string, raw []byte) ([]byte, error) {
	var s SecretRecord
	var r SchemaRecord
	var into any = &r
	if key == stream.KeyPII {
		into = &s
	}
	if err := decodeRecord(raw, into); err != nil {
		return nil, err
	}
	switch key {
	case stream.KeyPII:
		return s.Secret, nil
	case stream.KeyPolicy:
		return r.Policy, nil
	}
	_, err := ParseTypeKey(key)
	return r.Schema, err
}

// secret is a SecretRecord's secret of the right length.
type secret []byte

var errSecret = errors.New("the secret is not of 32 bytes")

// decodeDeclaration decodes what openSchemaRecord returned: to a *schema.Schema, a
// schema.Policy or a secret.
func decodeDeclaration(key string, content []byte) (any, error) {
	switch key {
	case stream.KeyPII:
		if len(content) != SecretBytes {
			return nil, errSecret
		}
		return secret(content), nil
	case stream.KeyPolicy:
		p, faults := schema.ParsePolicy(content)
		return p, FirstFault(faults)
	}
	s, faults := schema.Compile(content)
	return s, FirstFault(faults)
}

// FirstFault returns an error that counts faults and quotes the first one, nil
// for none.
func FirstFault(faults []event.Fault) error {
	if len(faults) == 0 {
		return nil
	}
	return fmt.Errorf("%d faults, first at %q: %s", len(faults), faults[0].Path, faults[0].Message)
}

// isKnownKey reports whether this version knows a key of bucket SCHEMAS. A put
// under any other makes a revision and changes nothing else.
func isKnownKey(key string) bool {
	return key == stream.KeyPolicy || key == stream.KeyPII || strings.HasPrefix(key, stream.KeyTypes+".")
}
