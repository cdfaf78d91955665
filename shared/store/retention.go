package store

import (
	"context"
	"fmt"
	"time"

	"github.com/theeye/theeye/shared/query"
)

// Retention is how long outcomes are kept under one policy of the registry.
type Retention struct {
	// Revision is the registry revision that made the policy.
	Revision uint64
	// Of returns how long an outcome of a type is kept from its received time on;
	// 0 is for ever. It must be pure and safe for concurrent use.
	Of func(category, name string, status Status) time.Duration
}

// ExpiresAt returns when an outcome of a type expires, the zero time for never.
func (r Retention) ExpiresAt(received time.Time, category, name string, status Status) time.Time {
	d := r.Of(category, name, status)
	if d == 0 {
		return time.Time{}
	}
	return received.Add(d).Truncate(time.Millisecond)
}

// RetentionPortion is a portion of the documents whose ExpiresAt a change of the
// policy must reach.
type RetentionPortion struct {
	Retention
	// After is where the portion begins: RetentionResult.Next of the one before,
	// "" for the first.
	After string
	// Limit is about how many documents are read, 1 to query.MaxEvents. A portion
	// may exceed it by the documents of one millisecond.
	Limit int
	// DueBefore selects the documents with an ExpiresAt before it, the first to
	// expire first. The zero time selects all documents, in an order of the
	// adapter's.
	DueBefore time.Time
	// Mark also writes the documents whose ExpiresAt is right. After that, a
	// process that was suspended while it applied an earlier policy can no longer
	// change them.
	Mark bool
}

// CheckBounds returns an error of class query.ErrInvalid unless p is within its
// bounds.
func (p *RetentionPortion) CheckBounds() error {
	if p.Limit < 1 || p.Limit > query.MaxEvents {
		return fmt.Errorf("%w: limit %d is not in 1..%d", query.ErrInvalid, p.Limit, query.MaxEvents)
	}
	return nil
}

// RetentionResult is the result of a portion.
type RetentionResult struct {
	// Next is where the next portion begins, "" where none follows.
	Next string
	// Read is how many documents were read, Changed how many got another
	// ExpiresAt.
	Read, Changed int
}

// Retainer changes the ExpiresAt of documents that are written already. Documents
// stay as they are otherwise.
type Retainer interface {
	// ApplyRetention brings the documents of one portion to the retention, each in
	// one atomic step. Beside it, documents may be written by the write rule: those
	// of a policy as new as this one, or newer, stay as they are. It is repeatable:
	// a second call with the same portion changes nothing.
	//
	// Every document that is there during all portions from "" to the last one is
	// read by one of them.
	ApplyRetention(ctx context.Context, p RetentionPortion) (RetentionResult, error)
	// CountDocuments returns about how many documents there are, of either status.
	CountDocuments(ctx context.Context) (uint64, error)
}
