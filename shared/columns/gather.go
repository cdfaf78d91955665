package columns

import (
	"maps"
	"slices"

	"github.com/theeye/theeye/shared/query/filter"
)

// gather returns the values at the indexes.
func gather[T any](values []T, indexes []uint32) []T {
	result := make([]T, len(indexes))
	for i, index := range indexes {
		result[i] = values[index]
	}
	return result
}

// packExpiry returns nil where no row expires.
func packExpiry(expiry []int64) *Times {
	for _, ms := range expiry {
		if ms != neverExpires {
			return packTimes(expiry, neverExpires)
		}
	}
	return nil
}

// renumber changes codes, in place, to the order in which they occur; 0 stays 0. It
// returns them and the old codes by new ones.
func renumber(codes []uint32, values int) (renumbered, used []uint32) {
	next := make([]uint32, values)
	used = []uint32{0}
	for i, code := range codes {
		if code == 0 {
			continue
		}
		if next[code] == 0 {
			next[code] = uint32(len(used))
			used = append(used, code)
		}
		codes[i] = next[code]
	}
	return codes, used
}

// newCoded returns a vector of every row. It changes codes.
func newCoded(values []filter.Value, codes []uint32) *coded {
	codes, used := renumber(codes, len(values))
	return &coded{values: PackValues(gather(values, used)), codes: PackCodes(codes)}
}

// newSparse returns the vector of a leaf, spread where that takes less memory. It changes
// the cells.
func newSparse(values []filter.Value, c cells, rows int) *coded {
	v := newCoded(values, c.codes)
	if v.rows = c.rows; 2*len(v.rows) >= rows {
		v.codes, v.rows = v.spread(rows), nil
	}
	return v
}

// textValues returns texts, of which the first stands for the missing value.
func textValues(texts []string) Values { return PackValues(listTexts(texts)) }

func listTexts(texts []string) []filter.Value {
	values := make([]filter.Value, len(texts))
	for i, text := range texts[1:] {
		values[i+1] = filter.Text(text)
	}
	return values
}

// sortTypes returns the types, sorted, and the code of each row in the given order.
func sortTypes(names *interner[Type], rowTypes, order []uint32) ([]Type, []uint32) {
	rank := rankBy(names.list(), compareTypes)
	codes := make([]uint32, len(order))
	for i, row := range order {
		codes[i] = rank[rowTypes[row]] - 1
	}
	types := slices.Clone(names.list()[1:])
	slices.SortFunc(types, compareTypes)
	return types, codes
}

// documentID returns the id of a document. kept is the one that does not follow from the
// event id, or "".
func documentID(application, kept string, eventID []byte) string {
	if kept != "" {
		return kept
	}
	return application + "/" + string(eventID)
}

// sortedKeys returns the keys of a map in order.
func sortedKeys[V any](m map[int64]V) []int64 { return slices.Sorted(maps.Keys(m)) }
