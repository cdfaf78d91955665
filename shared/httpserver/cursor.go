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
}

// ErrCursor means that a text is no cursor of this query.
var ErrCursor = errors.New("not a cursor of this query")

// Layout of the text, before base64:
//
//	version 1 byte | fingerprint 8 | time, µs since 1970, 8 | checksum 8 | id
const (
	cursorVersion = 1
	cursorHeader  = 1 + 8 + 8 + 8
	sumOffset     = 1 + 8 + 8
)

// Encode returns the text of a cursor of the query with this fingerprint. It
// needs no escapes in a URL.
func (c Cursor) Encode(fingerprint [8]byte) string {
	b := make([]byte, 0, cursorHeader+len(c.ID))
	b = append(b, cursorVersion)
	b = append(b, fingerprint[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(c.Time.UnixMicro()))
	b = append(b, make([]byte, 8)...)
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
	if err != nil || len(b) <= cursorHeader || b[0] != cursorVersion || strings.ContainsAny(text, "\r\n") {
		return Cursor{}, ErrCursor
	}
	if [8]byte(b[1:9]) != fingerprint {
		return Cursor{}, ErrCursor
	}
	sum := [8]byte(b[sumOffset:cursorHeader])
	clear(b[sumOffset:cursorHeader])
	if cursorSum(b) != sum {
		return Cursor{}, ErrCursor
	}
	micros := int64(binary.BigEndian.Uint64(b[9:sumOffset]))
	return Cursor{Time: time.UnixMicro(micros).UTC(), ID: string(b[cursorHeader:])}, nil
}

// cursorSum covers a cursor whose checksum bytes are zero.
func cursorSum(b []byte) [8]byte {
	sum := sha256.Sum256(b)
	return [8]byte(sum[:8])
}
