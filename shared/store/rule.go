package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// maxRounds bounds how often an entry is inserted. Two rounds are the rule
// (mine, then its conflict form), one more strips what is unstorable; the rest
// are for holders that expired between being met and being read.
const maxRounds = 8

// bulk is one bulk on its way to its outcomes.
type bulk struct {
	backend Backend
	// next is what the following round inserts.
	next []*entry
	// accepted counts the documents of which the database said that they are
	// written or held: the witnesses that it works.
	accepted int
	// held counts the entries that met a holder with their content.
	held int
	// refused are the entries that the database, not the adapter, called
	// unstorable in this round.
	refused []*entry
}

// settle applies the write rule to one bulk of entries, sorted by id and with
// distinct contents under one id.
func (w *Writer) settle(ctx context.Context, entries []*entry) error {
	b := &bulk{backend: w.backend, next: entries}
	if w.mostlyHeld.Load() {
		if err := b.look(ctx); err != nil {
			return err
		}
	}
	defer func() { w.mostlyHeld.Store(2*b.held > len(entries)) }()
	for range maxRounds {
		if len(b.next) == 0 {
			return nil
		}
		if err := b.round(ctx); err != nil {
			return err
		}
	}
	if len(b.next) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %d ids were taken and free in turn", ErrUnavailable, len(b.next))
}

// round inserts, reads the holders of taken ids once, and replaces where mine
// supersedes what was read.
func (b *bulk) round(ctx context.Context) error {
	first, rest := firstPerID(b.next)
	b.next, b.refused = nil, nil

	held, err := b.insert(ctx, first)
	if err != nil {
		return err
	}
	// The others under an id must know which content holds it now.
	return b.improve(ctx, append(held, rest...))
}

// look does a round without its insertion: in a replay nearly every id is held,
// and asking first is cheaper than being refused. What nobody holds is inserted
// by the following round, as if this one had not been.
func (b *bulk) look(ctx context.Context) error {
	all := b.next
	b.next = nil
	return b.improve(ctx, all)
}

// improve reads the holders once, replaces those that mine supersede, and gets
// the next round ready.
func (b *bulk) improve(ctx context.Context, held []*entry) error {
	better, err := b.compare(ctx, held)
	if err != nil {
		return err
	}
	if err := b.replace(ctx, better); err != nil {
		return err
	}
	if err := b.strip(); err != nil {
		return err
	}
	slices.SortStableFunc(b.next, byID)
	return nil
}

// firstPerID splits sorted entries into one for each id and the others.
func firstPerID(entries []*entry) (first, rest []*entry) {
	first = make([]*entry, 0, len(entries))
	for i, e := range entries {
		if i > 0 && e.doc.ID == entries[i-1].doc.ID {
			rest = append(rest, e)
		} else {
			first = append(first, e)
		}
	}
	return first, rest
}

// insert inserts the entries and returns those whose id is taken.
func (b *bulk) insert(ctx context.Context, entries []*entry) (held []*entry, err error) {
	errs, err := bisect(ctx, b.backend.Insert, documents(entries))
	if err != nil {
		return nil, fmt.Errorf("insert: %w", err)
	}
	for i, e := range entries {
		switch {
		case errs[i] == nil:
			b.accepted++
			e.end(Inserted)
		case errors.Is(errs[i], ErrDuplicate):
			b.accepted++
			held = append(held, e)
		default:
			if err := b.refuse(e, errs[i]); err != nil {
				return nil, fmt.Errorf("insert: %w", err)
			}
		}
	}
	return held, nil
}

// compare reads the holders of the entries' ids and returns the entries that
// supersede them. Other content changes to its conflict form and goes into the
// next round, and so does an entry whose holder is gone.
func (b *bulk) compare(ctx context.Context, held []*entry) (better []*entry, err error) {
	if len(held) == 0 {
		return nil, nil
	}
	holders, err := b.backend.Holders(ctx, ids(held))
	if err != nil {
		return nil, fmt.Errorf("read holders: %w", err)
	}
	for _, e := range held {
		h, ok := holders[e.doc.ID]
		switch {
		case !ok:
			b.next = append(b.next, e)
		case Supersedes(e.doc, h):
			b.held++
			better = append(better, e)
		case h.ContentHash == e.doc.ContentHash:
			b.held++
			e.end(Unchanged)
		case e.conflict:
			// The id names the content, so only a foreign hand can do this.
			return nil, fmt.Errorf("%w: a conflict's id holds other content", ErrUnknown)
		default:
			e.toConflict()
			b.next = append(b.next, e)
		}
	}
	slices.SortStableFunc(better, byID)
	return better, nil
}

// ids returns the distinct ids of the entries, sorted.
func ids(entries []*entry) []string {
	out := make([]string, len(entries))
	for i, e := range entries {
		out[i] = e.doc.ID
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// replace replaces the holders of the entries. The database applies the guard
// again in the same step as the replacement: where it no longer matches,
// another writer has brought something better, and that is success.
func (b *bulk) replace(ctx context.Context, entries []*entry) error {
	if len(entries) == 0 {
		return nil
	}
	errs, err := bisect(ctx, b.backend.Replace, documents(entries))
	if err != nil {
		return fmt.Errorf("replace: %w", err)
	}
	for i, e := range entries {
		if errs[i] == nil {
			b.accepted++
			e.end(Replaced)
			continue
		}
		if err := b.refuse(e, errs[i]); err != nil {
			return fmt.Errorf("replace: %w", err)
		}
	}
	return nil
}
