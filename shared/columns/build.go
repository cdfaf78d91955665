package columns

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/theeye/theeye/shared/query/filter"
)

// Build makes the Part of the documents added. slots are the generations for which the
// rows of each slot are complete: those read before the slot was scanned. A slot without
// rows counts, too: it masks the rows of older parts. Every row must lie in one of them;
// nil stands for generation 0 of the slots that have rows.
func (b *Builder) Build(slots map[int64]uint64) (*Part, error) {
	if b.failed != nil {
		return nil, b.failed
	}
	b.failed = errors.New("columns: the builder is used up")
	slots, err := b.checkSlots(slots)
	if err != nil {
		return nil, err
	}
	order, stored := b.sortRows()
	vectors := b.rows.fixedVectors(order)
	types, codes := sortTypes(&b.rows.typeNames, b.rows.types, order)
	vectors[vectorType] = PackCodes(codes)
	m := meta{key: b.key, dayMark: b.DayMark, rows: len(order), stored: stored, slots: packSlots(b.key, slots), types: types, truncated: b.dropped}
	m.paths, vectors = b.addLeaves(vectors, order)
	b.rows, b.leaves, b.nodes, b.root = rowBuffer{}, nil, nil, nil
	return newPart(m, memory(vectors), nil)
}

// checkSlots returns the generations, or an error where a row lies in no slot.
func (b *Builder) checkSlots(slots map[int64]uint64) (map[int64]uint64, error) {
	checked := make(map[int64]uint64, len(slots))
	for slot, generation := range slots {
		if floorDiv(slot, slotsPerDay) != b.key.Day {
			return nil, fmt.Errorf("columns: slot %d is not one of %s", slot, b.key)
		}
		checked[slot] = generation
	}
	for _, s := range b.rows.slots {
		slot := b.key.FirstSlot() + int64(s)
		if _, ok := checked[slot]; ok {
			continue
		}
		if slots != nil {
			return nil, fmt.Errorf("columns: slot %d of %s has rows and no generation", slot, b.key)
		}
		checked[slot] = 0
	}
	return checked, nil
}

// sortRows returns the order of the rows: stored ones first, each by session, time and
// id, and the number of stored ones.
func (b *Builder) sortRows() (order []uint32, stored int) {
	r := &b.rows
	ids := r.sessionIDs.list()
	rank := rankBy(ids, func(x, y [16]byte) int { return bytes.Compare(x[:], y[:]) })
	order = make([]uint32, len(r.rejected))
	keys := make([]uint64, len(order))
	for i, rejected := range r.rejected {
		order[i] = uint32(i)
		keys[i] = uint64(rank[r.sessions[i]])
		if rejected {
			keys[i] |= 1 << 32
		} else {
			stored++
		}
	}
	documents := r.documentIDs.list()
	slices.SortFunc(order, func(x, y uint32) int {
		if c := cmp.Compare(keys[x], keys[y]); c != 0 {
			return c
		}
		if c := cmp.Compare(r.timestamps[x], r.timestamps[y]); c != 0 {
			return c
		}
		if r.documents[x]|r.documents[y] == 0 {
			return bytes.Compare(r.eventIDs.At(int(x)), r.eventIDs.At(int(y)))
		}
		return compareText(
			documentID(b.key.Application, documents[r.documents[x]], r.eventIDs.At(int(x))),
			documentID(b.key.Application, documents[r.documents[y]], r.eventIDs.At(int(y))))
	})
	return order, stored
}

// rankBy returns the rank of each value; values[0] stands for no value and keeps rank 0.
func rankBy[T any](values []T, compare func(x, y T) int) []uint32 {
	sorted := make([]uint32, len(values)-1)
	for i := range sorted {
		sorted[i] = uint32(i + 1)
	}
	slices.SortFunc(sorted, func(x, y uint32) int { return compare(values[x], values[y]) })
	rank := make([]uint32, len(values))
	for i, code := range sorted {
		rank[code] = uint32(i + 1)
	}
	return rank
}

// fixedVectors returns the fixed vectors in the order of the rows, with an empty place
// for the types.
func (r *rowBuffer) fixedVectors(order []uint32) []any {
	vectors := make([]any, firstLeaf)
	vectors[vectorTimestamp] = packTimes(gather(r.timestamps, order), missingTime)
	vectors[vectorReceived] = packTimes(gather(r.received, order), missingTime)
	vectors[vectorExpiry] = packExpiry(gather(r.expiry, order))
	vectors[vectorSlot] = gather(r.slots, order)
	codes, used := renumber(gather(r.sessions, order), len(r.sessionIDs.list()))
	vectors[vectorSession] = &sessionVector{ids: gather(r.sessionIDs.list(), used), codes: PackCodes(codes)}
	ids := newIDs(len(order))
	for _, row := range order {
		ids.addID(r.eventIDs.At(int(row)))
	}
	vectors[vectorEventID] = ids
	numbers := make([]filter.Value, len(r.schemaNumbers.list()))
	for i, n := range r.schemaNumbers.list()[1:] {
		numbers[i+1] = filter.Int(n)
	}
	vectors[vectorSchema] = newCoded(numbers, gather(r.schemas, order))
	vectors[vectorDocument] = newCoded(listTexts(r.documentIDs.list()), gather(r.documents, order))
	vectors[vectorErrors] = newCoded(listTexts(r.errorLists.list()), gather(r.errors, order))
	return vectors
}

// addLeaves appends the vectors of the leaves, sorted by path.
func (b *Builder) addLeaves(vectors []any, order []uint32) ([]PathInfo, []any) {
	infos := make([]PathInfo, len(b.leaves))
	sorted := make([]int, len(b.leaves))
	for i, n := range b.nodes {
		sorted[i] = i
		infos[i] = PathInfo{Names: n.path(), Dropped: b.leaves[i].full, Partial: n.isPartial()}
	}
	slices.SortFunc(sorted, func(x, y int) int { return slices.Compare(infos[x].Names, infos[y].Names) })
	cells := b.rows.sortCells(len(b.leaves), order)
	result := make([]PathInfo, 0, len(sorted))
	for _, leaf := range sorted {
		info, c := infos[leaf], &coded{values: PackValues(make([]filter.Value, 1))}
		if !info.Dropped {
			c = newSparse(b.leaves[leaf].values, cells[leaf], len(order))
		} else {
			c.rows = []uint32{}
		}
		b.leaves[leaf] = nil
		if info.countValues(c); info.isUsed() {
			result = append(result, info)
			vectors = append(vectors, c)
		}
	}
	return result, vectors
}

// cells are the values of one leaf: codes[i] is that of row rows[i]; rows ascend.
type cells struct{ rows, codes []uint32 }

// sortCells sorts the values of all rows by leaf and row.
func (r *rowBuffer) sortCells(leaves int, order []uint32) []cells {
	counts := make([]int, leaves)
	for _, leaf := range r.leaves {
		counts[leaf]++
	}
	list := make([]cells, leaves)
	for i, n := range counts {
		list[i] = cells{make([]uint32, 0, n), make([]uint32, 0, n)}
	}
	for row, old := range order {
		for i := r.starts[old]; i < r.starts[old+1]; i++ {
			c := &list[r.leaves[i]]
			c.rows = append(c.rows, uint32(row))
			c.codes = append(c.codes, r.codes[i])
		}
	}
	return list
}
