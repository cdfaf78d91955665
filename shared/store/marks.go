package store

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/theeye/theeye/shared/query"
)

// DayMark is the generation of a day of one application.
type DayMark struct {
	Application string
	// Day is the UTC day of the received time, counted from 1970.
	Day int64
	// Generation grows whenever documents of the day may have changed.
	Generation uint64
	// Timestamps spans those of all stored events of the day as of the generation, and
	// perhaps more: it never shrinks. That holds only where Bounded is true: a build that
	// did not keep it may have marked the day.
	Timestamps Span
	Bounded    bool
}

// Marks show which documents have changed, and read them, so that files derived from
// the store can be kept equal to it:
//
//	read the generation of a slot  →  scan the slot  →  keep the rows with the generation
//
// Rows so kept are those of the store as long as the generation is the same. A
// document that is removed because it is past its ExpiresAt changes no generation.
// All methods read the primary. They are safe for concurrent use.
type Marks interface {
	// StoreID returns the identity of the database, made by Prepare. Data
	// derived from a store with another identity says nothing about this one: a
	// restored database gets a new one, because its generations repeat.
	StoreID(ctx context.Context) (string, error)
	// DayMarks returns the days with from <= day < to of the applications, nil being
	// all, sorted by application and day. Every day of an application that has
	// documents has a mark.
	DayMarks(ctx context.Context, applications []string, from, to int64) ([]DayMark, error)
	// SlotMarks returns the generations of the slots of one day. Slots without
	// documents may be absent; their generation is 0.
	SlotMarks(ctx context.Context, application string, day int64) (map[int64]uint64, error)
	// Scan returns the documents of either status with from <= EffectiveSlot < to, in
	// no particular order and each once. The error ends it. A document that changes
	// during it may be left out, whose slot is marked afterwards. Those past their
	// ExpiresAt are left out. Its memory does not depend on the number of documents,
	// and no deadline but that of ctx bounds it. A caller should not pause: an embedded
	// store keeps old versions of its pages until the end.
	Scan(ctx context.Context, application string, from, to int64) iter.Seq2[*Document, error]
	// At returns the stored documents of an application with the given timestamps, at
	// most query.MaxIDs, in the order (timestamp, ID). The error ends it.
	At(ctx context.Context, application string, timestamps []time.Time) iter.Seq2[*Document, error]
}

// ReceivedRange returns the received times of slots in milliseconds since 1970, as a
// half-open range: open below where slot 0 is in it, which has every earlier time.
func ReceivedRange(from, to int64) (fromMS, toMS int64) {
	const last = math.MaxInt64 / int64(SlotLength/time.Millisecond)
	length := SlotLength.Milliseconds()
	fromMS, toMS = min(from, last)*length, min(max(to, 0), last)*length
	if from <= 0 {
		fromMS = math.MinInt64
	}
	return fromMS, toMS
}

// SortTimestamps returns the timestamps of At in microseconds since 1970, sorted and
// each once. The error is of class query.ErrInvalid if there are more than
// query.MaxIDs.
func SortTimestamps(timestamps []time.Time) ([]int64, error) {
	if len(timestamps) > query.MaxIDs {
		return nil, fmt.Errorf("%w: %d timestamps, at most %d", query.ErrInvalid, len(timestamps), query.MaxIDs)
	}
	us := make([]int64, len(timestamps))
	for i, t := range timestamps {
		us[i] = t.UnixMicro()
	}
	slices.Sort(us)
	return slices.Compact(us), nil
}

// CompareDayMarks orders by application and day.
func CompareDayMarks(a, b DayMark) int {
	return cmp.Or(strings.Compare(a.Application, b.Application), cmp.Compare(a.Day, b.Day))
}
