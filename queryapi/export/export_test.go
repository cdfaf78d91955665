package export_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"github.com/theeye/theeye/queryapi/export"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/raced"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/store/mongo/mongotest"
	"github.com/theeye/theeye/shared/store/sqlite"
)

// hostile are texts that formats, spreadsheets and terminals take for something else.
var hostile = []string{
	"=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "'quoted", "", " ", "a,b", `a"b`, "a\r\nb", "line\nline", "\"", "'", "\u2028", "\x00nul",
	"\x1b[31mred", "日本", "🙂", "null", "true", "5", "1e400", "{}", "[]", "</script>", "\u202ertl", strings.Repeat("x", 5000), "_incomplete", "#", "\\", "\ufeff",
}

// hostileDocuments are stored events, each of its own second, whose texts and
// members are hostile ones.
func hostileDocuments(n int) []*store.Document {
	random := rand.New(rand.NewPCG(1, 2))
	pick := func() string { return hostile[random.IntN(len(hostile))] }
	values := []func() any{
		func() any { return pick() },
		func() any { return json.Number("9007199254740993") },
		func() any { return -5 },
		func() any { return 1.5 },
		func() any { return nil },
		func() any { return true },
		func() any { return []any{pick(), 1, map[string]any{"k": pick()}} },
		func() any { return map[string]any{} },
		func() any { return map[string]any{"b": pick(), "c d": map[string]any{"e": pick()}} },
	}
	docs := make([]*store.Document, n)
	first := time.Date(2026, 1, 1, 0, 0, 0, 123000, time.UTC)
	for i := range docs {
		data := map[string]any{"plan": pick()}
		for _, name := range []string{"a", "a,b", "q\"", "0", "-x"} {
			if random.IntN(2) == 0 {
				data[name] = values[random.IntN(len(values))]()
			}
		}
		if i > n/2 && i%7 == 0 {
			data[fmt.Sprint("late", i%5)] = pick()
		}
		raw, _ := json.Marshal(data)
		id := fmt.Sprintf("%s/%d", pick(), i)
		if len(id) > 200 {
			id = fmt.Sprint(i)
		}
		application := []string{"shop", "blog"}[i%2]
		docs[i] = &store.Document{
			ID: store.DocumentID(application, id), Status: store.Stored, Application: application, EventID: id,
			SessionID: fmt.Sprintf("e2085be5-9137-4e4e-80b5-%012d", i%100), Category: "c" + fmt.Sprint(i%3), Name: "=n",
			Data: raw, Timestamp: first.Add(time.Duration(i) * 7 * time.Second), ReceivedAt: first.Truncate(time.Millisecond),
			ContentHash: fmt.Sprintf("%032x", i), Origin: store.Origin{Epoch: 1_700_000_000_000_000, Seq: uint64(i + 1)}, Revision: 1,
			SchemaVersion: int64(i % 2),
		}
	}
	return docs
}

// mongoEvents bounds the documents in MongoDB, where to write them takes longest.
const mongoEvents = 3000

// stores opens a store of each kind with documents in it.
func stores(t testing.TB, docs []*store.Document) map[string]store.Store {
	t.Helper()
	local, err := sqlite.Open(t.Context(), sqlite.Config{Path: t.TempDir() + "/eye.db"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = local.Close(context.Background()) })
	all := map[string]store.Store{"sqlite": local, "mongo": mongotest.Open(t, mongotest.Config(t))}
	for name, s := range all {
		if name == "mongo" {
			docs = docs[:min(len(docs), mongoEvents)]
		}
		fill(t, s, docs)
		docs = docs[:cap(docs)]
	}
	return all
}

func fill(t testing.TB, s store.Store, docs []*store.Document) {
	t.Helper()
	if err := s.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	w := store.NewWriter(store.WriterConfig{Backend: s})
	for len(docs) > 0 {
		n := min(len(docs), 1000)
		if _, err := w.Write(t.Context(), docs[:n]); err != nil {
			t.Fatal(err)
		}
		docs = docs[n:]
	}
}

// write exports everything that a question selects.
func write(t testing.TB, f export.Finder, q export.Query, encoder func(io.Writer, []*store.Document) export.Encoder) ([]byte, *export.Run) {
	t.Helper()
	var out bytes.Buffer
	source := export.Open(t.Context(), f, q)
	defer source.Close()
	first, err := source.Peek()
	if err != nil {
		t.Fatal(err)
	}
	run := &export.Run{Source: source, Encoder: encoder(&out, first)}
	if err := run.Write(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := run.Encoder.End(""); err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), run
}

func ndjson(w io.Writer, _ []*store.Document) export.Encoder { return export.NewNDJSON(w) }

func surveyed(w io.Writer, first []*store.Document) export.Encoder {
	return export.NewCSV(w, export.Survey(first))
}

