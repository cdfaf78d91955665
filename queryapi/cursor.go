package queryapi

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strconv"
	"strings"
	"time"

	storequery "github.com/theeye/theeye/shared/query"
)

// A cursor says where a page ended: the position of its last document, with
// the fingerprint of the query it belongs to and a checksum. It is no secret
// and grants nothing, since every request is authorised on its own: the
// checksum is there so that a mangled cursor is told from a right one, and the
// fingerprint so that a cursor is not used with another query. It holds no
// state of the service: any process answers it, also after a restart.
//
//	version 1 byte | fingerprint 8 | time, µs since 1970, 8 | checksum 8 | id
const (
	cursorVersion = 1
	cursorHeader  = 1 + 8 + 8 + 8
	sumOffset     = 1 + 8 + 8
)

var errCursor = errors.New("not a cursor of this query")

// fingerprint identifies a query: the call and everything that selects and
// orders. The limit is not part of it, so pages may differ in size; neither is
// the token, which is judged on its own.
func (q *query) fingerprint(call string) [8]byte {
	var b []byte
	order := "asc"
	if q.descending {
		order = "desc"
	}
	for _, s := range []string{call, q.application, q.sessionID, q.category, q.name, q.eventID, q.code, q.kind, order} {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	for _, t := range []time.Time{q.from, q.to} {
		b = binary.AppendVarint(b, t.Unix())
		b = binary.AppendVarint(b, int64(t.Nanosecond()))
	}
	sum := sha256.Sum256(b)
	return [8]byte(sum[:8])
}

// encodeCursor makes the cursor that continues behind p.
func encodeCursor(fingerprint [8]byte, p storequery.Position) string {
	b := make([]byte, 0, cursorHeader+len(p.ID))
	b = append(b, cursorVersion)
	b = append(b, fingerprint[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(p.Time.UnixMicro()))
	b = append(b, make([]byte, 8)...)
	b = append(b, p.ID...)
	sum := cursorSum(b)
	copy(b[sumOffset:], sum[:])
	return base64.RawURLEncoding.EncodeToString(b)
}

// decodeCursor reads what encodeCursor wrote for the same query; anything else
// is errCursor.
func decodeCursor(fingerprint [8]byte, cursor string) (storequery.Position, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	// The decoder skips line breaks; a cursor has none.
	if err != nil || len(b) <= cursorHeader || b[0] != cursorVersion || strings.ContainsAny(cursor, "\r\n") {
		return storequery.Position{}, errCursor
	}
	if [8]byte(b[1:9]) != fingerprint {
		return storequery.Position{}, errCursor
	}
	sum := [8]byte(b[sumOffset:cursorHeader])
	clear(b[sumOffset:cursorHeader])
	if cursorSum(b) != sum {
		return storequery.Position{}, errCursor
	}
	micros := int64(binary.BigEndian.Uint64(b[9:sumOffset]))
	return storequery.Position{Time: time.UnixMicro(micros).UTC(), ID: string(b[cursorHeader:])}, nil
}

// cursorSum covers a cursor whose checksum bytes are zero.
func cursorSum(b []byte) [8]byte {
	sum := sha256.Sum256(b)
	return [8]byte(sum[:8])
}

// position is where the query continues: nil at the start, a *failure for a
// cursor that belongs to no such query.
func (q *query) position(call string) (*storequery.Position, error) {
	if q.cursor == "" {
		return nil, nil
	}
	p, err := decodeCursor(q.fingerprint(call), q.cursor)
	if err != nil {
		return nil, invalidCursor()
	}
	return &p, nil
}

func invalidCursor() *failure {
	return badRequest(codeInvalidCursor, "parameter cursor is not the next_cursor of an answer to the same query")
}

// before is where a list continues that goes back from the newest number: 0 at
// its start, a *failure for a cursor that belongs to no such list.
func (q *query) before(call string) (uint64, error) {
	p, err := q.position(call)
	if p == nil || err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(p.ID, 10, 64)
	if err != nil || n == 0 {
		return 0, invalidCursor()
	}
	return n, nil
}

// cursorBefore continues such a list below number n.
func (q *query) cursorBefore(call string, n uint64) *string {
	cursor := encodeCursor(q.fingerprint(call), storequery.Position{Time: time.UnixMicro(0), ID: strconv.FormatUint(n, 10)})
	return &cursor
}
