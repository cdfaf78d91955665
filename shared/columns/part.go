package columns

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"strconv"
	"weak"

	"github.com/theeye/theeye/shared/query/filter"
)

// Part is the rows of one Key, immutable and safe for concurrent use. Rows [0, Stored)
// are stored events, rows [Stored, Rows) rejected ones; each range is sorted by session,
// timestamp and document id.
type Part struct {
	meta
	source source
	cache  *Cache
	// self names the part in its cache.
	self weak.Pointer[Part]
	tree *node
	scan ScanFunc // nil without a store
}

// meta describes a part. It is in memory at all times, and in the footer of a file.
type meta struct {
	key          Key
	rows, stored int
	slots        slotGenerations
	dayMark      uint64
	types        []Type
	paths        []PathInfo
	// truncated says that paths were left out because there were MaxPaths.
	truncated bool
	// first and last are the least and greatest timestamp of stored rows.
	first, last int64
	// leastExpiry is the least expiry of all rows, math.MaxInt64 if none expires.
	leastExpiry int64
	counts      Counts
	// reasons are the lists of reasons of rejected rows; the first is of none.
	reasons                          [][]Reason
	storedReceived, rejectedReceived ReceivedCounts
}

// Type is the type of an event. Rejected events may lack either member.
type Type struct{ Category, Name string }

// PathInfo describes a leaf path of the data of stored events: a member that holds no
// object, or an empty one, in at least one of them.
type PathInfo struct {
	// Names are those of the members that lead to it, none for the data itself, which is
	// a leaf where it is an empty object.
	Names []string
	// Dropped says that the values are over a bound: none is held.
	Dropped bool
	// Partial says that paths above or below this one were left out because there were
	// MaxPaths.
	Partial bool
	// The rows that hold each kind of value.
	Nulls, Booleans, Numbers, Texts, Arrays, Objects int64
}

// Field returns the path as a field.
func (i *PathInfo) Field() filter.Field { return fieldOf(i.Names) }

// Present returns the number of rows that hold a value.
func (i *PathInfo) Present() int64 {
	return i.Nulls + i.Booleans + i.Numbers + i.Texts + i.Arrays + i.Objects
}

// isUsed reports whether a part needs to know the path.
func (i *PathInfo) isUsed() bool { return i.Dropped || i.Partial || i.Present() > 0 }

// countValues counts the rows by kind.
func (i *PathInfo) countValues(c *coded) {
	rows := make([]int64, c.values.Len())
	for _, code := range c.codes.unpackCodes() {
		rows[code]++
	}
	for code, v := range c.values.All() {
		switch n := rows[code]; v.Kind() {
		case filter.KindNull:
			i.Nulls += n
		case filter.KindFalse, filter.KindTrue:
			i.Booleans += n
		case filter.KindNumber:
			i.Numbers += n
		case filter.KindText:
			i.Texts += n
		case filter.KindArray:
			i.Arrays += n
		case filter.KindObject:
			i.Objects += n
		case filter.KindMissing:
		}
	}
}

// newPart completes the description of a part from its vectors. cache is nil for one of
// the part's own.
func newPart(m meta, s source, cache *Cache) (*Part, error) {
	p := &Part{meta: m, source: s, cache: cache, tree: newTree(m.paths)}
	p.self = weak.Make(p)
	if cache == nil {
		p.cache = NewCache(ownCacheBytes)
	}
	return p, p.summarise(context.Background())
}

// ownCacheBytes bounds the derived columns of a part in memory.
const ownCacheBytes = 16 << 20

// UseCache makes the part keep derived columns and loaded vectors in a shared cache. It
// must not be called once the part is in use.
func (p *Part) UseCache(c *Cache) {
	p.cache, p.self = c, weak.Make(p)
	runtime.AddCleanup(p, c.forgetPart, p.self)
}

// Key returns what the rows have in common.
func (p *Part) Key() Key { return p.key }

// Rows returns the number of rows, Stored that of stored events.
func (p *Part) Rows() int { return p.rows }

// Stored returns the number of stored events, which are the first rows.
func (p *Part) Stored() int { return p.stored }

// Slots yields the slots, counted since 1970 and ascending, with the generation for which
// the rows of each are complete.
func (p *Part) Slots() iter.Seq2[int64, uint64] {
	return func(yield func(int64, uint64) bool) {
		first := p.key.FirstSlot()
		for offset, generation := range p.slots.all() {
			if !yield(first+int64(offset), generation) {
				return
			}
		}
	}
}

// DayMark returns a mark of the day as of which the part lacks no document of it, of any
// slot; 0 without one.
func (p *Part) DayMark() uint64 { return p.dayMark }

// Span returns the least and greatest timestamp of the stored rows in microseconds
// since 1970; ok is false without stored rows.
func (p *Part) Span() (first, last int64, ok bool) { return p.first, p.last, p.stored > 0 }

// LeastExpiry returns the least expiry of all rows in milliseconds since 1970; ok is
// false if none expires.
func (p *Part) LeastExpiry() (ms int64, ok bool) {
	return p.leastExpiry, p.leastExpiry != neverExpires
}

// Sizes of the entries of a description, with the texts and the tree around them.
const (
	typeBytes   = 96
	reasonBytes = 96
	pathBytes   = 350
)

