package registry

import (
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/stream"
)

// secretRecord is the value of stream.KeyPII in bucket SCHEMAS: what personal
// values are hashed with, in base64.
type secretRecord struct {
	Secret []byte `json:"secret"`
	change
}

// secretBytes is the length of that secret.
const secretBytes = 32

// secret is a secret that was read.
type secret []byte

// meaningful reports whether a key of bucket SCHEMAS is one of those that this
// version knows. A put under any other makes a revision and nothing else.
func meaningful(key string) bool {
	return key == stream.KeyPolicy || key == stream.KeyPII || strings.HasPrefix(key, stream.KeyTypes+".")
}

// openRecord takes from a record of bucket SCHEMAS what it declares: the text of
// a schema or of the policy, or a secret.
func openRecord(key string, record []byte) ([]byte, error) {
	var s secretRecord
	var r schemaRecord
	var into any = &r
	if key == stream.KeyPII {
		into = &s
	}
	if err := json.Unmarshal(record, into); err != nil {
		return nil, fmt.Errorf("decode the record: %w", err)
	}
	switch key {
	case stream.KeyPII:
		return s.Secret, nil
	case stream.KeyPolicy:
		return r.Policy, nil
	}
	_, err := keyType(key)
	return r.Schema, err
}

// decodeContent reads what openRecord took: a *schema.Schema, a schema.Policy
// or a secret.
func decodeContent(key string, content []byte) (any, error) {
	switch key {
	case stream.KeyPII:
		if len(content) != secretBytes {
			return nil, errSecret
		}
		return secret(content), nil
	case stream.KeyPolicy:
		p, faults := schema.ParsePolicy(content)
		return p, firstOf(faults)
	}
	s, faults := schema.Compile(content)
	return s, firstOf(faults)
}

var errSecret = errors.New("the secret has not 32 bytes")
