package columns

import (
	"context"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"

	"github.com/theeye/theeye/shared/store"
)

// encoder writes the columns of a part, one after the other, so that no more of them are
// in memory than one, the dictionaries, and the compressed bytes.
type encoder struct {
	part    *Part
	writer  *parquet.GenericWriter[any]
	columns map[string]int
	batch   []parquet.Value
}

// batchRows is the number of values that are handed over at once.
const batchRows = 1024

// encodePart writes a part as a Parquet file whose footer holds the entries, in order.
func encodePart(ctx context.Context, p *Part, w io.Writer, entries [][2]string) error {
	columns, err := findColumns(ctx, p)
	if err != nil {
		return err
	}
	schema := newSchema(p, columns)
	e := &encoder{part: p, batch: make([]parquet.Value, 0, batchRows)}
	if e.columns, err = columnIndex(schema); err != nil {
		return err
	}
	e.writer = parquet.NewGenericWriter[any](w, schema, parquet.DataPageStatistics(false))
	for _, entry := range entries {
		e.writer.SetKeyValueMetadata(entry[0], entry[1])
	}
	if err := e.writeFixed(ctx); err != nil {
		return err
	}
	for i := range p.paths {
		c, err := loadVector[*coded](ctx, p, firstLeaf+vector(i))
		if err != nil {
			return err
		}
		for at, name := range columnNames(&p.paths[i]) {
			if !columns[i][at] {
				continue
			}
			if err := e.writeCoded(ctx, name, c, at); err != nil {
				return err
			}
		}
	}
	return e.writer.Close()
}

// findColumns returns which columns each path needs.
func findColumns(ctx context.Context, p *Part) ([][columnsPerPath]bool, error) {
	columns := make([][columnsPerPath]bool, len(p.paths))
	for i := range p.paths {
		info := &p.paths[i]
		columns[i][inText] = info.Texts > 0
		columns[i][inJSON] = info.Nulls+info.Booleans+info.Arrays+info.Objects > 0
		if info.Numbers == 0 {
			continue
		}
		c, err := loadVector[*coded](ctx, p, firstLeaf+vector(i))
		if err != nil {
			return nil, err
		}
		for code, v := range c.values.All() {
			if code > 0 {
				columns[i][columnOf(v)] = true
			}
		}
	}
	return columns, nil
}

// writeFixed writes the fixed columns.
func (e *encoder) writeFixed(ctx context.Context) error {
	p := e.part
	for _, write := range []func(context.Context) error{e.writeEventIDs, e.writeSessions, e.writeTypes, e.writeSlots} {
		if err := write(ctx); err != nil {
			return err
		}
	}
	for _, times := range []struct {
		name    string
		vector  vector
		missing int64
	}{
		{columnTimestamp, vectorTimestamp, missingTime},
		{columnReceived, vectorReceived, missingTime},
		{columnExpires, vectorExpiry, neverExpires},
	} {
		values, err := loadVector[*Times](ctx, p, times.vector)
		if err != nil {
			return err
		}
		err = e.writeColumn(ctx, times.name, func(row int) parquet.Value {
			if values == nil {
				return parquet.NullValue()
			}
			at := values.TimeAt(row)
			if at == times.missing {
				return parquet.NullValue()
			}
			return parquet.Int64Value(at)
		})
		if err != nil {
			return err
		}
	}
	for name, vector := range map[string]vector{columnSchema: vectorSchema, columnDocumentID: vectorDocument, columnErrors: vectorErrors} {
		c, err := loadVector[*coded](ctx, p, vector)
		if err != nil {
			return err
		}
		if err := e.writeCoded(ctx, name, c, anyColumn); err != nil {
			return err
		}
	}
	return nil
}

// anyColumn writes every value, integers as such.
const anyColumn = -1

