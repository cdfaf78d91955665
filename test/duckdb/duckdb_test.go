package duckdb_test

import (
	"database/sql"
	"fmt"
	"math"
	"path/filepath"
	"testing"
	"time"

	_ "github.com/duckdb/duckdb-go/v2"

	"github.com/theeye/theeye/shared/columns"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/query/filter"
	"github.com/theeye/theeye/shared/store"
)

// start is a moment on the first day of the documents.
var start = time.Date(2026, 10, 24, 10, 0, 0, 0, time.UTC)

// document returns the nth document: every tenth is rejected.
func document(application string, n int) *store.Document {
	at := start.Add(time.Duration(n) * 7 * time.Minute)
	d := &store.Document{
		Application: application, EventID: fmt.Sprintf("e%04d", n), Status: store.Stored,
		SessionID: fmt.Sprintf("e2085be5-9137-4e4e-80b5-%012x", n/20), Category: "page interaction", Name: []string{"pageview", "submit"}[n%2],
		Timestamp: at.Add(123 * time.Microsecond), ReceivedAt: at, SchemaVersion: 3,
		Data: fmt.Appendf(nil, `{"path":"/p/%d","price":%d.25,"tags":["a",%d],"x.y":null,"user":{"plan":"pro","big":9007199254740993}}`, n%7, n, n),
	}
	if n%3 == 0 {
		d.Data = fmt.Appendf(nil, `{"path":%d,"price":"free","user":{},"only":true}`, n)
		d.ExpiresAt = at.Add(time.Hour)
	}
	if d.ID = store.DocumentID(application, d.EventID); n%10 == 0 {
		d.Status, d.Errors = store.Rejected, []event.Fault{{Code: "unknown_type", Path: "/name", Message: "m"}}
	}
	return d
}

// writeFolder writes the documents of two applications and several days, and returns the
// folder and its parts.
func writeFolder(t *testing.T) (string, []*columns.Part) {
	t.Helper()
	root := filepath.Join(t.TempDir(), "columns")
	folder, err := columns.NewFolder(root, "store", columns.NewCache(columns.DefaultCacheBytes))
	if err != nil {
		t.Fatal(err)
	}
	builders := make(map[columns.Key]*columns.Builder)
	for _, application := range []string{"shop", "blog-2"} {
		for n := range 500 {
			d := document(application, n)
			key := columns.KeyOf(d)
			if builders[key] == nil {
				builders[key] = columns.NewBuilder(key)
			}
			if err := builders[key].Add(d); err != nil {
				t.Fatal(err)
			}
		}
	}
	var parts []*columns.Part
	for _, b := range builders {
		p, err := b.Build(nil)
		if err != nil {
			t.Fatal(err)
		}
		e, err := folder.Write(t.Context(), p, "g1")
		if err != nil {
			t.Fatal(err)
		}
		if p, err = folder.Open(e); err != nil {
			t.Fatal(err)
		}
		parts = append(parts, p)
	}
	return root, parts
}

// openFolder returns a database in memory and what to select from.
func openFolder(t *testing.T, root string) (db *sql.DB, from string) {
	t.Helper()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db, fmt.Sprintf(`read_parquet('%s/**/*.parquet', hive_partitioning=1, union_by_name=1)`, filepath.ToSlash(root))
}

// totals are the figures that both sides compute over the stored rows.
type totals struct {
	rows, sessions, rejected, expiring, views, free, big, nulls, empty, tags int64
	price                                                                    float64
	first, last                                                              int64
}

