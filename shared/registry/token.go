package registry

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/stream"
)

// Errors of CreateToken.
var (
	// ErrTokenExists is returned when another token has the id.
	ErrTokenExists = errors.New("a token with this id exists")
	// ErrInvalidToken is returned with what is wrong.
	ErrInvalidToken = errors.New("invalid token")
)

// secretPrefix tells people, and scanners of repositories, what a secret is.
const secretPrefix = "eye_"

// CreateToken makes a secret for t and stores t with its SHA-256. The secret is
// returned this once and is nowhere else. The id has 1 to 64 of a-z, 0-9 and -.
func CreateToken(ctx context.Context, js jetstream.JetStream, t Token) (secret string, err error) {
	if err := checkToken(t); err != nil {
		return "", err
	}
	kv, err := js.KeyValue(ctx, stream.BucketTokens)
	if err != nil {
		return "", fmt.Errorf("open bucket %s: %w", stream.BucketTokens, err)
	}
	secret = secretPrefix + rand.Text()
	value, err := json.Marshal(tokenRecord{
		SHA256: digestOf(secret).String(), Role: t.Role, Applications: t.Applications,
		change: change{Author: t.ID, Time: time.Now().UTC().Truncate(time.Second)},
	})
	if err != nil {
		return "", fmt.Errorf("encode token %s: %w", t.ID, err)
	}
	if _, err := kv.Create(ctx, t.ID, value); conflict(err) {
		return "", fmt.Errorf("%w: %s", ErrTokenExists, t.ID)
	} else if err != nil {
		return "", fmt.Errorf("store token %s: %w", t.ID, err)
	}
	return secret, nil
}

func checkToken(t Token) error {
	switch {
	case !tokenID.MatchString(t.ID):
		return fmt.Errorf("%w: the id %q is not 1 to 64 of a-z, 0-9 and -", ErrInvalidToken, t.ID)
	case t.Role != Analyst && t.Role != Operator:
		return fmt.Errorf("%w: the role %q is not known", ErrInvalidToken, t.Role)
	case t.Role == Operator && t.Applications != nil:
		return fmt.Errorf("%w: an operator is not limited to applications", ErrInvalidToken)
	case slices.ContainsFunc(t.Applications, func(a string) bool { return !stream.ValidApplication(a) }):
		return fmt.Errorf("%w: %q names an application that cannot be", ErrInvalidToken, t.Applications)
	}
	return nil
}
