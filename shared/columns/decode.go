package columns

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/parquet-go/parquet-go"

	"github.com/theeye/theeye/shared/query/filter"
)

// chunk reads the pages of one column of a file.
type chunk struct {
	ctx      context.Context
	pages    parquet.Pages
	optional bool
	rows     int
}

// openChunk returns the column with a name, nil if the file has none or no rows.
func (s *fileSource) openChunk(ctx context.Context, file *parquet.File, name string) *chunk {
	column, ok := file.Schema().Lookup(name)
	if !ok || len(file.RowGroups()) == 0 {
		return nil
	}
	return &chunk{
		ctx: ctx, optional: column.Node.Optional(), rows: s.meta.rows,
		pages: file.RowGroups()[0].ColumnChunks()[column.ColumnIndex].Pages(),
	}
}

// eachPage calls a function with each page and its first row. levels has a 1 for each
// row of the page that holds a value; it is nil where all do.
func (c *chunk) eachPage(use func(page parquet.Page, levels []byte, first int) error) error {
	defer func() { _ = c.pages.Close() }()
	first := 0
	for {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		page, err := c.pages.ReadPage()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		rows := int(page.NumRows())
		if first+rows > c.rows {
			return fmt.Errorf("more than %d values", c.rows)
		}
		var levels []byte
		if c.optional {
			levels = page.DefinitionLevels()
		}
		err = use(page, levels, first)
		parquet.Release(page)
		if err != nil {
			return err
		}
		first += rows
	}
	if first != c.rows {
		return fmt.Errorf("%d values, not %d", first, c.rows)
	}
	return nil
}

// readInts returns a column of integers, missing ones as given.
func (c *chunk) readInts(missing int64) ([]int64, error) {
	values := make([]int64, c.rows)
	err := c.eachPage(func(page parquet.Page, levels []byte, first int) error {
		ints := page.Data()
		data := ints.Int64()
		if levels == nil {
			copy(values[first:], data)
			return nil
		}
		for i, level := range levels {
			if level == 0 {
				values[first+i] = missing
				continue
			}
			values[first+i] = data[0]
			data = data[1:]
		}
		return nil
	})
	return values, err
}

// readCodes returns a dictionary coded column: the codes, 0 for a missing value, else the
// index in the dictionary plus base; and the dictionary, nil without values.
func (c *chunk) readCodes(codes []uint32, base uint32) (dictionary parquet.Dictionary, err error) {
	err = c.eachPage(func(page parquet.Page, levels []byte, first int) error {
		if dictionary = page.Dictionary(); dictionary == nil {
			return errors.New("a page without a dictionary")
		}
		held := page.Data()
		indexes := held.Int32()
		limit := uint32(dictionary.Len())
		for _, index := range indexes {
			if uint32(index) >= limit {
				return errors.New("a value that is not in the dictionary")
			}
		}
		if levels == nil {
			for i, index := range indexes {
				codes[first+i] = base + uint32(index)
			}
			return nil
		}
		next := 0
		for i, level := range levels {
			if level != 0 {
				codes[first+i] = base + uint32(indexes[next])
				next++
			}
		}
		return nil
	})
	return dictionary, err
}

// dictionaryTexts returns the values of a dictionary of texts.
func dictionaryTexts(d parquet.Dictionary) []string {
	held := d.Page().Data()
	data, offsets := held.ByteArray()
	all := string(data)
	texts := make([]string, d.Len())
	for i := range texts {
		texts[i] = all[offsets[i]:offsets[i+1]]
	}
	return texts
}

// newTextCoded is newCoded for the texts of a dictionary, which most columns are alone:
// their memory is copied once. It changes codes, which are places in the dictionary from 1.
func newTextCoded(d parquet.Dictionary, codes []uint32) *coded {
	codes, used := renumber(codes, d.Len()+1)
	held := d.Page().Data()
	data, offsets := held.ByteArray()
	size := 0
	for _, code := range used[1:] {
		size += int(offsets[code] - offsets[code-1])
	}
	values := Values{offsets: append(make([]uint32, 0, len(used)+1), 0, 0)}
	var text strings.Builder
	text.Grow(size)
	for _, code := range used[1:] {
		text.Write(data[offsets[code-1]:offsets[code]])
		values.offsets = append(values.offsets, uint32(text.Len()))
	}
	values.text = text.String()
	return &coded{values: values, codes: PackCodes(codes)}
}

// appendDictionary appends the values of one column of a path.
func appendDictionary(values []filter.Value, d parquet.Dictionary, at int) ([]filter.Value, error) {
	held := d.Page().Data()
	switch at {
	case inText:
		for _, text := range dictionaryTexts(d) {
			values = append(values, filter.Text(text))
		}
	case inNumber:
		for _, f := range held.Double() {
			values = append(values, doubleValue(f))
		}
	case inJSON:
		for _, text := range dictionaryTexts(d) {
			v, err := filter.ParseValue([]byte(text))
			if err != nil {
				return nil, err
			}
			values = append(values, v)
		}
	default:
		for _, n := range held.Int64() {
			values = append(values, filter.Int(n))
		}
	}
	return values, nil
}
