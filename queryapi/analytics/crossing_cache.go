package analytics

import (
	"context"
	"slices"
	"sync"
	"weak"

	"github.com/theeye/theeye/shared/columns"
)

// keptCrossings bounds the lists of parts whose crossings are kept.
const keptCrossings = 16

// crossingCache keeps the crossings of the parts that were asked for last. Parts are
// immutable, so crossings never change; it keeps no part in memory. It is safe for
// concurrent use.
type crossingCache struct {
	mu sync.Mutex
	// entries are those used last first.
	entries []crossingEntry
}

type crossingEntry struct {
	parts     []weak.Pointer[columns.Part]
	crossings *crossings
}

// findCrossings returns the crossings of views, whose sessions are given.
func (c *crossingCache) findCrossings(ctx context.Context, views []walkedView, sessions []*columns.Sessions) (*crossings, error) {
	parts := make([]weak.Pointer[columns.Part], len(views))
	ids := make([][][16]byte, len(views))
	for i, v := range views {
		parts[i], ids[i] = weak.Make(v.Part), sessions[i].IDs
	}
	if kept := c.lookUp(parts); kept != nil {
		return kept, nil
	}
	found, err := findCrossings(ctx, ids)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries = slices.Insert(c.entries, 0, crossingEntry{parts, &found})
	c.entries = c.entries[:min(len(c.entries), keptCrossings)]
	return &found, nil
}

func (c *crossingCache) lookUp(parts []weak.Pointer[columns.Part]) *crossings {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, e := range c.entries {
		if slices.Equal(e.parts, parts) {
			copy(c.entries[1:i+1], c.entries[:i])
			c.entries[0] = e
			return e.crossings
		}
	}
	return nil
}
