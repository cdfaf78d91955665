package editor

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"reflect"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/kv"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/schema"
)

const (
	// keyPrefix shows people, and scanners of repositories, what a secret is; so
	// does registry.TokenPrefix.
	keyPrefix = "eye_"
	// maxOverlap bounds how long an old key is valid beside the new one.
	maxOverlap = 366 * 24 * time.Hour
	// maxRecord bounds the record of an application, in bytes: it has to be one
	// message.
	maxRecord = 256 << 10
)

// NewKey is a write key that has just been made. However it is printed, logged or
// encoded, its secret is left out: read it from the field.
type NewKey struct {
	registry.Key
	// Secret is stored nowhere and cannot be read again.
	Secret string `json:"-"`
}

const redacted = "(redacted)"

// Format prints the key without its secret, whatever the verb.
func (k NewKey) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "write key "+k.ID+" "+redacted)
}

// LogValue logs the key without its secret.
func (k NewKey) LogValue() slog.Value {
	return slog.GroupValue(slog.String("id", k.ID), slog.String("secret", redacted))
}

// newSecret makes a secret of 130 random bits.
func newSecret(prefix string) string { return prefix + rand.Text() }

// makeKey makes a write key of an application.
func makeKey(application string, settings registry.KeySettings) (registry.KeyRecord, NewKey, []event.Fault) {
	secret := newSecret(keyPrefix)
	k, faults := checkSettings(settings, registry.DigestOf(secret).String())
	if len(faults) > 0 {
		return registry.KeyRecord{}, NewKey{}, faults
	}
	return k, NewKey{Key: k.Key(application), Secret: secret}, nil
}

// checkSettings returns the record of a key with this digest. It is checked as a
// declared key is.
func checkSettings(settings registry.KeySettings, sum string) (registry.KeyRecord, []event.Fault) {
	var faults []event.Fault
	m := schema.Location{Faults: &faults}
	settings.ExpiresAt = settings.ExpiresAt.UTC()
	raw, err := json.Marshal(registry.KeyRecord{SHA256: sum, KeySettings: settings})
	if err != nil {
		m.Faultf("cannot be written as JSON, which is UTF-8 and has times of the years 0 to 9999")
		return registry.KeyRecord{}, faults
	}
	tree, faults := schema.Read(raw)
	if len(faults) > 0 {
		return registry.KeyRecord{}, faults
	}
	m.Faults = &faults
	return parseKey(m, tree), faults
}

// AddKey gives an application one more write key, whose secret is returned this
// once.
func (e *Editor) AddKey(ctx context.Context, name string, settings registry.KeySettings, match Precondition, by registry.ChangeInfo) (Application, NewKey, error) {
	k, made, faults := makeKey(name, settings)
	if err := invalid(faults); err != nil {
		return Application{}, NewKey{}, err
	}
	a, err := e.editKeys(ctx, name, match, by, func(keys []registry.KeyRecord) ([]registry.KeyRecord, error) {
		return append(keys, k), nil
	})
	if err != nil {
		return Application{}, NewKey{}, err
	}
	return a, made, nil
}

// RotateKey replaces a write key of an application by a new one: of the same
// kind, with the same origins and limits, enabled and without an end. The old one
// ends after overlap, with 0 at once, unless it ends before that anyway.
func (e *Editor) RotateKey(ctx context.Context, name, id string, overlap time.Duration, match Precondition, by registry.ChangeInfo) (Application, NewKey, error) {
	var faults []event.Fault
	if overlap < 0 || overlap > maxOverlap {
		schema.Location{Faults: &faults}.At("overlap").Faultf("must be a duration from 0 to %s", maxOverlap)
	}
	if err := invalid(faults, checkChangeInfo(by)); err != nil {
		return Application{}, NewKey{}, err
	}
	secret := newSecret(keyPrefix)
	var made NewKey
	a, err := e.editKeys(ctx, name, match, by, func(keys []registry.KeyRecord) ([]registry.KeyRecord, error) {
		i, err := findKey(keys, id)
		if err != nil {
			return nil, err
		}
		next := keys[i]
		next.SHA256, next.Disabled, next.ExpiresAt = registry.DigestOf(secret).String(), false, time.Time{}
		end := time.Now().UTC().Add(overlap).Truncate(time.Second)
		if old := &keys[i].ExpiresAt; old.IsZero() || old.After(end) {
			*old = end
		}
		made = NewKey{next.Key(name), secret}
		return append(keys, next), nil
	})
	if err != nil {
		return Application{}, NewKey{}, err
	}
	return a, made, nil
}

