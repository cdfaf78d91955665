package registry

import (
	"context"
	"fmt"

	"github.com/go-json-experiment/json"

	"github.com/theeye/theeye/shared/stream"
)

var replayPlace = place{stream.BucketSchemas, stream.KeyReplay}

// Touch makes a registry revision that judges as the one before it does, and
// returns it: the target of a replay, which is above every revision that
// anything was judged by so far. Two calls make two revisions.
func (e *Editor) Touch(ctx context.Context, by By) (revision uint64, err error) {
	if err := invalid(by.faults()); err != nil {
		return 0, err
	}
	value, err := json.Marshal(by.now())
	if err != nil {
		return 0, fmt.Errorf("encode a replay: %w", err)
	}
	put, err := e.edit(ctx, replayPlace, Any, func(state) ([]byte, error) { return value, nil })
	return put.Revision, err
}
