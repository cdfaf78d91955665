package columns

import (
	"context"
	"time"
)

// View is a part and which of its rows count: those of a slot that a newer part covers
// do not.
type View struct {
	Part *Part
	// Live are the rows that count; nil is all of them.
	Live Bitmap
}

// IsLive reports whether a row counts.
func (v View) IsLive(row int) bool { return v.Live == nil || v.Live.Has(row) }

// IsWhole reports whether every row counts: none is masked, and none expires at a time
// in milliseconds since 1970, or before.
func (v View) IsWhole(nowMillis int64) bool {
	least, expires := v.Part.LeastExpiry()
	return v.Live == nil && (!expires || least > nowMillis)
}

// Snapshot is a set of views that hold each document exactly once, as of a moment. It is
// immutable.
type Snapshot struct {
	AsOf time.Time
	// Now is the time at which expiry is decided: rows that expire at it, or before, do
	// not count.
	Now time.Time
	// Applications are in the order in which they were asked for.
	Applications []ApplicationViews
	// Version changes whenever any figure could.
	Version string
}

// ApplicationViews are the views of one application.
type ApplicationViews struct {
	Name  string
	Views []View
}

// ViewWhere returns the view of the rows whose slot, counted since 1970, is live.
func (p *Part) ViewWhere(ctx context.Context, live func(slot int64) bool) (View, error) {
	dead := make([]bool, slotsPerDay)
	some := false
	for offset := range p.slots.all() {
		if !live(p.key.FirstSlot() + int64(offset)) {
			dead[offset], some = true, true
		}
	}
	if !some {
		return View{Part: p}, nil
	}
	slots, err := p.SlotNumbers(ctx)
	if err != nil {
		return View{}, err
	}
	rows := NewBitmap(p.rows)
	for row, slot := range slots {
		if !dead[slot] {
			rows.Set(row)
		}
	}
	return View{p, rows}, nil
}
