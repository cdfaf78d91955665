package columns

import (
	"cmp"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/theeye/theeye/shared/query/filter"
)

// Bounds of one Key. Values over them are left out and flagged: Column answers
// ErrNotHeld for them, and the caller scans the store.
const (
	// MaxPaths bounds the leaf paths of the data objects.
	MaxPaths = 1000
	// MaxValueBytes bounds one value of the data.
	MaxValueBytes = 64 << 10
	// MaxValues bounds the distinct values of one path.
	MaxValues = 1_000_000
	// maxDictionaryBytes bounds the distinct values of one path together.
	maxDictionaryBytes = 128 << 20
)

// dictionary collects the distinct values of one leaf path. Code 0 is missing.
type dictionary struct {
	values []filter.Value
	// texts are the codes of texts, others those of the spellings of all other
	// values as JSON: 1 and 1.0 have one code.
	texts, others map[string]uint32
	// limit bounds the distinct values.
	limit int
	// bytes estimates the memory.
	bytes int
	// full says that the values were over a bound; nothing is held then.
	full bool
}

func newDictionary(limit int) *dictionary {
	return &dictionary{values: make([]filter.Value, 1, 8), limit: limit}
}

// Estimates of the memory of one value besides its text: the Value, and an entry of a
// map with its string.
const (
	valueBytes = 40
	entryBytes = 40
)

// codeText returns the code of a text. The text is copied when it is new.
func (d *dictionary) codeText(text []byte) (uint32, error) {
	if code, ok := d.texts[string(text)]; ok {
		return code, nil
	}
	if !utf8.Valid(text) {
		return 0, errSyntax
	}
	if d.texts == nil {
		d.texts = make(map[string]uint32)
	}
	owned := string(text)
	code := d.addValue(filter.Text(owned), len(owned))
	if code != 0 {
		d.texts[owned] = code
		d.bytes += entryBytes
	}
	return code, nil
}

// codeJSON returns the code of a value that is no text.
func (d *dictionary) codeJSON(raw []byte) (uint32, error) {
	if code, ok := d.others[string(raw)]; ok {
		return code, nil
	}
	v, err := filter.ParseValue(raw)
	if err != nil {
		return 0, fmt.Errorf("value of the data: %w", err)
	}
	if d.others == nil {
		d.others = make(map[string]uint32)
	}
	key := v.Key()
	code, ok := d.others[key]
	if !ok {
		if v, err = canonicalValue(v, key); err != nil {
			return 0, err
		}
		if code = d.addValue(v, len(key)); code == 0 {
			return 0, nil
		}
		d.others[key] = code
		d.bytes += entryBytes + len(key)
	}
	if key != string(raw) {
		d.others[string(raw)] = code
		d.bytes += entryBytes + len(raw)
	}
	return code, nil
}

// canonicalValue returns the spelling of v that does not depend on which spelling came
// first.
func canonicalValue(v filter.Value, key string) (filter.Value, error) {
	switch v.Kind() {
	case filter.KindArray, filter.KindObject:
		return filter.ParseValue([]byte(key))
	case filter.KindNumber:
		return filter.Number(key), nil
	default:
		return v, nil
	}
}

// addValue adds a value that is new. It returns 0 when a bound is reached.
func (d *dictionary) addValue(v filter.Value, size int) uint32 {
	if d.bytes += valueBytes + size; len(d.values) > d.limit || d.bytes > maxDictionaryBytes {
		d.drop()
		return 0
	}
	d.values = append(d.values, v)
	return uint32(len(d.values) - 1)
}

// drop lets go of every value.
func (d *dictionary) drop() { *d = dictionary{full: true} }

// compareText orders text by bytes.
func compareText(a, b string) int { return strings.Compare(a, b) }

// compareTypes orders types by category, then name.
func compareTypes(a, b Type) int {
	return cmp.Or(compareText(a.Category, b.Category), compareText(a.Name, b.Name))
}

// valueSize estimates the memory of a value in a dictionary.
func valueSize(v filter.Value) int {
	switch v.Kind() {
	case filter.KindText:
		s, _ := v.TextValue()
		return valueBytes + len(s)
	case filter.KindNumber:
		s, _ := v.NumberText()
		return valueBytes + len(s)
	case filter.KindArray, filter.KindObject:
		return treeSize(v)
	default:
		return valueBytes
	}
}

func treeSize(v filter.Value) int {
	size := 2 * valueBytes
	for _, e := range v.Elements() {
		size += valueSize(e)
	}
	names, values := v.Members()
	for i, e := range values {
		size += len(names[i]) + 16 + valueSize(e)
	}
	return size
}
