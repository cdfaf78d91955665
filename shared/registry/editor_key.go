package registry

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
	"github.com/theeye/theeye/shared/schema"
)

// maxOverlap bounds how long an old key lives beside the new one.
const maxOverlap = 366 * 24 * time.Hour

// KeyInfo is a write key as people see it: without its secret and its hash.
type KeyInfo struct {
	// ID is the first 12 hexadecimal digits of the SHA-256 of the secret.
	ID   string `json:"id"`
	Kind Kind   `json:"kind"`
	// Origins are those that a browser key is used from; a server key has none.
	Origins  []string `json:"origins,omitempty"`
	Disabled bool     `json:"disabled,omitzero"`
	// ExpiresAt is when the key ends, zero when it does not.
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	// EventsPerSecond and BytesPerSecond limit the key; 0 is no limit.
	EventsPerSecond int64 `json:"events_per_second,omitzero"`
	BytesPerSecond  int64 `json:"bytes_per_second,omitzero"`
}

func (k keyRecord) info() KeyInfo {
	return KeyInfo{
		ID: k.id(), Kind: k.Kind, Origins: k.Origins, Disabled: k.Disabled, ExpiresAt: k.ExpiresAt,
		EventsPerSecond: k.EventsPerSecond, BytesPerSecond: k.BytesPerSecond,
	}
}

// NewKey is a write key that was made now. However it is printed, logged or
// encoded, its secret is not: whoever wants it takes it.
type NewKey struct {
	KeyInfo
	// Secret is nowhere else, and cannot be had again.
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
func newSecret() string { return secretPrefix + rand.Text() }

// makeKey makes a write key that is as spec says, but for the id.
func makeKey(spec KeyInfo) (keyRecord, NewKey, []event.Fault) {
	secret := newSecret()
	k, faults := spec.record(digestOf(secret).String())
	if len(faults) > 0 {
		return keyRecord{}, NewKey{}, faults
	}
	return k, NewKey{KeyInfo: k.info(), Secret: secret}, nil
}

// record is the record of a key with this hash, which is checked as one that is
// declared.
func (i KeyInfo) record(sum string) (keyRecord, []event.Fault) {
	var faults []event.Fault
	m := schema.Location{Faults: &faults}
	raw, err := json.Marshal(keyRecord{
		SHA256: sum, Kind: i.Kind, Origins: i.Origins, Disabled: i.Disabled, ExpiresAt: i.ExpiresAt.UTC(),
		EventsPerSecond: i.EventsPerSecond, BytesPerSecond: i.BytesPerSecond,
	})
	if err != nil {
		m.Faultf("cannot be written as JSON, which is UTF-8 and has times of the years 0 to 9999")
		return keyRecord{}, faults
	}
	tree, faults := schema.Read(raw)
	if len(faults) > 0 {
		return keyRecord{}, faults
	}
	m.Faults = &faults
	return parseKey(m, tree), faults
}

// AddKey gives an application one more write key, whose secret is returned this
// once.
func (e *Editor) AddKey(ctx context.Context, name string, spec KeyInfo, match uint64, by By) (Application, NewKey, error) {
	k, made, faults := makeKey(spec)
	if err := invalid(faults); err != nil {
		return Application{}, NewKey{}, err
	}
	a, err := e.editKeys(ctx, name, match, by, func(keys []keyRecord) ([]keyRecord, error) {
		return append(keys, k), nil
	})
	if err != nil {
		return Application{}, NewKey{}, err
	}
	return a, made, nil
}

// RotateKey gives an application a new write key in the place of the one with
// this id: of the same kind, with the same origins and limits, enabled and
// without an end. The old one ends after overlap, with 0 at once, unless it ends
// before that anyway.
func (e *Editor) RotateKey(ctx context.Context, name, id string, overlap time.Duration, match uint64, by By) (Application, NewKey, error) {
	var faults []event.Fault
	if overlap < 0 || overlap > maxOverlap {
		schema.Location{Faults: &faults}.At("overlap").Faultf("wants a duration from 0 to %s", maxOverlap)
	}
	if err := invalid(faults, by.faults()); err != nil {
		return Application{}, NewKey{}, err
	}
	secret := newSecret()
	var made NewKey
	a, err := e.editKeys(ctx, name, match, by, func(keys []keyRecord) ([]keyRecord, error) {
		i, err := findKey(keys, id)
		if err != nil {
			return nil, err
		}
		next := keys[i]
		next.SHA256, next.Disabled, next.ExpiresAt = digestOf(secret).String(), false, time.Time{}
		end := time.Now().UTC().Add(overlap).Truncate(time.Second)
		if old := &keys[i].ExpiresAt; old.IsZero() || old.After(end) {
			*old = end
		}
		made = NewKey{next.info(), secret}
		return append(keys, next), nil
	})
	if err != nil {
		return Application{}, NewKey{}, err
	}
	return a, made, nil
}

// SetKey makes a write key as spec says, in everything but its id.
func (e *Editor) SetKey(ctx context.Context, name, id string, spec KeyInfo, match uint64, by By) (Application, error) {
	k, faults := spec.record(digest{}.String())
	if err := invalid(faults, by.faults()); err != nil {
		return Application{}, err
	}
	return e.editKeys(ctx, name, match, by, func(keys []keyRecord) ([]keyRecord, error) {
		i, err := findKey(keys, id)
		if err != nil {
			return nil, err
		}
		k.SHA256 = keys[i].SHA256
		keys[i] = k
		return keys, nil
	})
}

// DeleteKey takes a write key from an application. Requests with it are answered
// as those with a key that never was.
func (e *Editor) DeleteKey(ctx context.Context, name, id string, match uint64, by By) (Application, error) {
	return e.editKeys(ctx, name, match, by, func(keys []keyRecord) ([]keyRecord, error) {
		i, err := findKey(keys, id)
		if err != nil {
			return nil, err
		}
		return slices.Delete(keys, i, i+1), nil
	})
}

func findKey(keys []keyRecord, id string) (int, error) {
	i := slices.IndexFunc(keys, func(k keyRecord) bool { return k.id() == id })
	if i < 0 {
		return 0, fmt.Errorf("write key %q: %w", id, ErrNotFound)
	}
	return i, nil
}

// editKeys puts what change makes of an application's write keys, which are
// change's own.
func (e *Editor) editKeys(ctx context.Context, name string, match uint64, by By, change func([]keyRecord) ([]keyRecord, error)) (Application, error) {
	if err := invalid(checkName(name)); err != nil {
		return Application{}, ErrNotFound
	}
	if err := invalid(by.faults()); err != nil {
		return Application{}, err
	}
	var next applicationRecord
	put, err := e.edit(ctx, applicationPlace(name), match, func(now state) ([]byte, error) {
		if !now.there() {
			return nil, fmt.Errorf("application %s: %w", name, ErrNotFound)
		}
		next = applicationRecord{}
		if err := json.Unmarshal(now.value, &next); err != nil {
			return nil, unreadableRecord(name, err)
		}
		keys, err := change(slices.Clone(next.Keys))
		if err != nil {
			return nil, err
		}
		if reflect.DeepEqual(keys, next.Keys) {
			next.change = now.change()
			return nil, errUnchanged
		}
		next = applicationRecord{Keys: keys, change: by.now()}
		return encodeKeys(next)
	})
	if err != nil {
		return Application{}, err
	}
	return newApplication(name, put.Revision, next), nil
}

// encodeKeys encodes a record that may have grown too large.
func encodeKeys(r applicationRecord) ([]byte, error) {
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
