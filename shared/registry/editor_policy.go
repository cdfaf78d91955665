package registry

import (
	"context"

	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/stream"
)

var policyPlace = place{stream.BucketSchemas, stream.KeyPolicy}

// PutPolicy puts the policy, as PutSchema puts a schema.
func (e *Editor) PutPolicy(ctx context.Context, raw []byte, match uint64, by By) (Put, error) {
	_, faults := schema.ParsePolicy(raw)
	if err := invalid(faults, by.faults()); err != nil {
		return Put{}, err
	}
	return e.putPolicy(ctx, raw, match, by)
}

func (e *Editor) putPolicy(ctx context.Context, raw []byte, match uint64, by By) (Put, error) {
	return e.putValue(ctx, policyPlace, schemaRecord{Policy: raw, change: by.now()}, match)
}

// DeletePolicy removes the policy, so that the default one holds, and returns
// the registry revision that does.
func (e *Editor) DeletePolicy(ctx context.Context, match uint64, by By) (uint64, error) {
	return e.remove(ctx, policyPlace, match, by)
}

// Policy returns the version of the policy that a revision made, with 0 the
// newest one. ErrNotFound says that the default one holds.
func (e *Editor) Policy(ctx context.Context, revision uint64) (Version, error) {
	return e.text(ctx, policyPlace, revision)
}

// PolicyHistory is SchemaHistory of the policy.
func (e *Editor) PolicyHistory(ctx context.Context, before uint64, limit int) ([]Version, error) {
	return e.history(ctx, policyPlace, before, limit)
}
