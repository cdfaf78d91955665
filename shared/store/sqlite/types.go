package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/store"
)

// Events of one type and application lie together in an index, in the order of a
// page. A question that names a category or a name, and no session, is answered from
// those of the types and applications that match, merged. So its cost depends on the
// number of these and on the length of the page, never on how many events of other
// types there are.

// maxMerged bounds the types and applications that are merged. A question that more
// of them match is answered in the order of time, as one without a type.
const maxMerged = 500

// eventGroup is the events of one type and application.
type eventGroup struct{ category, name, application string }

// findByType returns a page of stored events of the types that match. It returns
// false where too many do.
func (s *Store) findByType(ctx context.Context, q *query.Events) (docs []*store.Document, ok bool, err error) {
	ctx, cancel := s.withDeadline(ctx)
	defer cancel()
	// One snapshot for all statements: a page must not miss an event that moves.
	tx, err := s.readers.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, false, classify(err)
	}
	defer func() { _ = tx.Rollback() }()
	groups, ok, err := listGroups(ctx, tx, &q.Filter)
	if err != nil || !ok || len(groups) == 0 {
		return nil, ok, err
	}
	keys, err := s.mergeGroups(ctx, tx, q, groups)
	if err != nil {
		return nil, true, err
	}
	docs, err = readKeys(ctx, tx, keys, q.MaxBytes)
	return docs, true, err
}

// groupsStatement lists types and applications by leaping through the index: each
// step looks up the first entry behind all of one group. A comparison of several
// columns at once would read the whole group to get behind it.
func groupsStatement(f *query.Filter) (string, []any) {
	const of = `SELECT e.rowid FROM events e INDEXED BY type_time_v1 WHERE e.status = 'stored'`
	const order = ` ORDER BY e.category, e.name, e.application LIMIT 1)`
	leaps := []string{` AND e.category = p.category AND e.name = p.name AND e.application > p.application`}
	start := ""
	var args []any
	switch {
	case f.Category != "" && f.Name != "":
		start, args = ` AND e.category = ?1 AND e.name = ?2`, []any{f.Category, f.Name}
	case f.Category != "":
		start, args = ` AND e.category = ?1`, []any{f.Category}
		leaps = append(leaps, ` AND e.category = p.category AND e.name > p.name`)
	default:
		leaps = append(leaps, ` AND e.category = p.category AND e.name > p.name`, ` AND e.category > p.category`)
	}
	next := make([]string, len(leaps))
	for i, leap := range leaps {
		next[i] = `(` + of + leap + order
	}
	return `WITH RECURSIVE groups(first) AS (
			SELECT (` + of + start + order + `
			UNION ALL
			SELECT coalesce(` + strings.Join(append(next, `NULL`), `, `) + `)
				FROM groups CROSS JOIN events p ON p.rowid = groups.first
			LIMIT ` + strconv.Itoa(maxMerged+1) + `)
		SELECT p.category, p.name, p.application FROM groups CROSS JOIN events p ON p.rowid = groups.first`, args
}

// listGroups returns the types and applications of stored events that match a
// filter, or false if there may be more than maxMerged.
func listGroups(ctx context.Context, tx *sql.Tx, f *query.Filter) (matching []eventGroup, ok bool, err error) {
	statement, args := groupsStatement(f)
	rows, err := tx.QueryContext(ctx, statement, args...)
	if err != nil {
		return nil, false, classify(err)
	}
	defer func() { _ = rows.Close() }()
	listed := 0
	for rows.Next() {
		var g eventGroup
		if err := rows.Scan(&g.category, &g.name, &g.application); err != nil {
			return nil, false, classify(err)
		}
		listed++
		if (f.Name == "" || g.name == f.Name) && (f.Applications == nil || slices.Contains(f.Applications, g.application)) {
			matching = append(matching, g)
		}
	}
	return matching, listed <= maxMerged, classify(rows.Err())
}

// eventKey is the place of an event in a page, and where it is.
type eventKey struct {
	timestamp int64
	id        string
	rowid     int64
}

