package analytics

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/theeye/theeye/test/analytics/oracle"
)

// fixedColumns are those of every event in an export.
var fixedColumns = []string{"event_id", "application", "session_id", "category", "name", "timestamp", "received_at", "schema_version"}

// askedColumns are those of the data that an export may be asked for.
var askedColumns = append([]string{"data.o", "data.items.0.sku", "data.items.1", "data.tags.0", "data.nothing"}, leaves...)

// compareExport compares an export in a random format, event by event and value by value,
// with the events of the oracle.
func (s *schedule) compareExport(w *oracle.World) error {
	sc, v := s.scope()
	v.Del("tz")
	format := pick(s.generator, "ndjson", "csv", "parquet")
	v.Set("format", format)
	var columns []string
	if format != "ndjson" && s.chance(60) {
		for _, name := range askedColumns {
			if s.chance(50) {
				columns = append(columns, name)
			}
		}
		s.Shuffle(len(columns), func(i, j int) { columns[i], columns[j] = columns[j], columns[i] })
		if len(columns) > 0 {
			v.Set("columns", strings.Join(columns, ","))
		}
	}
	return s.compareFormat(w.Export(&sc), v, format, columns)
}

func (s *schedule) compareFormat(want []*oracle.Event, v url.Values, format string, columns []string) error {
	target := "/v1/export?" + v.Encode()
	a := s.in.ask("GET", s.token(), target, "")
	if a.status != 200 || a.header.Get("Eye-Complete") != "true" {
		return fmt.Errorf("%s: %d %v %s", target, a.status, a.header, a.body)
	}
	compare := map[string]func(string, []*oracle.Event, []string) error{"ndjson": compareNDJSON, "csv": compareCSV, "parquet": compareParquet}
	if err := compare[format](a.body, want, columns); err != nil {
		return fmt.Errorf("%s: %w", target, err)
	}
	return nil
}

// compareValue compares a value of an event in a column; present says that it is there.
func compareValue(e *oracle.Event, column string, got any, present bool) error {
	want, ok := e.Value(column)
	if t, isTime := want.(time.Time); isTime {
		want = oracle.FormatTime(t)
	}
	if ok != present || ok && oracle.Canonical(got) != oracle.Canonical(want) {
		return fmt.Errorf("%s of %s is %#v (present: %t), want %#v (%t)", column, e.DocumentID, got, present, want, ok)
	}
	return nil
}

func decodeJSON(text string) (v any, err error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	return v, d.Decode(&v)
}

func compareNDJSON(body string, want []*oracle.Event, _ []string) error {
	lines := slices.Collect(strings.Lines(body))
	if len(lines) != len(want)+1 {
		return fmt.Errorf("%d lines of %d events", len(lines), len(want))
	}
	for i, line := range lines {
		v, err := decodeJSON(line)
		object, _ := v.(map[string]any)
		if err != nil {
			return err
		}
		if i == len(want) {
			return same(object, map[string]any{"_end": true, "events": json.Number(strconv.Itoa(i)), "next_cursor": nil})
		}
		for _, column := range append([]string{"data"}, fixedColumns...) {
			got, present := object[column]
			if err := compareValue(want[i], column, got, present); err != nil {
				return err
			}
		}
	}
	return nil
}

// compareCSV reads a file as RFC 4180 says: a cell is a text, of which the apostrophe
// before what a spreadsheet runs is taken off, or the JSON of another value, or empty for
// a missing one.
func compareCSV(body string, want []*oracle.Event, columns []string) error {
	rows, err := csv.NewReader(strings.NewReader(body)).ReadAll()
	if err != nil {
		return err
	}
	if len(rows) != len(want)+1 {
		return fmt.Errorf("%d rows of %d events", len(rows), len(want))
	}
	header := rows[0]
	if len(columns) == 0 { // those of the events, of which the first page has all
		columns = slices.DeleteFunc(slices.Sorted(slices.Values(leaves)), func(name string) bool {
			return !slices.ContainsFunc(want, func(e *oracle.Event) bool { _, ok := e.Value(name); return ok })
		})
	}
	if names := slices.Concat(fixedColumns, columns, []string{"data_rest"}); !slices.Equal(header, names) {
		return fmt.Errorf("header %q, want %q", header, names)
	}
	for i, e := range want {
		row := rows[i+1]
		for j, column := range header[:len(header)-1] {
			if err := compareCell(e, column, row[j], columns); err != nil {
				return err
			}
		}
		if err := compareRest(e, row[len(row)-1], columns); err != nil {
			return fmt.Errorf("data_rest of %s: %w", e.DocumentID, err)
		}
	}
	return nil
}

