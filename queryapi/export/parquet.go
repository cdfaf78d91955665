package export

import (
	"io"
	"reflect"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/parquet-go/parquet-go"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/query/filter"
	"github.com/theeye/theeye/shared/store"
)

// Bounds of a row group, whichever is reached first, and of a page. A writer holds
// one row group, encoded.
const (
	rowGroupRows  = 50_000
	rowGroupBytes = 8 << 20
	parquetPage   = 256 << 10
)

// columnData is the column with all data as JSON.
const columnData = "data"

// parquetFile writes a Parquet file: api.ExportColumns, data, and the columns of data.
type parquetFile struct {
	w    *parquet.GenericWriter[any]
	data *splitter
	// values are those of one call of Encode, by column.
	values [][]parquet.Value
	rows   int
	bytes  int
}

// NewParquet returns an encoder of a Parquet file: the columns api.ExportColumns,
// data as JSON, and those of columns as text: a text as it is, any other value as
// JSON, null for a missing one. nil is no columns.
func NewParquet(w io.Writer, columns *Columns) Encoder {
	if columns == nil {
		columns = &Columns{root: &columnNode{column: -1}}
	}
	e := &parquetFile{data: newSplitter(columns, func(filter.Path, jsontext.Value) {})}
	nodes := fixedNodes()
	for _, name := range columns.names {
		nodes = append(nodes, field{name: name, Node: parquet.Optional(parquet.String())})
	}
	e.values = make([][]parquet.Value, len(nodes))
	e.w = parquet.NewGenericWriter[any](w, parquet.NewSchema("event", group{fields: nodes}),
		parquet.Compression(&parquet.Snappy), parquet.PageBufferSize(parquetPage), parquet.WriteBufferSize(writeSize),
		parquet.CreatedBy("The Eye", api.ExportFormatVersion, ""))
	return e
}

// fixedNodes returns the columns that every file has, in their order.
func fixedNodes() []field {
	text := parquet.String()
	repeating := parquet.Encoded(text, &parquet.RLEDictionary)
	instant := parquet.Timestamp(parquet.Microsecond)
	nodes := []parquet.Node{
		text, repeating, repeating, repeating, repeating, instant, instant, parquet.Optional(parquet.Int(64)),
	}
	var all []field
	for i, name := range api.ExportColumns() {
		all = append(all, field{name: name, Node: nodes[i]})
	}
	return append(all, field{name: columnData, Node: parquet.Optional(parquet.JSON())})
}

// group is a parquet.Group whose fields keep their order.
type group struct {
	parquet.Group

	fields []field
}

// Fields implements parquet.Node.
func (g group) Fields() []parquet.Field {
	all := make([]parquet.Field, len(g.fields))
	for i := range g.fields {
		all[i] = &g.fields[i]
	}
	return all
}

// GoType implements parquet.Node; rows are written as values alone.
func (group) GoType() reflect.Type { return reflect.TypeFor[struct{}]() }

// field is a column.
type field struct {
	parquet.Node

	name string
}

// Name implements parquet.Field.
func (f *field) Name() string { return f.name }

// Value implements parquet.Field; rows are written as values alone.
func (*field) Value(reflect.Value) reflect.Value { return reflect.Value{} }

// Encode implements Encoder.
func (e *parquetFile) Encode(docs []*store.Document) error {
	for len(docs) > 0 {
		n, size := 0, 0
		for n < len(docs) && e.rows+n < rowGroupRows && e.bytes+size < rowGroupBytes {
			size += docs[n].Size() + 2*len(docs[n].EventID)
			n++
		}
		if err := e.writeColumns(docs[:n]); err != nil {
			return err
		}
		docs, e.rows, e.bytes = docs[n:], e.rows+n, e.bytes+size
		if e.rows >= rowGroupRows || e.bytes >= rowGroupBytes {
			if err := e.w.Flush(); err != nil {
				return err
			}
			e.rows, e.bytes = 0, 0
		}
	}
	return nil
}

// writeColumns writes events to the columns.
func (e *parquetFile) writeColumns(docs []*store.Document) error {
	for i := range e.values {
		e.values[i] = e.values[i][:0]
	}
	for _, d := range docs {
		e.addRow(d)
	}
	for i, c := range e.w.ColumnWriters() {
		if _, err := c.WriteRowValues(e.values[i]); err != nil {
			return err
		}
		clear(e.values[i]) // no document is kept
	}
	return nil
}

func (e *parquetFile) addRow(d *store.Document) {
	at := 0
	add := func(v parquet.Value, definition int) {
		e.values[at] = append(e.values[at], v.Level(0, definition, at))
		at++
	}
	addOptional := func(v parquet.Value, present bool) {
		if !present {
			add(parquet.Value{}, 0)
			return
		}
		add(v, 1)
	}
	for _, s := range []string{d.EventID, d.Application, d.SessionID, d.Category, d.Name} {
		add(parquet.ByteArrayValue([]byte(s)), 0)
	}
	add(instantValue(d.Timestamp), 0)
	add(instantValue(d.ReceivedAt), 0)
	addOptional(parquet.Int64Value(d.SchemaVersion), d.SchemaVersion != 0)
	addOptional(parquet.ByteArrayValue(d.Data), d.Data != nil)
	if len(e.data.cells) == 0 {
		return
	}
	e.data.split(d.Data)
	for _, v := range e.data.cells {
		addOptional(textValue(v), v != nil)
	}
}

// textValue returns a text as it is, any other value as JSON.
func textValue(v jsontext.Value) parquet.Value {
	if v.Kind() != '"' {
		return parquet.ByteArrayValue(v)
	}
	text, _ := jsontext.AppendUnquote(nil, v) // valid, as the store returned it
	return parquet.ByteArrayValue(text)
}

func instantValue(t time.Time) parquet.Value { return parquet.Int64Value(t.UnixMicro()) }

// Flush implements Encoder: the rows of an unfinished group stay.
func (*parquetFile) Flush() error { return nil }

// End writes the footer. An export that is not whole gets none, so that it is no
// Parquet file.
func (e *parquetFile) End(next string) error {
	if next != "" {
		return nil
	}
	return e.w.Close()
}
