package columns

import (
	"fmt"
	"strconv"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"github.com/theeye/theeye/shared/query/filter"
)

// Names of the fixed columns of a file. Each stands for one vector but category and
// name, which are the type.
const (
	columnEventID    = "event_id"
	columnDocumentID = "document_id"
	columnSessionID  = "session_id"
	columnCategory   = "category"
	columnName       = "name"
	columnTimestamp  = "timestamp"
	columnReceived   = "received_at"
	columnExpires    = "expires_at"
	columnStatus     = "status"
	columnErrors     = "errors"
	columnSchema     = "schema_version"
	columnSlot       = "slot"
)

// Suffixes of the names of a path's columns: texts stand in that of the plain name.
const (
	suffixNumber = ":number"
	suffixJSON   = ":json"
)

// part of a value: the column of a path in which it stands.
const (
	inText = iota
	inNumber
	inJSON
	columnsPerPath
)

// columnNames returns the names of the columns of a path. No path is spelled with a
// colon outside of quotes, so they are those of no other.
func columnNames(info *PathInfo) [columnsPerPath]string {
	name := info.Field().String()
	return [columnsPerPath]string{name, name + suffixNumber, name + suffixJSON}
}

// columnOf returns the column in which a value stands.
func columnOf(v filter.Value) int {
	switch v.Kind() {
	case filter.KindText:
		return inText
	case filter.KindNumber:
		f, _ := v.Float()
		if text, _ := v.NumberText(); doubleText(f) == text {
			return inNumber
		}
	}
	return inJSON
}

// plainLimit bounds the doubles that are written as an integer at once.
const plainLimit = 1 << 53

// doubleText returns the canonical text of the shortest decimal of a double.
func doubleText(f float64) string {
	if n := int64(f); f > -plainLimit && f < plainLimit && float64(n) == f {
		return strconv.FormatInt(n, 10)
	}
	return filter.Number(strconv.FormatFloat(f, 'g', -1, 64)).Key()
}

// doubleValue returns the number of doubleText.
func doubleValue(f float64) filter.Value {
	if n := int64(f); f > -plainLimit && f < plainLimit && float64(n) == f {
		return filter.Int(n)
	}
	return filter.Number(doubleText(f))
}

// compression is safe for concurrent use.
var compression = &zstd.Codec{Level: zstd.SpeedFastest, Concurrency: 1}

// newSchema returns the schema of a part's file. columns says which columns each path
// needs.
func newSchema(p *Part, columns [][columnsPerPath]bool) *parquet.Schema {
	group := parquet.Group{
		columnEventID:    required(parquet.Encoded(parquet.String(), &parquet.DeltaLengthByteArray)),
		columnDocumentID: optional(dictionaryOf(parquet.String())),
		columnSessionID:  optional(dictionaryOf(parquet.UUID())),
		columnCategory:   optional(dictionaryOf(parquet.String())),
		columnName:       optional(dictionaryOf(parquet.String())),
		columnTimestamp:  optional(parquet.Encoded(parquet.Timestamp(parquet.Microsecond), &parquet.DeltaBinaryPacked)),
		columnReceived:   required(parquet.Encoded(parquet.Timestamp(parquet.Millisecond), &parquet.DeltaBinaryPacked)),
		columnExpires:    optional(parquet.Encoded(parquet.Timestamp(parquet.Millisecond), &parquet.DeltaBinaryPacked)),
		columnStatus:     required(dictionaryOf(parquet.String())),
		columnErrors:     optional(dictionaryOf(parquet.String())),
		columnSchema:     optional(dictionaryOf(parquet.Int(64))),
		columnSlot:       required(dictionaryOf(parquet.Int(64))),
	}
	for i := range p.paths {
		for at, name := range columnNames(&p.paths[i]) {
			if !columns[i][at] {
				continue
			}
			node := parquet.String()
			if at == inNumber {
				node = parquet.Leaf(parquet.DoubleType)
			}
			group[name] = optional(dictionaryOf(node))
		}
	}
	return parquet.NewSchema("events", group)
}

func required(n parquet.Node) parquet.Node { return parquet.Compressed(n, compression) }

func optional(n parquet.Node) parquet.Node { return parquet.Optional(required(n)) }

func dictionaryOf(n parquet.Node) parquet.Node { return parquet.Encoded(n, &parquet.RLEDictionary) }

// columnIndex returns the place of each column of a schema.
func columnIndex(schema *parquet.Schema) (map[string]int, error) {
	index := make(map[string]int)
	for i, path := range schema.Columns() {
		if len(path) != 1 {
			return nil, fmt.Errorf("column %q is nested", path)
		}
		index[path[0]] = i
	}
	return index, nil
}
