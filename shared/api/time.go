package api

import (
	"strconv"
	"strings"
	"time"

	"github.com/theeye/theeye/shared/event"
)

// Time is a time of the API: RFC 3339 in UTC with exactly six fractional
// digits. It decodes any RFC 3339 time.
type Time struct{ time.Time }

// TimeOf returns t as the API writes it: in UTC, truncated to the microsecond.
func TimeOf(t time.Time) Time {
	return Time{t.UTC().Truncate(time.Microsecond)}
}

// String returns the time as it is encoded.
func (t Time) String() string { return event.FormatTime(t.Time) }

// MarshalJSON encodes the time. It replaces that of time.Time, which omits
// trailing zeros.
func (t Time) MarshalJSON() ([]byte, error) { return []byte(`"` + t.String() + `"`), nil }

// MarshalText encodes the time where JSON needs a text.
func (t Time) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// Cursor says where the next page of a list starts: null, and "" in Go, where
// nothing follows. A client passes it back as parameter cursor and does not
// interpret it.
type Cursor string

// MarshalJSON encodes a cursor, which is base64url, or null.
func (c Cursor) MarshalJSON() ([]byte, error) {
	if c == "" {
		return []byte("null"), nil
	}
	return []byte(strconv.Quote(string(c))), nil
}

// ETag is a revision as ETag and If-Match carry it.
func ETag(revision uint64) string { return `"` + strconv.FormatUint(revision, 10) + `"` }

// ParseETag returns the revision of an ETag, 0 for anything else.
func ParseETag(etag string) uint64 {
	n, err := strconv.ParseUint(strings.Trim(etag, `"`), 10, 64)
	if err != nil || ETag(n) != etag {
		return 0
	}
	return n
}