func parquetPlain(w io.Writer, _ []*store.Document) export.Encoder { return export.NewParquet(w, nil) }

// flat is an event as any format shows it.
type flat struct {
	EventID, Application, SessionID, Category, Name, Timestamp, ReceivedAt, SchemaVersion string
	Data                                                                                  any
}

func flatDocument(t testing.TB, d *store.Document) flat {
	t.Helper()
	version := ""
	if d.SchemaVersion != 0 {
		version = fmt.Sprint(d.SchemaVersion)
	}
	return flat{
		d.EventID, d.Application, d.SessionID, d.Category, d.Name, event.FormatTime(d.Timestamp), event.FormatTime(d.ReceivedAt), version,
		decode(t, d.Data),
	}
}

func decode(t testing.TB, raw []byte) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%q: %v", raw, err)
	}
	return v
}

// expect compares events with those of the documents, in order.
func expect(t *testing.T, docs []*store.Document, got []flat) {
	t.Helper()
	if len(got) != len(docs) {
		t.Fatalf("%d events of %d", len(got), len(docs))
	}
	for i, d := range docs {
		if diff := cmp.Diff(flatDocument(t, d), got[i]); diff != "" {
			t.Fatalf("event %d (-want +got):\n%s", i, diff)
		}
	}
}

// Hostile events come back from every format as they were stored, from both stores.
func TestEveryFormatKeepsEveryEvent(t *testing.T) {
	docs := hostileDocuments(raced.Cases(50_000))
	for name, s := range stores(t, docs) {
		t.Run(name, func(t *testing.T) {
			stored := docs
			if name == "mongo" {
				stored = docs[:min(len(docs), mongoEvents)]
			}
			out, run := write(t, s, export.Query{}, ndjson)
			if run.Events != int64(len(stored)) {
				t.Errorf("%d events", run.Events)
			}
			expect(t, stored, readNDJSON(t, out))
			out, _ = write(t, s, export.Query{}, parquetPlain)
			expect(t, stored, readParquet(t, out))
			out, _ = write(t, s, export.Query{}, surveyed)
			expectCSV(t, stored, out)
		})
	}
}

