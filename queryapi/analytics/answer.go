package analytics

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/theeye/theeye/queryapi/refresh"
	"github.com/theeye/theeye/shared/columns"
)

// Snapshot takes a snapshot, for questions that are answered from the store where columns
// cannot.
func (a *Analytics) Snapshot(ctx context.Context, need refresh.Need) (*columns.Snapshot, error) {
	return a.source.Snapshot(ctx, need)
}

// Answer takes the snapshot that questions with a common need are answered from, and
// calls answer with it. If answer finds that a file is damaged or gone, the files of the
// snapshot are verified, and answer is called once more, with a snapshot that was rebuilt
// from the store: answer must not have written anything before it fails.
func (a *Analytics) Answer(ctx context.Context, need refresh.Need, answer func(ctx context.Context, s *columns.Snapshot) error) error {
	snapshot, err := a.source.Snapshot(ctx, need)
	if err != nil {
		return err
	}
	err = answer(ctx, snapshot)
	if !IsDamage(err) {
		return err
	}
	if failed := a.verifySnapshot(ctx, snapshot); failed != nil {
		return fmt.Errorf("verify the files of columns: %w", errors.Join(failed, err))
	}
	if snapshot, err = a.source.Snapshot(ctx, need); err != nil {
		return err
	}
	return answer(ctx, snapshot)
}

// verifySnapshot has the damaged files of a snapshot rebuilt.
func (a *Analytics) verifySnapshot(ctx context.Context, s *columns.Snapshot) error {
	verifier, ok := a.source.(interface {
		VerifySnapshot(ctx context.Context, s *columns.Snapshot) error
	})
	if !ok {
		return nil
	}
	return verifier.VerifySnapshot(ctx, s)
}

// IsDamage reports whether an answer failed for a file of columns that is damaged or
// gone.
func IsDamage(err error) bool {
	return errors.Is(err, columns.ErrDamaged) || errors.Is(err, fs.ErrNotExist)
}
