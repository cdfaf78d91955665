package analytics

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/columns"
	"github.com/theeye/theeye/shared/query/filter"
)

// maxSharedValues bounds the distinct values of one question.
const maxSharedValues = 1_000_000

// missingCode is the shared code of a missing value.
const missingCode = 0

// sharedValues numbers the values of a field over all views of a question: equal values
// of any view have one code. A code is given when a row is asked for, so that the cost
// is that of the values in use. It is safe for concurrent use.
type sharedValues struct {
	field filter.Field
	views []sharedView

	mu     sync.Mutex
	codes  map[string]uint32
	values namedValues
	full   atomic.Bool
}

// namedValues are named values by code; that of missingCode is missing. Those that were
// added stay as they are, so that a copy can be read while more are added.
type namedValues struct {
	values []filter.Value
	// types are those that the values name; nil if the field is not the type.
	types []columns.Type
}

func newNamedValues(field filter.Field) namedValues {
	n := namedValues{values: make([]filter.Value, 1)}
	if field.Name == filter.Type {
		n.types = make([]columns.Type, 1)
	}
	return n
}

// countCodes returns the number of codes.
func (n *namedValues) countCodes() int { return len(n.values) }

func (n *namedValues) valueOf(code uint32) namedValue {
	v := namedValue{Value: n.values[code]}
	if n.types != nil {
		v.Type = n.types[code]
	}
	return v
}

// addNamed adds a value and returns its code.
func (n *namedValues) addNamed(v namedValue) uint32 {
	n.values = append(n.values, v.Value)
	if n.types != nil {
		n.types = append(n.types, v.Type)
	}
	return uint32(len(n.values) - 1)
}

// namedValue is a value, and the type that it names if the field is the type.
type namedValue struct {
	filter.Value
	columns.Type
}

// sharedView is a column of one view, and the shared codes of its codes, 0 as long as
// they are not known.
type sharedView struct {
	once sync.Once
	err  error
	// codes are those of the rows: of types where the field is the type, else of values or,
	// where that is not nil, of elements.
	codes    columns.Codes
	elements [][]uint32
	values   columns.Values
	types    []columns.Type
	shared   []atomic.Uint32
	// known are the shared codes of all codes, where a dictionary has them.
	known []uint32
}

// newSharedValues returns the values of a field in views, those that a marker passes over
// left out. Where the dictionary of the field has room for all of them, it numbers them.
func (a *Analytics) newSharedValues(ctx context.Context, field filter.Field, views []columns.View, m *marker) (*sharedValues, error) {
	s := &sharedValues{
		field: field, views: make([]sharedView, len(views)), codes: map[string]uint32{}, values: newNamedValues(field),
	}
	groups, err := a.findGrouping(ctx, field, views, m)
	if err != nil || groups == nil {
		return s, err
	}
	s.values = groups.values
	for i := range s.views {
		s.views[i].known = groups.views[i].shared
	}
	return s, nil
}

// loadView reads the column of a view. It must have returned without an error before a
// row of the view is asked for.
func (s *sharedValues) loadView(ctx context.Context, view int, p *columns.Part) error {
	v := &s.views[view]
	v.once.Do(func() {
		if s.field.Name == filter.Type {
			v.types = p.Types()
			v.codes, v.err = p.TypeCodes(ctx)
		} else if column, err := loadColumn(ctx, p, s.field); err != nil {
			v.err = err
		} else {
			v.codes, v.elements, v.values = column.Codes, column.Elements, column.Values
		}
		if v.err == nil && v.known == nil {
			v.shared = make([]atomic.Uint32, v.countCodes())
		}
	})
	return v.err
}

// countCodes returns the number of codes of values.
func (v *sharedView) countCodes() int { return max(len(v.types), v.values.Len()) }

// codeAt returns the code of the value of a row, which does not cross arrays.
func (s *sharedValues) codeAt(at place) uint32 {
	v := &s.views[at.view]
	return s.share(v, v.codes.CodeAt(int(at.row)))
}

// appendCodes appends the codes of the values of a row: missingCode without one,
// those of the distinct elements if the field crosses arrays.
func (s *sharedValues) appendCodes(dst []uint32, at place) []uint32 {
	v := &s.views[at.view]
	code := v.codes.CodeAt(int(at.row))
	if v.elements == nil {
		return append(dst, s.share(v, code))
	}
	start := len(dst)
elements:
	for _, e := range v.elements[code] {
		shared := s.share(v, e)
		for _, before := range dst[start:] {
			if before == shared {
				continue elements
			}
		}
		dst = append(dst, shared)
	}
	if len(dst) == start {
		dst = append(dst, missingCode)
	}
	return dst
}

func (s *sharedValues) share(v *sharedView, code uint32) uint32 {
	if v.known != nil {
		return v.known[code]
	}
	if code == 0 && v.types == nil {
		return missingCode
	}
	if shared := v.shared[code].Load(); shared != 0 {
		return shared
	}
	var value namedValue
	var key string
	if v.types != nil {
		value.Type = v.types[code]
		value.Value = filter.Text(value.Category + filter.TypeSeparator + value.Name)
		key = value.Category + "\x00" + value.Name
	} else {
		value.Value = v.values.ValueOf(code)
		key = value.Key()
	}
	shared := s.addValue(key, value)
	v.shared[code].Store(shared)
	return shared
}

// shareRows returns the shared codes of the values of a view, by their codes, where
// rows with a bit of needed have one. codes are those of the rows. The field does not cross
// arrays.
func (s *sharedValues) shareRows(view int, codes []uint32, masks []eventMask, needed eventMask) []uint32 {
	v := &s.views[view]
	if v.known != nil {
		return v.known
	}
	shared := make([]uint32, v.countCodes())
	for row, code := range codes[:len(masks)] {
		if masks[row]&needed != 0 && shared[code] == missingCode {
			shared[code] = s.share(v, code)
		}
	}
	return shared
}

// countValues returns how many codes there are by now.
func (s *sharedValues) countValues() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.values.countCodes()
}

func (s *sharedValues) addValue(key string, value namedValue) uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	code, ok := s.codes[key]
	if ok {
		return code
	}
	if s.values.countCodes() > maxSharedValues {
		s.full.Store(true)
		return missingCode
	}
	code = s.values.addNamed(value)
	s.codes[key] = code
	return code
}

// check returns an error if there are too many values: codes are wrong then.
func (s *sharedValues) check() error {
	if s.full.Load() {
		return tooLarge(fmt.Sprintf("%v has more than %d values", s.field, maxSharedValues))
	}
	return nil
}

// compareCodes orders codes by their values; types that spell alike by category.
func (s *sharedValues) compareCodes(a, b uint32) int {
	v, w := s.values.valueOf(a), s.values.valueOf(b)
	return compareNamed(&v, &w)
}

// compareNamed orders values; types that spell alike by category.
func compareNamed(v, w *namedValue) int {
	return cmp.Or(v.Compare(w.Value), cmp.Compare(v.Category, w.Category))
}

// group names the group of the value.
func (v *namedValue) group() api.StatsGroup {
	return api.StatsGroup{Group: v.json(), Category: v.Category, Name: v.Name}
}

// json returns the JSON of a value.
func (v *namedValue) json() jsontext.Value { return v.AppendJSON(nil) }