// SetKey replaces all settings of a write key.
func (e *Editor) SetKey(ctx context.Context, name, id string, settings registry.KeySettings, match Precondition, by registry.ChangeInfo) (Application, error) {
	k, faults := checkSettings(settings, registry.Digest{}.String())
	if err := invalid(faults, checkChangeInfo(by)); err != nil {
		return Application{}, err
	}
	return e.editKeys(ctx, name, match, by, func(keys []registry.KeyRecord) ([]registry.KeyRecord, error) {
		i, err := findKey(keys, id)
		if err != nil {
			return nil, err
		}
		k.SHA256 = keys[i].SHA256
		keys[i] = k
		return keys, nil
	})
}

// DeleteKey removes a write key of an application. Requests with it are answered
// as those with an unknown key.
func (e *Editor) DeleteKey(ctx context.Context, name, id string, match Precondition, by registry.ChangeInfo) (Application, error) {
	return e.editKeys(ctx, name, match, by, func(keys []registry.KeyRecord) ([]registry.KeyRecord, error) {
		i, err := findKey(keys, id)
		if err != nil {
			return nil, err
		}
		return slices.Delete(keys, i, i+1), nil
	})
}

// findKey returns the index of the key with an id.
func findKey(keys []registry.KeyRecord, id string) (int, error) {
	i := slices.IndexFunc(keys, func(k registry.KeyRecord) bool { return k.ID() == id })
	if i < 0 {
		return 0, fmt.Errorf("write key %q: %w", id, registry.ErrNotFound)
	}
	return i, nil
}

// editKeys puts what change makes of an application's write keys. change may
// alter the slice that it gets.
func (e *Editor) editKeys(ctx context.Context, name string, match Precondition, by registry.ChangeInfo, change func([]registry.KeyRecord) ([]registry.KeyRecord, error)) (Application, error) {
	return e.editApplication(ctx, name, match, by, func(r *registry.ApplicationRecord) error {
		keys, err := change(slices.Clone(r.Keys))
		if err == nil {
			r.Keys = keys
		}
		return err
	})
}

// editApplication puts what change makes of an application's record. change may
// replace the slices of the record, not alter them.
func (e *Editor) editApplication(ctx context.Context, name string, match Precondition, by registry.ChangeInfo, change func(*registry.ApplicationRecord) error) (Application, error) {
	if err := invalid(checkName(name)); err != nil {
		return Application{}, registry.ErrNotFound
	}
	if err := invalid(checkChangeInfo(by)); err != nil {
		return Application{}, err
	}
	var next registry.ApplicationRecord
	put, err := edit(ctx, e.applications.Bucket, name, match, func(now kv.Entry) ([]byte, error) {
		if !now.Exists() {
			return nil, fmt.Errorf("application %s: %w", name, registry.ErrNotFound)
		}
		present, err := registry.ReadApplication(now.Value)
		if err != nil {
			return nil, unreadable(name, err)
		}
		next = present
		if err := change(&next); err != nil {
			return nil, err
		}
		if reflect.DeepEqual(next, present) {
			next.ChangeInfo = registry.ReadChangeInfo(now)
			return nil, kv.ErrUnchanged
		}
		next.ChangeInfo = stamp(by)
		return encodeKeys(next)
	})
	if err != nil {
		return Application{}, err
	}
	return newApplication(name, put.Revision, next), nil
}

// encodeKeys encodes a record that may have grown too large.
func encodeKeys(r registry.ApplicationRecord) ([]byte, error) {
	value, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode write keys: %w", err)
	}
	var faults []event.Fault
	m := schema.Location{Faults: &faults}
	switch {
	case len(r.Keys) > maxKeys:
		m.Faultf("an application has at most %d write keys: delete those that have ended", maxKeys)
	case len(value) > maxRecord:
		m.Faultf("the write keys of an application have at most %d bytes together; this would make %d", maxRecord, len(value))
	}
	return value, invalid(faults)
}
