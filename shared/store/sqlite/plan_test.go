package sqlite

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/query"
)

func openPrepared(t *testing.T) *Store {
	t.Helper()
	s, err := Open(t.Context(), Config{Path: filepath.Join(t.TempDir(), "events.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(context.WithoutCancel(t.Context())) })
	if err := s.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestEveryPageReadsAnIndexInOrder: no statement for a page scans the table or
// sorts, whatever the question. The plan is SQLite's own.
func TestEveryPageReadsAnIndexInOrder(t *testing.T) {
	s := openPrepared(t)
	at := time.Unix(1, 0)
	after := &query.Position{Time: at, ID: "x"}
	for i := range 64 {
		bit := func(n int, value string) string {
			if i>>n&1 == 1 {
				return value
			}
			return ""
		}
		q := query.Events{
			Filter: query.Filter{SessionID: bit(0, "s"), Category: bit(1, "c"), Name: bit(2, "n")}, Descending: bit(3, "d") != "",
			Limit: 10,
		}
		if bit(4, "p") != "" {
			q.From, q.To, q.After = at, at, after
		}
		for _, q.Applications = range [][]string{nil, {"a"}, {"a", "b"}} {
			q.Rejected, q.Code = false, ""
			statement, args := s.pageStatement(&q)
			expectPlan(t, s, fmt.Sprintf("%+v", q), storedPlan(&q), statement, args)
			q.Rejected, q.Code = true, bit(5, "x")
			statement, args = s.pageStatement(&q)
			expectPlan(t, s, fmt.Sprintf("%+v", q), rejectedPlan(&q), statement, args)
		}
	}
}

// TestTypesReadNoEvent: types are counted from one index alone, in its order;
// only the counts are sorted.
func TestTypesReadNoEvent(t *testing.T) {
	s := openPrepared(t)
	at := time.Unix(1, 0)
	for _, f := range []query.Filter{
		{},
		{From: at, To: at},
		{From: at, Applications: []string{"a"}},
		{To: at, Applications: []string{"a", "b"}},
	} {
		statement, args := s.typesStatement(&query.Aggregate{Filter: f, By: query.ByType, Limit: 1})
		plan := planOf(t, s, statement, args)
		if text := strings.Join(plan, "\n"); !strings.Contains(text, "COVERING INDEX type_received_v1") || strings.Contains(text, "GROUP BY") {
			t.Errorf("%+v\nis answered by\n%s", f, text)
		}
	}
}

// storedPlan is the step that selects the fewest events.
func storedPlan(q *query.Events) string {
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

func rejectedPlan(q *query.Events) string {
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