// writeCoded writes the values that stand in one column of a path.
func (e *encoder) writeCoded(ctx context.Context, name string, c *coded, at int) error {
	values := make([]parquet.Value, c.values.Len())
	for code, v := range c.values.All() {
		if code == 0 || at != anyColumn && columnOf(v) != at {
			continue
		}
		if text, ok := v.TextValue(); ok {
			values[code] = parquet.ByteArrayValue([]byte(text))
			continue
		}
		f, isNumber := v.Float()
		switch {
		case isNumber && at == inNumber:
			values[code] = parquet.DoubleValue(f)
		case isNumber && at == anyColumn:
			n, err := parseInt(v)
			if err != nil {
				return err
			}
			values[code] = parquet.Int64Value(n)
		default:
			values[code] = parquet.ByteArrayValue(v.AppendJSON(nil))
		}
	}
	codes := c.spread(e.part.rows)
	return e.writeColumn(ctx, name, func(row int) parquet.Value { return values[codes.CodeAt(row)] })
}

func (e *encoder) writeEventIDs(ctx context.Context) error {
	ids, err := e.part.EventIDs(ctx)
	if err != nil {
		return err
	}
	return e.writeColumn(ctx, columnEventID, func(row int) parquet.Value { return parquet.ByteArrayValue(ids.At(row)) })
}

func (e *encoder) writeSessions(ctx context.Context) error {
	v, err := loadVector[*sessionVector](ctx, e.part, vectorSession)
	if err != nil {
		return err
	}
	return e.writeColumn(ctx, columnSessionID, func(row int) parquet.Value {
		code := v.codes.CodeAt(row)
		if code == 0 {
			return parquet.NullValue()
		}
		return parquet.FixedLenByteArrayValue(v.ids[code][:])
	})
}

// writeTypes writes category, name and status.
func (e *encoder) writeTypes(ctx context.Context) error {
	codes, err := e.part.TypeCodes(ctx)
	if err != nil {
		return err
	}
	categories, names := make([]parquet.Value, len(e.part.types)), make([]parquet.Value, len(e.part.types))
	for i, t := range e.part.types {
		categories[i], names[i] = textOrNull(t.Category), textOrNull(t.Name)
	}
	if err := e.writeColumn(ctx, columnCategory, func(row int) parquet.Value { return categories[codes.CodeAt(row)] }); err != nil {
		return err
	}
	if err := e.writeColumn(ctx, columnName, func(row int) parquet.Value { return names[codes.CodeAt(row)] }); err != nil {
		return err
	}
	stored, rejected := textOrNull(string(store.Stored)), textOrNull(string(store.Rejected))
	return e.writeColumn(ctx, columnStatus, func(row int) parquet.Value {
		if row < e.part.stored {
			return stored
		}
		return rejected
	})
}

func textOrNull(text string) parquet.Value {
	if text == "" {
		return parquet.NullValue()
	}
	return parquet.ByteArrayValue([]byte(text))
}

func (e *encoder) writeSlots(ctx context.Context) error {
	slots, err := e.part.SlotNumbers(ctx)
	if err != nil {
		return err
	}
	first := e.part.key.FirstSlot()
	return e.writeColumn(ctx, columnSlot, func(row int) parquet.Value { return parquet.Int64Value(first + int64(slots[row])) })
}

// writeColumn writes one value a row. A value that is not null is at definition level 1
// in an optional column.
func (e *encoder) writeColumn(ctx context.Context, name string, value func(row int) parquet.Value) error {
	index, ok := e.columns[name]
	if !ok {
		return fmt.Errorf("no column %q", name)
	}
	w := e.writer.ColumnWriters()[index]
	level := 0
	if column, ok := e.writer.Schema().Lookup(name); ok && column.Node.Optional() {
		level = 1
	}
	for row := 0; row < e.part.rows; {
		if err := ctx.Err(); err != nil {
			return err
		}
		e.batch = e.batch[:0]
		for ; row < e.part.rows && len(e.batch) < batchRows; row++ {
			v := value(row)
			definition := level
			if v.IsNull() {
				definition = 0
			}
			e.batch = append(e.batch, v.Level(0, definition, index))
		}
		if _, err := w.WriteRowValues(e.batch); err != nil {
			return fmt.Errorf("column %q: %w", name, err)
		}
	}
	return w.Flush()
}
