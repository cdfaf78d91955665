package sqlite

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/store"
)

// TestEveryPageReadsAnIndexInOrder: no query for a page scans the table or
// sorts, whatever is asked. The plan is SQLite's own.
func TestEveryPageReadsAnIndexInOrder(t *testing.T) {
	s, err := Open(t.Context(), Config{Path: filepath.Join(t.TempDir(), "events.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close(context.WithoutCancel(t.Context())) }()
	if err := s.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	at := time.Unix(1, 0)
	after := &store.Position{Time: at, ID: "x"}
	for i := range 64 {
		bit := func(n int, value string) string {
			if i>>n&1 == 1 {
				return value
			}
			return ""
		}
		q := store.EventQuery{
			SessionID: bit(0, "s"), Category: bit(1, "c"), Name: bit(2, "n"), Descending: bit(3, "d") != "", Limit: 10,
		}
		r := store.RejectedQuery{
			SessionID: q.SessionID, Category: q.Category, Name: q.Name, Descending: q.Descending, Code: bit(5, "x"), Limit: 10,
		}
		if bit(4, "p") != "" {
			q.From, q.To, q.After = at, at, after
			r.From, r.To, r.After = at, at, after
		}
		for _, applications := range [][]string{nil, {"a"}, {"a", "b"}} {
			q.Applications, r.Applications = applications, applications
			query, args := s.eventsQuery(q)
			expectPlan(t, s, fmt.Sprintf("%+v", q), eventsPlan(q), query, args)
			query, args = s.rejectedQuery(r)
			expectPlan(t, s, fmt.Sprintf("%+v", r), rejectedPlan(r), query, args)
		}
	}
}

// TestTypesReadNoEvent: types are counted from one index alone, in its order;
// only what was counted is sorted.
func TestTypesReadNoEvent(t *testing.T) {
	s, err := Open(t.Context(), Config{Path: filepath.Join(t.TempDir(), "events.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close(context.WithoutCancel(t.Context())) }()
	if err := s.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	at := time.Unix(1, 0)
	for _, q := range []store.TypesQuery{
		{Limit: 1},
		{Limit: 1, From: at, To: at},
		{Limit: 1, From: at, Applications: []string{"a"}},
		{Limit: 1, To: at, Applications: []string{"a", "b"}},
	} {
		query, args := s.typesQuery(q)
		plan := planOf(t, s, query, args)
		if text := strings.Join(plan, "\n"); !strings.Contains(text, "COVERING INDEX type_received_v1") || strings.Contains(text, "GROUP BY") {
			t.Errorf("%+v\nis answered by\n%s", q, text)
		}
	}
}

// eventsPlan is the step that selects the fewest events.
func eventsPlan(q store.EventQuery) string {
	switch {
	case q.SessionID != "":
		return "session_time_v1 (session_id=?"
	case q.Category != "":
		return "category_time_v1 (category=?"
	case len(q.Applications) == 1:
		return "application_time_v1 (application=?"
	default:
		return "time_v1"
	}
}

func rejectedPlan(q store.RejectedQuery) string {
	if q.Code != "" {
		return "PRIMARY KEY (code=?"
	}
	return "rejected_received_v1"
}

func expectPlan(t *testing.T, s *Store, name, want, query string, args []any) {
	t.Helper()
	plan := planOf(t, s, query, args)
	if !strings.Contains(plan[0], want) {
		t.Errorf("%s\nis not answered by %s but by\n%s", name, want, strings.Join(plan, "\n"))
	}
	for _, step := range plan {
		if step == "SCAN e" || strings.Contains(step, "TEMP B-TREE") {
			t.Errorf("%s\nis answered by\n%s", name, strings.Join(plan, "\n"))
		}
	}
}

// planOf returns the steps by which SQLite answers a query.
func planOf(t *testing.T, s *Store, query string, args []any) []string {
	t.Helper()
	rows, err := s.readers.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, args...)
	if err != nil {
		t.Fatalf("%v\n%s", err, query)
	}
	defer func() { _ = rows.Close() }()
	var plan []string
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		plan = append(plan, detail)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return plan
}
