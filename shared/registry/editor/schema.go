package editor

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strconv"

	jsonv2 "github.com/go-json-experiment/json"

	"github.com/theeye/theeye/shared/kv"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/stream"
)

// prepareSchema checks what a schema needs of the registry and makes the secret
// that it needs.
func (e *Editor) prepareSchema(ctx context.Context, d Declaration, by registry.ChangeInfo) error {
	if err := e.checkSupersedes(ctx, d); err != nil {
		return err
	}
	if d.schema.Hashes() {
		// Before the schema: without the secret, events of the type are rejected.
		return e.ensurePII(ctx, by)
	}
	return nil
}

// checkSupersedes reports every superseded revision that is no version of the
// type.
func (e *Editor) checkSupersedes(ctx context.Context, d Declaration) error {
	unknown := map[string]bool{} // they have to be versions of the same type
	for _, revision := range d.schema.Supersedes() {
		entry, err := e.schemas.GetRevision(ctx, d.key, revision)
		if err != nil {
			return err
		}
		if !entry.Exists() {
			unknown[strconv.FormatUint(revision, 10)] = true
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	tree, faults := schema.Read(d.raw)
	m := schema.Location{Faults: &faults}.At(schema.KeySupersedes)
	root, _ := tree.(map[string]any)
	list, _ := root[schema.KeySupersedes].([]any)
	for i, v := range list {
		if number, _ := v.(json.Number); unknown[number.String()] {
			m.At(strconv.Itoa(i)).Faultf("%s is no revision of this type's schema", number)
		}
	}
	if len(faults) == 0 { // written in another way, such as 1e1
		m.Faultf("names revisions that are not of this type's schema")
	}
	return &InvalidError{faults}
}

// ensurePII makes the secret that personal values are hashed with, unless it
// exists: it stays for good, so that equal values stay equal.
func (e *Editor) ensurePII(ctx context.Context, by registry.ChangeInfo) error {
	secret := make([]byte, registry.SecretBytes)
	_, _ = rand.Read(secret) // never fails
	value, err := jsonv2.Marshal(registry.SecretRecord{Secret: secret, ChangeInfo: stamp(by)})
	if err != nil {
		return fmt.Errorf("encode a secret: %w", err)
	}
	_, err = edit(ctx, e.schemas, stream.KeyPII, Any, func(now kv.Entry) ([]byte, error) {
		if now.Exists() {
			return nil, kv.ErrUnchanged
		}
		return value, nil
	})
	return err
}

// DeleteSchema removes the schema of a type and returns the registry revision
// that does.
func (e *Editor) DeleteSchema(ctx context.Context, t schema.Type, match Precondition, by registry.ChangeInfo) (uint64, error) {
	key, err := registry.TypeKey(t)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", registry.ErrNotFound, err)
	}
	return remove(ctx, e.schemas, key, match, by)
}

// DeletePolicy removes the policy, so that the default one is in force, and
// returns the registry revision that does.
func (e *Editor) DeletePolicy(ctx context.Context, match Precondition, by registry.ChangeInfo) (uint64, error) {
	return remove(ctx, e.schemas, stream.KeyPolicy, match, by)
}

// Bump makes a registry revision that validates as the one before it does, and
// returns it: the target of a replay, above every revision that an event was
// validated by so far. Two calls make two revisions.
func (e *Editor) Bump(ctx context.Context, by registry.ChangeInfo) (revision uint64, err error) {
	if err := invalid(checkChangeInfo(by)); err != nil {
		return 0, err
	}
	value, err := jsonv2.Marshal(stamp(by))
	if err != nil {
		return 0, encodeError(e.schemas, stream.KeyReplay, err)
	}
	put, err := edit(ctx, e.schemas, stream.KeyReplay, Any, func(kv.Entry) ([]byte, error) { return value, nil })
	return put.Revision, err
}
