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
			statement, args = s.groupStatement(&q, eventGroup{"c", "n", "a"}, q.After, q.Limit)
			expectPlan(t, s, fmt.Sprintf("a group of %+v", q), "type_time_v1 (category=? AND name=? AND application=?", statement, args)
			statement, args = groupsStatement(&q.Filter)
			expectLeaps(t, &q.Filter, planOf(t, s, statement, args))
			q.Rejected, q.Code = true, bit(5, "x")
			statement, args = s.pageStatement(&q)
			expectPlan(t, s, fmt.Sprintf("%+v", q), rejectedPlan(&q), statement, args)
		}
	}
}

// expectLeaps fails unless each step gets behind a whole group by one look into the
// index of types, and none sorts.
func expectLeaps(t *testing.T, f *query.Filter, plan []string) {
	t.Helper()
	const index = "e USING COVERING INDEX type_time_v1"
	leaps := []string{" (category=? AND name=? AND application>?)"}
	if f.Name == "" || f.Category == "" {
		leaps = append(leaps, " (category=? AND name>?)")
	}
	if f.Category == "" {
		leaps = append(leaps, " (category>?)")
	}
	text := strings.Join(plan, "\n")
	for _, leap := range leaps {
		if strings.Count(text, "SEARCH "+index+leap) != 1 {
			t.Errorf("the groups of %+v are listed by\n%s\nwant one step %s", f, text, leap)
		}
	}
	scans := 0 // the first one has no place to begin at; its LIMIT reads one entry
	if f.Category == "" {
		scans = 1
	}
	if strings.Contains(text, "TEMP B-TREE") || strings.Count(text, "SCAN e") != scans || strings.Contains(text, ")>(") {
		t.Errorf("the groups of %+v are listed by\n%s", f, text)
	}
}

// storedPlan is the step that selects the fewest events.
func storedPlan(q *query.Events) string {
	switch {
	case q.SessionID != "":
		return "session_time_v1 (session_id=?"
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

// TestRetentionReadsAnIndexInOrder: a portion begins at its place.
func TestRetentionReadsAnIndexInOrder(t *testing.T) {
	s := openPrepared(t)
	for statement, want := range map[string]string{
		allFromStatement: "SEARCH events USING INDEX received_v1 (received_at>?)",
		allAtStatement:   "SEARCH events USING INDEX received_v1 (received_at=?)",
		dueFromStatement: "SEARCH events USING INDEX expiry_v1 (expires_at>? AND expires_at<?)",
		dueAtStatement:   "SEARCH events USING INDEX expiry_v1 (expires_at=?)",
	} {
		args := make([]any, strings.Count(statement, "?"))
		for i := range args {
			args[i] = 1
		}
		if plan := planOf(t, s, statement, args); len(plan) != 1 || plan[0] != want {
			t.Errorf("%s\nis answered by\n%s\nwant %s", statement, strings.Join(plan, "\n"), want)
		}
	}
}