func goTotals(t *testing.T, parts []*columns.Part) (f totals) {
	t.Helper()
	ctx := t.Context()
	sessions := make(map[string]bool)
	f.first, f.last = math.MaxInt64, math.MinInt64
	for _, p := range parts {
		f.rows += int64(p.Stored())
		f.rejected += int64(p.Rows() - p.Stored())
		first, last, _ := p.Span()
		f.first, f.last = min(f.first, first), max(f.last, last)
		expiry, err := p.ExpiresAt(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for row := range p.Rows() {
			if expiry != nil && expiry.TimeAt(row) != math.MaxInt64 {
				f.expiring++
			}
		}
		each := func(text string, use func(v filter.Value)) {
			field, err := filter.ParseField(text)
			if err != nil {
				t.Fatal(err)
			}
			c, err := p.Column(ctx, field)
			if err != nil {
				t.Fatal(err)
			}
			for row := range p.Stored() {
				use(c.Values.ValueOf(c.Codes.CodeAt(row)))
			}
		}
		count := func(n *int64, want filter.Value) func(filter.Value) {
			return func(v filter.Value) {
				if v.Equal(want) {
					*n++
				}
			}
		}
		each("session_id", func(v filter.Value) { sessions[p.Key().Application+v.Key()] = true })
		each("name", count(&f.views, filter.Text("pageview")))
		each("data.price", count(&f.free, filter.Text("free")))
		each("data.price", func(v filter.Value) {
			if n, ok := v.Float(); ok {
				f.price += n
			}
		})
		each("data.user.big", count(&f.big, filter.Number("9007199254740993")))
		each(`data."x.y"`, count(&f.nulls, filter.Null()))
		each("data.user", func(v filter.Value) {
			if names, _ := v.Members(); v.Kind() == filter.KindObject && len(names) == 0 {
				f.empty++
			}
		})
		each("data.tags", func(v filter.Value) {
			if v.Kind() == filter.KindArray {
				f.tags++
			}
		})
	}
	f.sessions = int64(len(sessions))
	return f
}

func TestDuckDBCountsTheSame(t *testing.T) {
	root, parts := writeFolder(t)
	db, from := openFolder(t, root)
	var got totals
	err := db.QueryRowContext(t.Context(), `SELECT
		count(*) FILTER (status = 'stored'),
		count(DISTINCT (application, session_id)) FILTER (status = 'stored'),
		count(*) FILTER (status = 'rejected' AND errors = '[["unknown_type","/name"]]'),
		count(expires_at),
		count(*) FILTER (status = 'stored' AND name = 'pageview'),
		count(*) FILTER ("data.price" = 'free'),
		count(*) FILTER ("data.user.big:json" = '9007199254740993'),
		count(*) FILTER ("data.""x.y"":json" = 'null'),
		count(*) FILTER ("data.user:json" = '{}'),
		count(*) FILTER (json_array_length("data.tags:json") = 2),
		sum("data.price:number"),
		min(epoch_us(timestamp)) FILTER (status = 'stored'),
		max(epoch_us(timestamp)) FILTER (status = 'stored')
		FROM `+from).Scan(&got.rows, &got.sessions, &got.rejected, &got.expiring, &got.views, &got.free, &got.big, &got.nulls, &got.empty,
		&got.tags, &got.price, &got.first, &got.last)
	if err != nil {
		t.Fatal(err)
	}
	if want := goTotals(t, parts); got != want {
		t.Errorf("DuckDB %+v\nGo     %+v", got, want)
	}
}

// Analysts get plain types.
func TestDuckDBSeesPlainTypes(t *testing.T) {
	root, _ := writeFolder(t)
	db, from := openFolder(t, root)
	rows, err := db.QueryContext(t.Context(), `SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM `+from+`)`)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	types := make(map[string]string)
	for rows.Next() {
		var name, kind string
		if err := rows.Scan(&name, &kind); err != nil {
			t.Fatal(err)
		}
		types[name] = kind
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"application": "VARCHAR", "day": "DATE", "event_id": "VARCHAR", "session_id": "UUID", "category": "VARCHAR", "name": "VARCHAR",
		"timestamp": "TIMESTAMP WITH TIME ZONE", "received_at": "TIMESTAMP WITH TIME ZONE", "expires_at": "TIMESTAMP WITH TIME ZONE",
		"status": "VARCHAR", "errors": "VARCHAR", "schema_version": "BIGINT", "slot": "BIGINT",
		"data.path": "VARCHAR", "data.path:number": "DOUBLE", "data.tags:json": "VARCHAR", "data.only:json": "VARCHAR",
	} {
		if types[name] != want {
			t.Errorf("%s is %q, want %q", name, types[name], want)
		}
	}
	var session, application string
	err = db.QueryRowContext(t.Context(), `SELECT session_id::VARCHAR, application FROM `+from+` WHERE event_id = 'e0021' AND application = 'shop'`).Scan(&session, &application)
	if err != nil || session != "e2085be5-9137-4e4e-80b5-000000000001" {
		t.Error(session, err)
	}
}
