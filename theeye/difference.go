package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aymanbagabas/go-udiff"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// difference is what a file changes, in the unified format.
func difference(was uint64, file, there, mine string) string {
	return udiff.Unified(fmt.Sprintf("revision %d", was), file, there, mine)
}

// pretty is a JSON text for people, a member a line.
func pretty(raw []byte) string {
	v := jsontext.Value(bytes.Clone(raw))
	if err := v.Indent(jsontext.WithIndent("  ")); err != nil {
		return string(raw)
	}
	return string(v) + "\n"
}

// keyIDDigits is how much of the SHA-256 of a secret is the id of its key.
const keyIDDigits = 12

// declaredKeys reads the declaration of an application, whose faults were
// found before, as the registry tells it: with ids in place of hashes.
func declaredKeys(raw []byte) ([]writeKey, error) {
	var declared struct {
		Keys []struct {
			SHA256 string `json:"sha256"`
			keyUse
		} `json:"keys"`
	}
	if err := json.Unmarshal(raw, &declared); err != nil {
		return nil, fmt.Errorf("read the application: %w", err)
	}
	keys := make([]writeKey, 0, len(declared.Keys))
	for _, k := range declared.Keys {
		id := strings.ToLower(k.SHA256[:min(keyIDDigits, len(k.SHA256))])
		keys = append(keys, writeKey{ID: id, keyUse: k.keyUse})
	}
	return keys, nil
}

// prettyKeys is the text that write keys are compared by. The order of keys and
// of origins says nothing.
func prettyKeys(keys []writeKey) string {
	keys = slices.Clone(keys)
	slices.SortFunc(keys, func(a, b writeKey) int { return strings.Compare(a.ID, b.ID) })
	for i := range keys {
		keys[i].Origins = slices.Sorted(slices.Values(keys[i].Origins))
		keys[i].ExpiresAt = keys[i].ExpiresAt.UTC().Truncate(time.Microsecond)
	}
	raw, err := json.Marshal(map[string]any{"keys": keys})
	if err != nil {
		return fmt.Sprint(keys) // a year that JSON has no form for
	}
	return pretty(raw)
}
