package store

import (
	"context"
	"errors"
	"fmt"
)

// When is an event unstorable?
//
// A document without an encoding needs no witness: the adapter finds that from
// the document alone. A database's refusal needs one: a database that refuses
// everything is broken or misconfigured, and its events must wait, not be
// rejected. So a refused document counts as unstorable only
//
//   - if the same bulk has a document that the database accepted, or
//   - if it is the only one refused: then its stripped form, written next, is
//     the witness, so that a single event in the stream is not held up forever.
//
// Otherwise, and when even a stripped form is refused, nothing is decided and
// an alarm is raised.

// noteRefusal records an entry that cannot be stored in its form. It returns an
// error of any other class.
func (b *bulk) noteRefusal(e *entry, err error) error {
	switch {
	case !errors.Is(err, ErrUnstorable):
		return err
	case e.stripped:
		return fmt.Errorf("%w: even without data: %w", ErrUnknown, err)
	case errors.Is(err, ErrUnencodable):
		e.toStripped()
		b.next = append(b.next, e)
	default:
		b.refused = append(b.refused, e)
	}
	return nil
}

// stripRefused moves the entries that the database refused in this round into the
// next one, without their data, if the refusal can be believed.
func (b *bulk) stripRefused() error {
	if n := len(b.refused); n > 1 && b.accepted == 0 {
		return fmt.Errorf("%w: the database refused all of %d documents", ErrUnknown, n)
	}
	for _, e := range b.refused {
		e.toStripped()
		b.next = append(b.next, e)
	}
	return nil
}

// bisect calls a bulk operation and, where the database refuses the bulk as a
// whole for a reason that may lie in one document, its halves.
func bisect(
	ctx context.Context, op func(context.Context, []*Document) ([]error, error), docs []*Document,
) ([]error, error) {
	errs, err := op(ctx, docs)
	if err == nil && len(errs) != len(docs) {
		return nil, fmt.Errorf("%w: %d results for %d documents", ErrUnknown, len(errs), len(docs))
	}
	if err == nil || !errors.Is(err, ErrUnstorable) {
		return errs, err
	}
	if len(docs) == 1 {
		return []error{err}, nil
	}
	left, err := bisect(ctx, op, docs[:len(docs)/2])
	if err != nil {
		return nil, err
	}
	right, err := bisect(ctx, op, docs[len(docs)/2:])
	if err != nil {
		return nil, err
	}
	return append(left, right...), nil
}