// isSplit reports whether an object goes to columns below its own.
func isSplit(v any, column string, columns []string) bool {
	object, ok := v.(map[string]any)
	return ok && len(object) > 0 && slices.ContainsFunc(columns, func(c string) bool { return strings.HasPrefix(c, column+".") })
}

func compareCell(e *oracle.Event, column, cell string, columns []string) error {
	v, ok := e.Value(column)
	if ok && isSplit(v, column, columns) {
		ok = false
	}
	text, isText := v.(string)
	if t, isTime := v.(time.Time); isTime {
		text, isText = oracle.FormatTime(t), true
	}
	want := ""
	switch {
	case !ok:
	case isText:
		if want = text; strings.IndexAny(text, "=+-@\t\r'") == 0 {
			want = "'" + text
		}
	default:
		got, err := decodeJSON(cell)
		if err != nil || oracle.Canonical(got) != oracle.Canonical(v) {
			return fmt.Errorf("%s of %s is %q, want %#v", column, e.DocumentID, cell, v)
		}
		return nil
	}
	if cell != want {
		return fmt.Errorf("%s of %s is %q, want %q", column, e.DocumentID, cell, want)
	}
	return nil
}

// compareRest compares the object of the leaves that have no column.
func compareRest(e *oracle.Event, cell string, columns []string) error {
	want := map[string]any{}
	for _, leaf := range leaves {
		held := slices.Contains(columns, leaf) || leaf == "data.o.p" && slices.Contains(columns, "data.o")
		if v, ok := e.Value(leaf); ok && !held {
			want[leaf] = v
		}
	}
	if len(want) == 0 {
		if cell != "" {
			return fmt.Errorf("is %q", cell)
		}
		return nil
	}
	v, err := decodeJSON(cell)
	if err != nil {
		return fmt.Errorf("%q: %w", cell, err)
	}
	got, _ := v.(map[string]any)
	return same(got, want)
}

// compareParquet reads a file by a reader of the format.
func compareParquet(body string, want []*oracle.Event, columns []string) error {
	f, err := parquet.OpenFile(bytes.NewReader([]byte(body)), int64(len(body)))
	if err != nil {
		return err
	}
	var names []string
	for _, path := range f.Schema().Columns() {
		names = append(names, strings.Join(path, "/"))
	}
	if all := slices.Concat(fixedColumns, []string{"data"}, columns); !slices.Equal(names, all) {
		return fmt.Errorf("columns %q, want %q", names, all)
	}
	if f.NumRows() != int64(len(want)) {
		return fmt.Errorf("%d rows of %d events", f.NumRows(), len(want))
	}
	at := 0
	for _, group := range f.RowGroups() {
		rows := group.Rows()
		defer func() { _ = rows.Close() }() //nolint:gocritic // few groups
		buf := make([]parquet.Row, group.NumRows())
		n, _ := rows.ReadRows(buf) // io.EOF with the last
		for _, row := range buf[:n] {
			for i, name := range names {
				if err := compareColumn(want[at], name, row[i], columns); err != nil {
					return err
				}
			}
			at++
		}
	}
	if at != len(want) {
		return fmt.Errorf("%d rows are read of %d", at, len(want))
	}
	return nil
}

func compareColumn(e *oracle.Event, name string, v parquet.Value, columns []string) error {
	switch {
	case name == "timestamp" || name == "received_at":
		return compareValue(e, name, oracle.FormatTime(time.UnixMicro(v.Int64())), true)
	case name == "schema_version":
		return compareValue(e, name, json.Number(strconv.FormatInt(v.Int64(), 10)), !v.IsNull())
	case name == "data":
		data, err := decodeJSON(string(v.ByteArray()))
		if err != nil {
			return err
		}
		return compareValue(e, name, data, true)
	case v.IsNull():
		want, ok := e.Value(name)
		if ok && !isSplit(want, name, columns) {
			return fmt.Errorf("%s of %s is missing, want %#v", name, e.DocumentID, want)
		}
		return nil
	}
	want, ok := e.Value(name)
	text := string(v.ByteArray())
	if wanted, isText := want.(string); isText {
		if text != wanted {
			return fmt.Errorf("%s of %s is %q, want %q", name, e.DocumentID, text, wanted)
		}
		return nil
	}
	got, err := decodeJSON(text)
	if err != nil || !ok || isSplit(want, name, columns) || oracle.Canonical(got) != oracle.Canonical(want) {
		return fmt.Errorf("%s of %s is %q, want %#v (present: %t)", name, e.DocumentID, text, want, ok)
	}
	return nil
}
