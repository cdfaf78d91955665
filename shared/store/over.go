package store

import (
	"context"
	"slices"
)

// replaceRead replaces the holders that entries supersede by what the caller has read.
// The other entries, and those of which it is unknown whether the guard matched, take
// the rounds.
func (b *bulk) replaceRead(ctx context.Context, read map[string]Held) error {
	better := make([]*entry, 0, len(b.next))
	var rest []*entry
	for _, e := range b.next {
		h, ok := read[e.doc.ID]
		if !ok || !Supersedes(e.doc, h.Holder) {
			rest = append(rest, e)
			continue
		}
		b.held++
		e.slot, e.held = h.Slot, h.Timestamps
		better = append(better, e)
	}
	unknown, err := b.replaceEntries(ctx, better)
	if err != nil {
		return err
	}
	b.next = append(rest, unknown...)
	if err := b.stripRefused(); err != nil {
		return err
	}
	b.refused = nil
	slices.SortStableFunc(b.next, byID)
	return nil
}