// mergedGroup is a group with the keys of it that were read and not taken yet.
type mergedGroup struct {
	eventGroup
	keys []eventKey
	// after is where the next block begins; whole says that none follows.
	after *query.Position
	whole bool
}

// mergeGroups returns the keys of a page, in its order.
func (s *Store) mergeGroups(ctx context.Context, tx *sql.Tx, q *query.Events, groups []eventGroup) ([]eventKey, error) {
	merged := make([]*mergedGroup, len(groups))
	for i, g := range groups {
		merged[i] = &mergedGroup{eventGroup: g, after: q.After}
	}
	block := min(q.Limit, q.Limit/len(groups)+8)
	var page []eventKey
	for len(page) < q.Limit {
		var first *mergedGroup
		for _, g := range merged {
			if err := s.readBlock(ctx, tx, q, g, block); err != nil {
				return nil, err
			}
			if len(g.keys) > 0 && (first == nil || isBefore(q, g.keys[0], first.keys[0])) {
				first = g
			}
		}
		if first == nil {
			return page, nil
		}
		page, first.keys = append(page, first.keys[0]), first.keys[1:]
	}
	return page, nil
}

// isBefore reports whether a comes before b in the order of a page.
func isBefore(q *query.Events, a, b eventKey) bool {
	c := cmp.Or(cmp.Compare(a.timestamp, b.timestamp), strings.Compare(a.id, b.id))
	return c < 0 != q.Descending
}

// readBlock reads the next keys of a group, if it has none left to take.
func (s *Store) readBlock(ctx context.Context, tx *sql.Tx, q *query.Events, g *mergedGroup, n int) error {
	if len(g.keys) > 0 || g.whole {
		return nil
	}
	statement, args := s.groupStatement(q, g.eventGroup, g.after, n)
	rows, err := tx.QueryContext(ctx, statement, args...)
	if err != nil {
		return classify(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var k eventKey
		if err := rows.Scan(&k.timestamp, &k.id, &k.rowid); err != nil {
			return classify(err)
		}
		g.keys = append(g.keys, k)
	}
	if g.whole = len(g.keys) < n; !g.whole {
		last := g.keys[n-1]
		g.after = &query.Position{Time: time.UnixMicro(last.timestamp), ID: last.id}
	}
	return classify(rows.Err())
}

// groupStatement reads keys of a group in the order of a page.
func (s *Store) groupStatement(q *query.Events, g eventGroup, after *query.Position, n int) (string, []any) {
	const column = `e.timestamp_us`
	c := s.where(store.Stored)
	c.and(`e.category = ? AND e.name = ? AND e.application = ?`, g.category, g.name, g.application)
	c.addEqual(`e.event_id`, q.EventID)
	c.addRange(column, q.From, q.To, time.Microsecond)
	c.addPosition(column, `e.id`, after, q.Descending, time.Microsecond)
	order := c.orderBy(column, `e.id`, q.Descending, n)
	return `SELECT e.timestamp_us, e.id, e.rowid FROM events e INDEXED BY type_time_v1` + c.text.String() + order, c.args
}

// pageByKeys reads documents in the order of the array of their rowids.
var pageByKeys = `SELECT ` + qualifiedColumns + ` FROM json_each(?1) k CROSS JOIN events e ON e.rowid = k.value`

// readKeys returns the documents of keys, in their order, up to a size.
func readKeys(ctx context.Context, tx *sql.Tx, keys []eventKey, maxBytes int) ([]*store.Document, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	list := append(make([]byte, 0, 12*len(keys)), '[')
	for i, k := range keys {
		if i > 0 {
			list = append(list, ',')
		}
		list = strconv.AppendInt(list, k.rowid, 10)
	}
	rows, err := tx.QueryContext(ctx, pageByKeys, string(append(list, ']')))
	if err != nil {
		return nil, classify(err)
	}
	return scanDocuments(rows, maxBytes)
}
