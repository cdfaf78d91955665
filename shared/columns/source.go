package columns

import (
	"context"
	"fmt"
)

// vector names one vector of a part: a fixed one, or that of a leaf path.
type vector int

// The fixed vectors and what Go type each has. Leaf i of the part is firstLeaf + i.
const (
	vectorTimestamp vector = iota // *Times, µs; missingTime
	vectorReceived                // *Times, ms
	vectorExpiry                  // *Times, ms; nil if none expires
	vectorSlot                    // []uint16
	vectorType                    // Codes, of Part.Types
	vectorSession                 // *sessionVector
	vectorEventID                 // *Texts
	vectorSchema                  // *coded of Int
	vectorDocument                // *coded of Text: the ids of documents that do not follow from the event id
	vectorErrors                  // *coded of Text, as encodeReasons
	firstLeaf
)

// source holds or makes the vectors of a part. Vectors are immutable.
type source interface {
	// loadVector returns a vector of the Go type above. It may take long, and a caller
	// keeps the result.
	loadVector(ctx context.Context, v vector) (any, error)
}

// coded is a dictionary coded vector. Values are distinct, stand in the order of their
// first rows, and all occur.
type coded struct {
	values Values
	// codes holds the value of each row or, where rows is not nil, of these rows; the
	// others are missing.
	codes Codes
	rows  []uint32
}

// sessionVector holds the sessions of the rows.
type sessionVector struct {
	// ids[0] is no session. Those of stored rows come first, sorted.
	ids [][16]byte
	// codes is the session of each row.
	codes Codes
}

// spread returns the codes of all rows.
func (c *coded) spread(rows int) Codes {
	if c.rows == nil {
		return c.codes
	}
	codes := make([]uint32, rows)
	for i, code := range c.codes.unpackCodes() {
		codes[c.rows[i]] = code
	}
	return PackCodes(codes)
}

// size estimates the memory of a vector.
func vectorSize(v any) int {
	switch v := v.(type) {
	case *Times:
		if v == nil {
			return 0
		}
		return v.countBytes()
	case []uint16:
		return 2 * len(v)
	case Codes:
		return v.countBytes()
	case *Texts:
		return v.size()
	case *sessionVector:
		return 16*len(v.ids) + v.codes.countBytes()
	case *coded:
		return v.codes.countBytes() + 4*len(v.rows) + v.values.countBytes()
	case *Column:
		return v.size()
	case *Sessions:
		return 16*len(v.IDs) + 4*len(v.First)
	}
	return 64
}

// memory is the source of a part that was built: its vectors by number.
type memory []any

func (m memory) loadVector(_ context.Context, v vector) (any, error) {
	if int(v) >= len(m) || m[v] == nil {
		return nil, fmt.Errorf("columns: no vector %d", v)
	}
	return m[v], nil
}
