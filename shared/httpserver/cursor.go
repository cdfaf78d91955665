package httpserver

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strings"
	"time"
)

// Cursor is the position after which a page continues: that of the last item of
// the page before. In text it carries the fingerprint of the query that it
// belongs to and a checksum. It is not secret and grants nothing, since every
// request is authorised by itself: the checksum detects a mangled cursor, the
// fingerprint a cursor that is used with another query. It refers to no state
// of the service, so any process accepts it, also after a restart.
type Cursor struct {
	Time time.Time // microseconds are kept
	ID   string    // not empty
	// From and To are the range of a query that names it relative to the present
	// time: a later page covers the range of the first one. Both are zero for
	// other queries; one of them alone is an open end. Microseconds are kept.
	From, To time.Time
	// Now is the present time of the first page of a query whose filters depend on
	// it; zero for other queries. Microseconds are kept.
	Now time.Time
}

// ErrCursor means that a text is no cursor of this query.
var ErrCursor = errors.New("not a cursor of this query")

// Layout of the text, before base64:
//
//	version 1 byte | fingerprint 8 | time, µs since 1970, 8 | checksum 8 | id
//
// and in version 2, which carries a range, before the id:
//
//	from, µs since 1970, 8 | to 8
//
// and in version 3, which carries the present time of the first page too,
//
//	from, µs since 1970, 8 | to 8 | now 8
const (
	cursorVersion = 1
	rangedVersion = 2
	timedVersion  = 3
	cursorHeader  = 1 + 8 + 8 + 8
	rangedHeader  = cursorHeader + 8 + 8
	timedHeader   = rangedHeader + 8
	sumOffset     = 1 + 8 + 8
)

// headers are the lengths before the id, by version.
var headers = map[byte]int{cursorVersion: cursorHeader, rangedVersion: rangedHeader, timedVersion: timedHeader}

// Encode returns the text of a cursor of the query with this fingerprint. It
// needs no escapes in a URL.
func (c Cursor) Encode(fingerprint [8]byte) string {
	version := c.version()
	b := make([]byte, 0, timedHeader+len(c.ID))
	b = append(b, version)
	b = append(b, fingerprint[:]...)
	b = appendMicros(b, c.Time)
	b = append(b, make([]byte, 8)...)
	if version >= rangedVersion {
		b = appendMicros(appendMicros(b, c.From), c.To)
	}
	if version == timedVersion {
		b = appendMicros(b, c.Now)
	}
	b = append(b, c.ID...)
	sum := cursorSum(b)
	copy(b[sumOffset:], sum[:])
	return base64.RawURLEncoding.EncodeToString(b)
}

// DecodeCursor reads a text that Encode returned for the same fingerprint; the
// error for any other is ErrCursor.
func DecodeCursor(fingerprint [8]byte, text string) (Cursor, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	// The decoder skips line breaks; a cursor has none.
	if err != nil || len(b) <= cursorHeader || strings.ContainsAny(text, "\r\n") {
		return Cursor{}, ErrCursor
	}
	header := headers[b[0]]
	if header == 0 || len(b) <= header || [8]byte(b[1:9]) != fingerprint {
		return Cursor{}, ErrCursor
	}
	sum := [8]byte(b[sumOffset:cursorHeader])
	clear(b[sumOffset:cursorHeader])
	if cursorSum(b) != sum {
		return Cursor{}, ErrCursor
	}
	c := Cursor{Time: readMicros(b[9:]), ID: string(b[header:])}
	if header >= rangedHeader {
		c.From, c.To = readMicros(b[cursorHeader:]), readMicros(b[cursorHeader+8:])
	}
	if header == timedHeader {
		c.Now = readMicros(b[rangedHeader:])
	}
	return c, nil
}

// version returns the first one that carries what the cursor has.
func (c Cursor) version() byte {
	switch {
	case !c.Now.IsZero():
		return timedVersion
	case !c.From.IsZero() || !c.To.IsZero():
		return rangedVersion
	}
	return cursorVersion
}

func appendMicros(b []byte, t time.Time) []byte {
	return binary.BigEndian.AppendUint64(b, uint64(t.UnixMicro()))
}

func readMicros(b []byte) time.Time {
	return time.UnixMicro(int64(binary.BigEndian.Uint64(b))).UTC()
}

// cursorSum covers a cursor whose checksum bytes are zero.
func cursorSum(b []byte) [8]byte {
	sum := sha256.Sum256(b)
	return [8]byte(sum[:8])
}
