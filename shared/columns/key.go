package columns

import (
	"fmt"
	"time"

	"github.com/theeye/theeye/shared/store"
)

// Length of a day in milliseconds of received time, and in slots.
const (
	dayMillis   = 24 * 60 * 60 * 1000
	slotsPerDay = int64(dayMillis / 1000 * time.Second / store.SlotLength)
)

// maxApplication is the length limit of an application's name.
const maxApplication = 32

// Key names the rows of one application that were received on one UTC day. Day is a
// number of days since 1970, by the effective slot.
type Key struct {
	Application string
	Day         int64
}

// KeyOf returns the key of a document.
func KeyOf(d *store.Document) Key {
	return Key{d.Application, floorDiv(d.EffectiveSlot(), slotsPerDay)}
}

// FirstSlot returns the number of the day's first slot since 1970.
func (k Key) FirstSlot() int64 { return k.Day * slotsPerDay }

// Date returns the day as 2006-01-02.
func (k Key) Date() string {
	return time.Unix(k.Day*dayMillis/1000, 0).UTC().Format(time.DateOnly)
}

// String returns the key as application/2006-01-02.
func (k Key) String() string { return k.Application + "/" + k.Date() }

// checkRange refuses a key that cannot be a folder: application names are those of the
// registry, and the years 0 to 9999.
func (k Key) checkRange() error {
	if !validApplication(k.Application) {
		return fmt.Errorf("columns: %q is no name of an application", k.Application)
	}
	if k.Day < minDay || k.Day > maxDay {
		return fmt.Errorf("columns: day %d is not within the years 0 to 9999", k.Day)
	}
	return nil
}

// The days of 0000-01-01 and 9999-12-31.
const (
	minDay = -719_528
	maxDay = 2_932_896
)

func validApplication(name string) bool {
	if name == "" || len(name) > maxApplication || name[0] == '-' {
		return false
	}
	for i := range len(name) {
		c := name[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

// floorDiv returns a / b rounded down; b is positive.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
