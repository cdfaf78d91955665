package lastuse

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/kv"
)

// Credential names a write key by its application and its id, or a token by its id.
type Credential struct{ Application, ID string }

// Prefixes of the keys of marks: a user of NATS may write those of one kind alone.
const (
	keyPrefix   = "key."
	tokenPrefix = "token."
)

// anyID stands for all ids, as in the patterns of a bucket.
const anyID = "*"

// markKey returns the key of the credential's mark.
func (c Credential) markKey() string {
	if c.Application == "" {
		return tokenPrefix + c.ID
	}
	return keyPrefix + c.Application + "." + c.ID
}

// parseMarkKey reverses markKey.
func parseMarkKey(key string) Credential {
	if id, ok := strings.CutPrefix(key, tokenPrefix); ok {
		return Credential{ID: id}
	}
	application, id, _ := strings.Cut(strings.TrimPrefix(key, keyPrefix), ".")
	return Credential{application, id}
}

// Patterns of credentials for Read and Remove.
var (
	// EveryKey are the write keys of all applications.
	EveryKey = Credential{"*", anyID}
	// EveryToken are all tokens.
	EveryToken = Credential{"", anyID}
)

// KeysOf are the write keys of one application.
func KeysOf(application string) Credential { return Credential{application, anyID} }

// Read returns the hours of the last uses of the credentials that match a pattern, or of
// one credential. Those without a mark are left out. It is empty while the bucket does
// not exist, which the processor makes.
func Read(ctx context.Context, b *kv.Bucket, pattern Credential) (map[Credential]time.Time, error) {
	marks := map[Credential]time.Time{}
	err := b.Each(ctx, pattern.markKey(), func(key string, e kv.Entry) {
		if at, ok := readMark(e); ok {
			marks[parseMarkKey(key)] = at
		}
	})
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		err = nil
	}
	return marks, err
}

// Remove removes the marks of the credentials that match a pattern. A process that noted a
// use of one before may write a mark once more.
func Remove(ctx context.Context, b *kv.Bucket, pattern Credential) error {
	marks, err := Read(ctx, b, pattern)
	for c := range marks {
		if err := b.Purge(ctx, c.markKey()); err != nil {
			return err
		}
	}
	return err
}

// hourOf returns the hour of a time.
func hourOf(t time.Time) time.Time { return t.UTC().Truncate(time.Hour) }

// readMark returns the hour of a mark; false if the entry has none. A process with a
// clock that is ahead writes hours of the future: they count as the hour in which the
// server took them.
func readMark(e kv.Entry) (time.Time, bool) {
	if !e.Exists() {
		return time.Time{}, false
	}
	hour, err := time.Parse(time.RFC3339, string(e.Value))
	if err != nil {
		return time.Time{}, false
	}
	if taken := hourOf(e.Created); hour.After(taken) {
		hour = taken
	}
	return hour.UTC(), true
}

// writeMark moves the mark of a credential forward to an hour. It leaves a mark of that
// hour or of a later one.
func writeMark(ctx context.Context, b *kv.Bucket, c Credential, hour time.Time) error {
	_, err := b.Update(ctx, c.markKey(), func(now kv.Entry) (kv.Write, error) {
		if last, ok := readMark(now); ok && !hour.After(last) {
			return kv.Write{}, kv.ErrUnchanged
		}
		return kv.Write{Value: []byte(hour.Format(time.RFC3339))}, nil
	})
	if errors.Is(err, kv.ErrUnchanged) {
		return nil
	}
	return err
}
