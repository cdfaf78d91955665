package columns

import (
	"container/list"
	"context"
	"errors"
	"sync"
)

// DefaultCacheBytes is a bound that holds the columns of some ten million rows.
const DefaultCacheBytes = 256 << 20

// Cache holds vectors and derived columns of many parts, the least recently used of
// which it drops when they are over its bound. A dropped value stays valid for its
// users. It is safe for concurrent use; a value that several ask for at once is
// made once.
type Cache struct {
	limit int

	mu      sync.Mutex
	entries map[cacheKey]*cacheEntry
	recent  *list.List // of *cacheEntry, the most recently used first
	bytes   int
}

// cacheKey names a value of a part.
type cacheKey struct {
	part *Part
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
}

// NewCache returns a Cache that holds at most so many bytes. A value that is larger is
// made each time.
func NewCache(bytes int) *Cache {
	return &Cache{limit: bytes, entries: make(map[cacheKey]*cacheEntry), recent: list.New()}
}

// Bytes returns the estimated size of what the cache holds.
func (c *Cache) Bytes() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.bytes
}

// Forget drops what the cache holds of a part that is no longer used.
func (c *Cache) Forget(p *Part) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for e := c.recent.Front(); e != nil; {
		next := e.Next()
		if entry := e.Value.(*cacheEntry); entry.key.part == p {
			c.dropEntry(entry)
		}
		e = next
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
	if entry := c.entries[key]; entry != nil {
		if entry.element != nil {
			c.recent.MoveToFront(entry.element)
		}
		return entry, false
	}
	entry = &cacheEntry{key: key, done: make(chan struct{}), err: errAborted}
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
		if entry.err != nil || entry.size > c.limit {
			delete(c.entries, entry.key)
		} else {
			entry.element = c.recent.PushFront(entry)
			c.bytes += entry.size
			for c.bytes > c.limit {
				c.dropEntry(c.recent.Back().Value.(*cacheEntry))
			}
		}
		close(entry.done)
	}()
	entry.value, entry.err = makeValue()
	if entry.err == nil {
		entry.size = vectorSize(entry.value)
	}
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
	value, err := p.cache.loadValue(ctx, cacheKey{p, name}, func() (any, error) { return derive() })
	if err != nil {
		return zero, err
	}
	return value.(T), nil
}
