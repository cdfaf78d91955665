package audit

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/nats-io/nats.go/jetstream"
)

// errRaced says that somebody else changed the key since it was read.
var errRaced = errors.New("others were first")

// get reads a key into a value, which it leaves alone where there is none, and
// returns the key's revision, then 0.
func get(ctx context.Context, kv jetstream.KeyValue, key string, value any) (uint64, error) {
	e, err := kv.Get(ctx, key)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read %s of bucket %s: %w", key, kv.Bucket(), err)
	}
	if err := json.Unmarshal(e.Value(), value); err != nil {
		return 0, fmt.Errorf("decode %s of bucket %s: %w", key, kv.Bucket(), err)
	}
	return e.Revision(), nil
}

// put replaces exactly the revision that was read, 0 where there was none, and
// returns the new one. The error is errRaced where there is a later one.
func put(ctx context.Context, kv jetstream.KeyValue, key string, value any, revision uint64) (uint64, error) {
	raw, err := json.Marshal(value)
	if err != nil {
		return 0, fmt.Errorf("encode %s of bucket %s: %w", key, kv.Bucket(), err)
	}
	if revision == 0 {
		revision, err = kv.Create(ctx, key, raw)
	} else {
		revision, err = kv.Update(ctx, key, raw, revision)
	}
	var api *jetstream.APIError
	if errors.Is(err, jetstream.ErrKeyExists) || errors.As(err, &api) && api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence {
		return 0, fmt.Errorf("write %s of bucket %s: %w", key, kv.Bucket(), errRaced)
	}
	if err != nil {
		return 0, fmt.Errorf("write %s of bucket %s: %w", key, kv.Bucket(), err)
	}
	return revision, nil
}
