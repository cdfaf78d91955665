package httpapi

import (
	"crypto/sha256"
	"encoding/binary"
	"net/http"
	"strconv"
	"time"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/httpserver"
	"github.com/theeye/theeye/shared/query"
)

// fingerprint identifies a query: the route and everything that selects and
// orders. The limit is not part of it, so pages may differ in size; neither is
// the token, which is checked on its own.
func (p *params) fingerprint(route string) [8]byte {
	var b []byte
	order := "asc"
	if p.Descending {
		order = "desc"
	}
	texts := []string{route, p.Application, p.SessionID, p.Category, p.Name, p.EventID, p.Code, p.kind, order}
	if p.Path != nil {
		texts = append(texts, "path", *p.Path)
	}
	if p.sessions != (sessionsQuery{}) {
		texts = append(texts, p.sessions.queryText())
	}
	if p.zone != "" {
		texts = append(texts, "zone", p.zone)
	}
	if p.ranged {
		texts = append(texts, "relative", p.relative.from, p.relative.to)
	}
	if len(p.Filters) > 0 {
		texts = append(texts, "filter", p.Filters.Binding())
	}
	for _, s := range texts {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	for _, t := range []time.Time{absolute(p.From, p.relative.from), absolute(p.To, p.relative.to)} {
		b = binary.AppendVarint(b, t.Unix())
		b = binary.AppendVarint(b, int64(t.Nanosecond()))
	}
	sum := sha256.Sum256(b)
	return [8]byte(sum[:8])
}

// absolute returns an end of the range that the query names as a time, the zero
// time for one that depends on the present time or that the query does not name.
func absolute(t time.Time, relative string) time.Time {
	if relative != "" {
		return time.Time{}
	}
	return t
}

// position returns where the query continues: nil at the start. A range and
// filters that depend on the present time become those of the first page. The
// error is a *httpserver.Failure for a cursor of another query.
func (p *params) position(route string) (*query.Position, error) {
	if p.cursor == "" {
		return nil, nil
	}
	c, err := httpserver.DecodeCursor(p.fingerprint(route), p.cursor)
	if err != nil {
		return nil, errCursor
	}
	if p.ranged {
		p.From, p.To = c.From, c.To
	}
	if p.Filters.Relative() {
		p.clock.Now = c.Now
		if err := p.parseFilters(c.Now); err != nil {
			return nil, err
		}
	}
	return &query.Position{Time: c.Time, ID: c.ID}, nil
}

var errCursor = httpserver.NewFailure(http.StatusBadRequest, api.CodeInvalidCursor,
	"parameter cursor is not the next_cursor of an answer to the same query")

// nextCursor returns the cursor of the page behind a position, "" for nil.
func (p *params) nextCursor(route string, next *query.Position) api.Cursor {
	if next == nil {
		return ""
	}
	c := httpserver.Cursor{Time: next.Time, ID: next.ID}
	if p.ranged {
		c.From, c.To = p.From, p.To
	}
	if p.Filters.Relative() {
		c.Now = p.clock.Now
	}
	return api.Cursor(c.Encode(p.fingerprint(route)))
}

// before returns where a list continues that is ordered by descending numbers:
// 0 at its start.
func (p *params) before(route string) (uint64, error) {
	c, err := p.position(route)
	if c == nil || err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(c.ID, 10, 64)
	if err != nil || n == 0 {
		return 0, errCursor
	}
	return n, nil
}

// cursorBefore returns the cursor of the page below number n.
func (p *params) cursorBefore(route string, n uint64) api.Cursor {
	return p.cursorBehind(route, strconv.FormatUint(n, 10))
}

// cursorBehind returns the cursor of the page behind an id, in a list without
// times.
func (p *params) cursorBehind(route, id string) api.Cursor {
	return p.nextCursor(route, &query.Position{Time: time.UnixMicro(0), ID: id})
}