// Size estimates the bytes of memory that the part holds by itself: its description, and
// the vectors of one that has no file.
func (p *Part) Size() int {
	size := p.slots.countBytes() + p.counts.countBytes() + p.storedReceived.countBytes() + p.rejectedReceived.countBytes() +
		typeBytes*len(p.types) + pathBytes*len(p.paths)
	for _, list := range p.reasons {
		size += 24 + reasonBytes*len(list)
	}
	if vectors, ok := p.source.(memory); ok {
		for _, v := range vectors {
			size += vectorSize(v)
		}
	}
	return size
}

// Types returns the types of all rows, sorted. The caller must not change them.
func (p *Part) Types() []Type { return p.types }

// Paths returns the leaf paths of the stored events' data, sorted. Where Truncated is
// true there are more. The caller must not change them.
func (p *Part) Paths() []PathInfo { return p.paths }

// Truncated reports whether paths are missing because there are more than MaxPaths.
func (p *Part) Truncated() bool { return p.truncated }

// Counts returns the counts of stored rows by timestamp.
func (p *Part) Counts() *Counts { return &p.counts }

// Reasons returns the lists of reasons that ReceivedCount names by their places. The
// caller must not change them.
func (p *Part) Reasons() [][]Reason { return p.reasons }

// StoredReceived and RejectedReceived return the counts of the stored and of the rejected
// rows by received time.
func (p *Part) StoredReceived() *ReceivedCounts { return &p.storedReceived }

// RejectedReceived is described at StoredReceived.
func (p *Part) RejectedReceived() *ReceivedCounts { return &p.rejectedReceived }

// loadVector returns a vector as the Go type that it has. The cache keeps the vectors that
// are not in memory anyway.
func loadVector[T any](ctx context.Context, p *Part, v vector) (T, error) {
	if _, ok := p.source.(memory); ok {
		return readVector[T](ctx, p, v)
	}
	err := ctx.Err()
	var loaded any
	if err == nil {
		loaded, err = p.cache.loadValue(ctx, cacheKey{p.self, "vector " + strconv.Itoa(int(v))}, func() (any, error) {
			return p.source.loadVector(ctx, v)
		})
	}
	return vectorOf[T](p, v, loaded, err)
}

// readVector is loadVector for a vector that the cache need not keep, since it keeps the
// column that is derived from it.
func readVector[T any](ctx context.Context, p *Part, v vector) (T, error) {
	err := ctx.Err()
	var loaded any
	if err == nil {
		loaded, err = p.source.loadVector(ctx, v)
	}
	return vectorOf[T](p, v, loaded, err)
}

func vectorOf[T any](p *Part, v vector, loaded any, err error) (T, error) {
	var zero T
	if err != nil {
		return zero, fmt.Errorf("columns: %s: %w", p.key, err)
	}
	value, ok := loaded.(T)
	if !ok {
		return zero, fmt.Errorf("columns: %s: vector %d is %T", p.key, v, loaded)
	}
	return value, nil
}

// Timestamps returns the timestamps in microseconds since 1970, math.MinInt64 for a
// rejected event without one. The vectors of a part are loaded when they are asked for,
// and are read-only.
func (p *Part) Timestamps(ctx context.Context) (*Times, error) {
	return loadVector[*Times](ctx, p, vectorTimestamp)
}

// ReceivedAt returns the received times in milliseconds since 1970.
func (p *Part) ReceivedAt(ctx context.Context) (*Times, error) {
	return loadVector[*Times](ctx, p, vectorReceived)
}

// ExpiresAt returns when the rows expire in milliseconds since 1970, math.MaxInt64 for
// never; nil if no row does.
func (p *Part) ExpiresAt(ctx context.Context) (*Times, error) {
	return loadVector[*Times](ctx, p, vectorExpiry)
}

// SlotNumbers returns the effective slots, from 0 for the first slot of the day.
func (p *Part) SlotNumbers(ctx context.Context) ([]uint16, error) {
	return loadVector[[]uint16](ctx, p, vectorSlot)
}

// TypeCodes returns the types as indexes of Types.
func (p *Part) TypeCodes(ctx context.Context) (Codes, error) {
	return loadVector[Codes](ctx, p, vectorType)
}

// EventIDs returns the event ids. The id of a stored document is DocumentID of them, so
// their order is that of the documents.
func (p *Part) EventIDs(ctx context.Context) (*Texts, error) {
	return loadVector[*Texts](ctx, p, vectorEventID)
}

// Sessions are the sessions of a part's stored rows.
type Sessions struct {
	// IDs are sorted.
	IDs [][16]byte
	// First has one more entry: rows [First[i], First[i+1]) are those of session i.
	First []uint32
}

// Sessions returns the sessions of the stored rows.
func (p *Part) Sessions(ctx context.Context) (*Sessions, error) {
	return loadDerived(ctx, p, "sessions", func() (*Sessions, error) {
		v, err := readVector[*sessionVector](ctx, p, vectorSession)
		if err != nil {
			return nil, err
		}
		s := &Sessions{}
		for row, code := range v.codes.unpackCodes()[:p.stored] {
			if int(code) != len(s.IDs) {
				s.IDs = append(s.IDs, v.ids[code])
				s.First = append(s.First, uint32(row))
			}
		}
		s.IDs, s.First = slices.Clip(s.IDs), append(s.First, uint32(p.stored))
		return s, nil
	})
}
