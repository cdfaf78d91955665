package analytics

import (
	"context"

	"github.com/theeye/theeye/shared/columns"
)

// quarterMillis is the length of the quarters by which parts count received rows.
const quarterMillis = quarterMicros / 1000

// receivedRange is a range [from, to) of received times in milliseconds since 1970, of
// which the rows count that have not expired by now.
type receivedRange struct{ from, to, now int64 }

// misses reports whether no row of a count lies in the range.
func (r *receivedRange) misses(c *columns.ReceivedCount) bool {
	return c.Last < r.from || c.First >= r.to
}

// holds reports whether all rows of a count lie in the range.
func (r *receivedRange) holds(c *columns.ReceivedCount) bool {
	return c.First >= r.from && c.Last < r.to
}

// receivedRows are the rows of a view of which some may be in a range.
type receivedRows struct {
	*receivedRange

	view columns.View
	// received are the received times, types the codes of the types, expires the times
	// of expiry: nil where no row expires.
	received []int64
	types    []uint32
	expires  *columns.Times
}

// loadRows loads the vectors by which a row of a view counts or not.
func (r *receivedRange) loadRows(ctx context.Context, v columns.View) (rows receivedRows, err error) {
	rows = receivedRows{receivedRange: r, view: v}
	received, err := v.Part.ReceivedAt(ctx)
	if err != nil {
		return rows, err
	}
	types, err := v.Part.TypeCodes(ctx)
	if err != nil {
		return rows, err
	}
	rows.received, rows.types = make([]int64, received.Len()), make([]uint32, types.Len())
	received.Read(rows.received, 0)
	types.Read(rows.types, 0)
	rows.expires, err = v.Part.ExpiresAt(ctx)
	return rows, err
}

// isCounted reports whether a row counts.
func (r *receivedRows) isCounted(row int) bool {
	ms := r.received[row]
	return ms >= r.from && ms < r.to && r.view.IsLive(row) && (r.expires == nil || r.expires.TimeAt(row) > r.now)
}

// quarterOf returns the quarter of an hour of a received time in milliseconds.
func quarterOf(ms int64) int64 {
	quarter := ms / quarterMillis
	if ms%quarterMillis < 0 {
		quarter--
	}
	return quarter
}
