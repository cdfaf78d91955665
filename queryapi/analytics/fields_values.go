package analytics

import (
	"cmp"
	"context"
	"hash/maphash"
	"math/bits"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/columns"
	"github.com/theeye/theeye/shared/query/filter"
)

// maxCountedValues bounds the values that a valueCounter holds. With more, it holds those
// alone whose hash ends with some zeros: a sample by value, from which their number is
// estimated to about half a percent.
const maxCountedValues = 1 << 16

// valueCounter counts the values of one field over views. It is for one goroutine.
type valueCounter struct {
	values map[uint64]*countedValue
	// level is the number of zeros at the end of the hashes that are held.
	level int
	// least and greatest are those of the numbers, without numbers those of the texts.
	least, greatest filter.Value

	counts []int64 // of a view, by code
}

type countedValue struct {
	value filter.Value
	count int64
}

var valueSeed = maphash.MakeSeed()

func newValueCounter() *valueCounter { return &valueCounter{values: map[uint64]*countedValue{}} }

// countRows counts the values of rows, and the rows by kind.
func (c *valueCounter) countRows(ctx context.Context, rows *rowSet, column *columns.Column, kinds map[string]int64) error {
	c.counts = append(c.counts[:0], make([]int64, column.Values.Len())...)
	codes := make([]uint32, blockRows)
	err := rows.forEachBlock(ctx, make([]uint32, blockRows), func(rows []uint32) {
		column.Codes.Gather(codes[:len(rows)], rows)
		for _, code := range codes[:len(rows)] {
			c.counts[code]++
		}
	})
	if err != nil {
		return err
	}
	for code, n := range c.counts {
		if n == 0 {
			continue
		}
		value := column.Values.ValueOf(uint32(code))
		kind := kindName(value.Kind())
		if kind == "" {
			continue
		}
		kinds[kind] += n
		c.addValue(value, n)
	}
	return nil
}

// kindName names the kinds that a field can have: an object is no field, its members
// are.
func kindName(k filter.Kind) string {
	switch k {
	case filter.KindNull:
		return "null"
	case filter.KindFalse, filter.KindTrue:
		return "boolean"
	case filter.KindNumber:
		return "number"
	case filter.KindText:
		return "string"
	case filter.KindArray:
		return "array"
	case filter.KindMissing, filter.KindObject:
	}
	return ""
}

func (c *valueCounter) addValue(v filter.Value, n int64) {
	if kind := v.Kind(); kind == filter.KindNumber || kind == filter.KindText {
		c.addExtreme(v)
	}
	hash := maphash.String(valueSeed, v.Key())
	if bits.TrailingZeros64(hash) < c.level {
		return
	}
	if known := c.values[hash]; known != nil {
		known.count += n
		return
	}
	c.values[hash] = &countedValue{v, n}
	for len(c.values) > maxCountedValues {
		c.level++
		for hash := range c.values {
			if bits.TrailingZeros64(hash) < c.level {
				delete(c.values, hash)
			}
		}
	}
}

// addExtreme keeps the least and the greatest value. Numbers take the place of texts.
func (c *valueCounter) addExtreme(v filter.Value) {
	switch {
	case c.least.IsMissing(), v.Kind() < c.least.Kind():
		c.least, c.greatest = v, v
	case v.Kind() > c.least.Kind():
	case v.Compare(c.least) < 0:
		c.least = v
	case v.Compare(c.greatest) > 0:
		c.greatest = v
	}
}

// distinct returns the number of different values.
func (c *valueCounter) distinct() int64 { return int64(len(c.values)) << c.level }

// samples returns the most frequent values that can be shown.
func (c *valueCounter) samples() []jsontext.Value {
	compare := func(a, b *countedValue) int { return cmp.Or(cmp.Compare(b.count, a.count), a.value.Compare(b.value)) }
	var most []*countedValue
	for _, v := range c.values {
		if len(most) == maxSamples && compare(v, most[maxSamples-1]) > 0 || shortJSON(v.value) == nil {
			continue
		}
		at, _ := slices.BinarySearchFunc(most, v, compare)
		most = slices.Insert(most[:min(len(most), maxSamples-1)], at, v)
	}
	samples := make([]jsontext.Value, len(most))
	for i, v := range most {
		samples[i] = shortJSON(v.value)
	}
	return samples
}
