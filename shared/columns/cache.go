package columns

import (
	"container/list"
	"context"
	"errors"
	"sync"
	"weak"
)

// DefaultCacheBytes is a bound that holds the columns of some ten million rows.
const DefaultCacheBytes = 256 << 20

// Cache holds vectors and derived columns of many parts within a bound. A value takes the
// place of those that were used least recently, unless they were used after it was asked
// for the last time before: of questions that together read more than there is room for,
// again and again, a part of the values stays, where dropping the least recently used would
// drop each value shortly before it is asked for. A dropped value stays valid for its
// users. The values of a part go with it. A Cache is safe for concurrent use; a value that
// several ask for at once is made once.
type Cache struct {
	limit int

	mu      sync.Mutex
	entries map[cacheKey]*cacheEntry
	recent  *list.List // of *cacheEntry, the most recently used first
	bytes   int
	// lookups counts the values that were asked for: it is the time of uses.
	lookups uint64
	// asked has the last use of values that are not held.
	asked map[cacheKey]uint64
}

// cacheKey names a value of a part.
type cacheKey struct {
	part weak.Pointer[Part]
	name string
}

// cacheEntry is a value, or one that is being made. It is in recent once it is made.
type cacheEntry struct {
	key     cacheKey
	done    chan struct{}
	value   any
	err     error
	size    int
	element *list.Element
	// used is the last use; askedBefore the one before the value was made, 0 without one.
	used, askedBefore uint64
}

const (
	// idleRounds is after how many lookups for each value that is held one counts as idle:
	// any other may take its place.
	idleRounds = 8
	// mostAsked bounds the values that are not held and whose last use is known.
	mostAsked = 1 << 14
)

// NewCache returns a Cache that holds at most so many bytes. A value that is larger is
// made each time.
func NewCache(bytes int) *Cache {
	return &Cache{limit: bytes, entries: make(map[cacheKey]*cacheEntry), recent: list.New(), asked: make(map[cacheKey]uint64)}
}

// Bytes returns the estimated size of what the cache holds.
func (c *Cache) Bytes() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.bytes
}

// forgetPart drops what the cache holds of a part that is no longer used.
func (c *Cache) forgetPart(p weak.Pointer[Part]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for e := c.recent.Front(); e != nil; {
		next := e.Next()
		if entry := e.Value.(*cacheEntry); entry.key.part == p {
			c.dropEntry(entry)
		}
		e = next
	}
	for key := range c.asked {
		if key.part == p {
			delete(c.asked, key)
		}
	}
}

// loadValue returns a value of the cache, or makes it. The maker runs under the context
// of its own caller: where that ends, another caller tries again.
func (c *Cache) loadValue(ctx context.Context, key cacheKey, makeValue func() (any, error)) (any, error) {
	for {
		entry, mine := c.findEntry(key)
		if mine {
			c.fillEntry(entry, makeValue)
			return entry.value, entry.err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-entry.done:
		}
		if entry.err == nil || !isContextError(entry.err) {
			return entry.value, entry.err
		}
	}
}

func isContextError(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// findEntry returns the entry of a key, and whether the caller has to fill it.
func (c *Cache) findEntry(key cacheKey) (entry *cacheEntry, mine bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lookups++
	if entry := c.entries[key]; entry != nil {
		if entry.used = c.lookups; entry.element != nil {
			c.recent.MoveToFront(entry.element)
		}
		return entry, false
	}
	entry = &cacheEntry{key: key, done: make(chan struct{}), err: errAborted, used: c.lookups, askedBefore: c.asked[key]}
	c.entries[key] = entry
	return entry, true
}

// errAborted is what others see if a maker panics.
var errAborted = errors.New("columns: a column could not be made")

// fillEntry makes a value and keeps it, unless it failed or is over the bound.
func (c *Cache) fillEntry(entry *cacheEntry, makeValue func() (any, error)) {
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		switch {
		case entry.err != nil:
			delete(c.entries, entry.key)
		case c.makeRoom(entry):
			entry.element = c.recent.PushFront(entry)
			c.bytes += entry.size
			delete(c.asked, entry.key)
		default:
			delete(c.entries, entry.key)
			c.noteUse(entry)
		}
		close(entry.done)
	}()
	entry.value, entry.err = makeValue()
	if entry.err == nil {
		entry.size = vectorSize(entry.value)
	}
}

// makeRoom drops what a new value takes the place of. It reports false, and drops nothing,
// where the value has to give way.
func (c *Cache) makeRoom(entry *cacheEntry) bool {
	var dropped []*cacheEntry
	left := c.bytes
	for e := c.recent.Back(); left+entry.size > c.limit; e = e.Prev() {
		if e == nil {
			return false
		}
		other := e.Value.(*cacheEntry)
		if idle := c.lookups-other.used > idleRounds*uint64(len(c.entries)); other.used >= entry.askedBefore && !idle {
			return false
		}
		dropped = append(dropped, other)
		left -= other.size
	}
	for _, other := range dropped {
		c.dropEntry(other)
		c.noteUse(other)
	}
	return true
}

// noteUse notes the last use of a value that is not held. Where that is known of very
// many, it forgets those of all of them.
func (c *Cache) noteUse(entry *cacheEntry) {
	if len(c.asked) >= mostAsked {
		clear(c.asked)
	}
	c.asked[entry.key] = entry.used
}

func (c *Cache) dropEntry(entry *cacheEntry) {
	c.recent.Remove(entry.element)
	delete(c.entries, entry.key)
	c.bytes -= entry.size
}

// loadDerived returns what a function derives from the vectors of a part, once.
func loadDerived[T any](ctx context.Context, p *Part, name string, derive func() (T, error)) (T, error) {
	var zero T
	if err := ctx.Err(); err != nil {
		return zero, err
	}
	value, err := p.cache.loadValue(ctx, cacheKey{p.self, name}, func() (any, error) { return derive() })
	if err != nil {
		return zero, err
	}
	return value.(T), nil
}