func readNDJSON(t *testing.T, out []byte) (all []flat) {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	end := lines[len(lines)-1]
	if want := fmt.Sprintf(`{"_end":true,"events":%d,"next_cursor":null}`, len(lines)-1); end != want {
		t.Errorf("it ends with %s, want %s", end, want)
	}
	for _, line := range lines[:len(lines)-1] {
		var e struct {
			EventID       string      `json:"event_id"`
			Application   string      `json:"application"`
			SessionID     string      `json:"session_id"`
			Category      string      `json:"category"`
			Name          string      `json:"name"`
			Timestamp     string      `json:"timestamp"`
			ReceivedAt    string      `json:"received_at"`
			SchemaVersion json.Number `json:"schema_version"`
			Data          json.RawMessage
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		all = append(all, flat{
			e.EventID, e.Application, e.SessionID, e.Category, e.Name, e.Timestamp, e.ReceivedAt, e.SchemaVersion.String(), decode(t, e.Data),
		})
	}
	return all
}

// parquetEvent is a row as another program would declare it.
type parquetEvent struct {
	EventID       string    `parquet:"event_id"`
	Application   string    `parquet:"application"`
	SessionID     string    `parquet:"session_id"`
	Category      string    `parquet:"category"`
	Name          string    `parquet:"name"`
	Timestamp     time.Time `parquet:"timestamp,timestamp(microsecond)"`
	ReceivedAt    time.Time `parquet:"received_at,timestamp(microsecond)"`
	SchemaVersion *int64    `parquet:"schema_version,optional"`
	Data          *string   `parquet:"data,optional"`
	Plan          *string   `parquet:"data.plan,optional"`
}

func readParquetRows(t *testing.T, out []byte) []parquetEvent {
	t.Helper()
	rows, err := parquet.Read[parquetEvent](bytes.NewReader(out), int64(len(out)))
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func readParquet(t *testing.T, out []byte) (all []flat) {
	t.Helper()
	for _, e := range readParquetRows(t, out) {
		version := ""
		if e.SchemaVersion != nil {
			version = fmt.Sprint(*e.SchemaVersion)
		}
		all = append(all, flat{
			e.EventID, e.Application, e.SessionID, e.Category, e.Name, event.FormatTime(e.Timestamp), event.FormatTime(e.ReceivedAt), version,
			decode(t, []byte(*e.Data)),
		})
	}
	return all
}

// unguard removes what protects a text from a spreadsheet.
func unguard(cell string) string { return strings.TrimPrefix(cell, "'") }

// expectCSV reads a CSV and compares it with the documents, cell by cell.
func expectCSV(t *testing.T, docs []*store.Document, out []byte) {
	t.Helper()
	if bytes.Count(out, []byte("\r\n")) < len(docs) {
		t.Error("rows do not end with CR LF")
	}
	rows, err := csv.NewReader(bytes.NewReader(out)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	header := rows[0]
	if len(rows)-1 != len(docs) {
		t.Fatalf("%d rows of %d", len(rows)-1, len(docs))
	}
	for i, row := range rows[1:] {
		want := flatDocument(t, docs[i])
		got := []string{unguard(row[0]), row[1], row[2], unguard(row[3]), unguard(row[4]), row[5], row[6], row[7]}
		wanted := []string{want.EventID, want.Application, want.SessionID, want.Category, want.Name, want.Timestamp, want.ReceivedAt, want.SchemaVersion}
		for k := range wanted {
			wanted[k] = strings.ReplaceAll(wanted[k], "\r\n", "\n") // as the reader does
		}
		if diff := cmp.Diff(wanted, got); diff != "" {
			t.Fatalf("row %d:\n%s", i, diff)
		}
		leaves := map[string]any{}
		addLeaves(leaves, "data", want.Data)
		expectCells(t, leaves, header[8:], row[8:])
	}
}

// expectCells takes each cell out of the leaves, until none is left.
func expectCells(t *testing.T, leaves map[string]any, header, row []string) {
	t.Helper()
	if rest := row[len(row)-1]; rest != "" {
		values, _ := decode(t, []byte(rest)).(map[string]any)
		for name, v := range values {
			if diff := cmp.Diff(leaves[name], v); diff != "" {
				t.Fatalf("%s in data_rest: %s", name, diff)
			}
			delete(leaves, name)
		}
	}
	for i, name := range header[:len(header)-1] {
		v, present := leaves[name]
		delete(leaves, name)
		text, isText := v.(string)
		switch cell := row[i]; {
		case !present && cell != "":
			// An object where others have a value: the column holds it whole.
			object, ok := decode(t, []byte(cell)).(map[string]any)
			within := map[string]any{}
			addLeaves(within, name, object)
			for leaf := range within {
				if !ok || leaves[leaf] == nil && within[leaf] != nil {
					t.Fatalf("%s has %q of %v", name, cell, leaves)
				}
				delete(leaves, leaf)
			}
		case isText:
			if text = strings.ReplaceAll(text, "\r\n", "\n"); unguard(cell) != text && cell != text {
				t.Fatalf("%s is %q, want %q", name, cell, text)
			}
			if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
				t.Fatalf("%s begins a formula: %q", name, cell)
			}
		case present:
			if diff := cmp.Diff(v, decode(t, []byte(cell))); diff != "" {
				t.Fatalf("%s: %s", name, diff)
			}
		}
	}
	if len(leaves) > 0 {
		t.Fatalf("no cell has %v", leaves)
	}
}

// addLeaves adds the leaves of a value under their spelling.
func addLeaves(leaves map[string]any, path string, v any) {
	object, ok := v.(map[string]any)
	if !ok || len(object) == 0 && path != "data" {
		leaves[path] = v
		return
	}
	for name, v := range object {
		if strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			quoted, _ := json.Marshal(name)
			name = string(quoted)
		}
		addLeaves(leaves, path+"."+name, v)
	}
}

// An export that stops anywhere continues by its position, without a gap and
// without an event twice.
func TestAnExportContinuesWhereItStopped(t *testing.T) {
	docs := hostileDocuments(mongoEvents)
	for name, s := range stores(t, docs) {
		t.Run(name, func(t *testing.T) {
			failing := &failingFinder{Finder: s, after: 2}
			var got []flat
			var after *query.Position
			for range 20 {
				var out bytes.Buffer
				source := export.Open(t.Context(), failing, export.Query{After: after})
				run := &export.Run{Source: source, Encoder: export.NewNDJSON(&out)}
				err := run.Write(t.Context())
				source.Close()
				next := "cursor"
				if err == nil {
					next = ""
				} else if !errors.Is(err, store.ErrUnavailable) {
					t.Fatal(err)
				}
				if err := run.Encoder.End(next); err != nil {
					t.Fatal(err)
				}
				text := strings.Replace(out.String(), `"cursor"`, "null", 1)
				got = append(got, readNDJSON(t, []byte(text))...)
				if next == "" {
					break
				}
				after, failing.calls = run.End, 0
			}
			expect(t, docs, got)
		})
	}
}

// failingFinder fails after some calls.
type failingFinder struct {
	export.Finder
	calls, after int
}

func (f *failingFinder) Find(ctx context.Context, q query.Events) ([]*store.Document, error) {
	if f.calls++; f.calls > f.after {
		return nil, store.ErrUnavailable
	}
	return f.Finder.Find(ctx, q)
}
