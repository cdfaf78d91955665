package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// runRound inserts, reads the holders of taken ids once, and replaces the holders
// that an entry supersedes.
func (b *bulk) runRound(ctx context.Context) error {
	first, rest := firstPerID(b.next)
	b.next, b.refused = nil, nil

	held, err := b.insertEntries(ctx, first)
	if err != nil {
		return err
	}
	// The other entries under an id depend on which content holds it now.
	return b.improveHeld(ctx, append(held, rest...))
}

// readHoldersFirst runs a round without its insertion: in a replay nearly every id
// is held, and a read is cheaper than a refused insertion. Entries with a free id
// are inserted by the following round, as if this one had not happened.
func (b *bulk) readHoldersFirst(ctx context.Context) error {
	all := b.next
	b.next = nil
	return b.improveHeld(ctx, all)
}

// improveHeld reads the holders, replaces those that entries supersede, and prepares
// the next round. It reads again where a holder may have changed in between.
func (b *bulk) improveHeld(ctx context.Context, held []*entry) error {
	for range maxRounds {
		if len(held) == 0 {
			break
		}
		better, err := b.compareWithHolders(ctx, held)
		if err != nil {
			return err
		}
		if held, err = b.replaceEntries(ctx, better); err != nil {
			return err
		}
	}
	b.next = append(b.next, held...)
	if err := b.stripRefused(); err != nil {
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

// insertEntries inserts the entries and returns those whose id is taken.
func (b *bulk) insertEntries(ctx context.Context, entries []*entry) (held []*entry, err error) {
	errs, err := bisect(ctx, b.backend.Insert, documents(entries))
	if err != nil {
		return nil, fmt.Errorf("insert: %w", err)
	}
	for i, e := range entries {
		switch {
		case errs[i] == nil:
			b.accepted++
			e.slot, e.marked = e.doc.EffectiveSlot(), b.backend.MarksWrites()
			e.setResult(Inserted)
		case errors.Is(errs[i], ErrDuplicate):
			b.accepted++
			held = append(held, e)
		default:
			if err := b.noteRefusal(e, errs[i]); err != nil {
				return nil, fmt.Errorf("insert: %w", err)
			}
		}
	}
	return held, nil
}

// compareWithHolders reads the holders of the entries' ids and returns the entries
// that supersede them. An entry with other content changes to its conflict form
// and goes into the next round, and so does an entry whose holder is gone.
func (b *bulk) compareWithHolders(ctx context.Context, held []*entry) (better []*entry, err error) {
	holders, err := b.backend.Holders(ctx, ids(held))
	if err != nil {
		return nil, fmt.Errorf("read holders: %w", err)
	}
	for _, e := range held {
		h, ok := holders[e.doc.ID]
		e.slot, e.held = h.Slot, h.Timestamps
		switch {
		case !ok:
			b.next = append(b.next, e)
		case Supersedes(e.doc, h):
			b.held++
			better = append(better, e)
		case h.ContentHash == e.doc.ContentHash:
			b.held++
			e.setHeldResult(h)
		case e.conflict:
			// The id contains the content's hash, so only a foreign writer can
			// cause this.
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

// replaceEntries replaces the holders of the entries. The database applies the
// guard again in the same step as the replacement. It returns the entries of which
// it is unknown whether that matched: another writer may have written a better
// document, or the holder has expired.
func (b *bulk) replaceEntries(ctx context.Context, entries []*entry) (unknown []*entry, err error) {
	if len(entries) == 0 {
		return nil, nil
	}
	docs := make([]*Document, len(entries))
	for i, e := range entries {
		docs[i] = e.replacement()
	}
	errs, err := bisect(ctx, b.backend.Replace, docs)
	if err != nil {
		return nil, fmt.Errorf("replace: %w", err)
	}
	for i, e := range entries {
		switch {
		case errs[i] == nil:
			b.accepted++
			e.marked = b.backend.MarksWrites()
			e.setResult(Replaced)
		case errors.Is(errs[i], ErrNoMatch):
			b.accepted++
			e.sent = true
			unknown = append(unknown, e)
		default:
			if err := b.noteRefusal(e, errs[i]); err != nil {
				return nil, fmt.Errorf("replace: %w", err)
			}
		}
	}
	return unknown, nil
}
