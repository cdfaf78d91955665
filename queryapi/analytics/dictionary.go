package analytics

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"weak"

	"github.com/theeye/theeye/shared/columns"
	"github.com/theeye/theeye/shared/query/filter"
)

// Bounds of the dictionaries that are kept.
const (
	keptDictionaries = 32
	keptValues       = maxSharedValues
)

// dictionaries keep the shared codes of the fields that were asked for last, so that
// the values of a part are looked up once. It is safe for concurrent use.
type dictionaries struct {
	// room bounds the values of each; 0 is the default.
	room int

	mu sync.Mutex
	// list are those used last first.
	list []*dictionary
	// full has the fewest rows for which a field had too many values, by its name.
	full map[string]int
}

// hasRoomFor reports whether so many rows may have a dictionary: as many had too many values
// before if not.
func (d *dictionaries) hasRoomFor(field filter.Field, rows int) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	least, known := d.full[field.String()]
	return !known || rows < least
}

// noteFull notes that so many rows have too many values.
func (d *dictionaries) noteFull(field filter.Field, rows int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.full == nil || len(d.full) >= keptDictionaries {
		d.full = map[string]int{}
	}
	d.full[field.String()] = rows
}

// countRows returns the rows of views that a marker does not pass over.
func countRows(views []columns.View, m *marker) (n int) {
	for _, v := range views {
		if m.overlaps(v.Part) {
			n += v.Part.Stored()
		}
	}
	return n
}

// dictionary numbers the values of a field over all parts: equal values of any part
// have one code, from 1; 0 is missing. Codes never change. It is safe for concurrent
// use.
type dictionary struct {
	field filter.Field
	name  string
	room  int

	mu     sync.Mutex
	texts  textIndex
	others map[string]uint32 // of all values but texts, by their keys
	types  map[columns.Type]uint32
	values namedValues
	// parts are the codes of the values of a part, by their codes there.
	parts map[weak.Pointer[columns.Part]][]uint32
}

var errDictionaryFull = errors.New("the dictionary of a field is full")

func newDictionary(field filter.Field, room int) *dictionary {
	return &dictionary{
		field: field, name: field.String(), room: room, values: newNamedValues(field),
		others: map[string]uint32{}, types: map[columns.Type]uint32{},
		parts: map[weak.Pointer[columns.Part]][]uint32{},
	}
}

// findDictionary returns the dictionary of a field, and whether it is new.
func (d *dictionaries) findDictionary(field filter.Field) (found *dictionary, created bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	name := field.String()
	i := slices.IndexFunc(d.list, func(known *dictionary) bool { return known.name == name })
	if created = i < 0; created {
		found = newDictionary(field, cmp.Or(d.room, maxSharedValues))
	} else {
		found = d.list[i]
		d.list = slices.Delete(d.list, i, i+1)
	}
	d.list = slices.Insert(d.list, 0, found)
	values := 0
	for i, known := range d.list {
		if values += known.size(); i > 0 && (i >= keptDictionaries || values > keptValues) {
			d.list = slices.Delete(d.list, i, len(d.list))
			break
		}
	}
	return found, created
}

// forget drops a dictionary: the next question begins another one.
func (d *dictionaries) forget(old *dictionary) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.list = slices.DeleteFunc(d.list, func(known *dictionary) bool { return known == old })
}

func (d *dictionary) size() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.values.countCodes()
}

// knownValues returns the values by code, as of now.
func (d *dictionary) knownValues() namedValues {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.values
}

// shareValues returns the shared codes of the values of a part.
func (d *dictionary) shareValues(p *columns.Part, values *columns.Values) ([]uint32, error) {
	return d.share(p, values.Len(), func(i int) (uint32, error) {
		value := values.ValueOf(uint32(i))
		if value.IsMissing() {
			return missingCode, nil
		}
		if text, ok := value.TextValue(); ok {
			if code := d.texts.findCode(d.values.values, text); code != 0 {
				return code, nil
			}
			code, err := d.addNew(namedValue{Value: filter.Text(d.texts.copyText(text))})
			if err == nil {
				d.texts.addCode(d.values.values, code)
			}
			return code, err
		}
		key := value.Key()
		if code, known := d.others[key]; known {
			return code, nil
		}
		return addShared(d, d.others, strings.Clone(key), namedValue{Value: values.Own(uint32(i))})
	})
}

// shareTypes returns the shared codes of the types of a part.
func (d *dictionary) shareTypes(p *columns.Part) ([]uint32, error) {
	types := p.Types()
	return d.share(p, len(types), func(i int) (uint32, error) {
		text := filter.Text(types[i].Category + filter.TypeSeparator + types[i].Name)
		return addShared(d, d.types, types[i], namedValue{text, types[i]})
	})
}

// share returns the codes that a function gives to n values of a part, once.
func (d *dictionary) share(p *columns.Part, n int, codeOf func(i int) (uint32, error)) ([]uint32, error) {
	key := weak.Make(p)
	d.mu.Lock()
	defer d.mu.Unlock()
	if codes, ok := d.parts[key]; ok {
		return codes, nil
	}
	codes := make([]uint32, n)
	for i := range codes {
		var err error
		if codes[i], err = codeOf(i); err != nil {
			return nil, err
		}
	}
	if len(d.parts)%partsBetweenSweeps == 0 {
		for part := range d.parts {
			if part.Value() == nil {
				delete(d.parts, part)
			}
		}
	}
	d.parts[key] = codes
	return codes, nil
}

// partsBetweenSweeps is after how many parts those that are gone are dropped.
const partsBetweenSweeps = 64

// addShared returns the code of a value. The caller holds d.mu.
func addShared[K comparable](d *dictionary, codes map[K]uint32, key K, value namedValue) (uint32, error) {
	if code, ok := codes[key]; ok {
		return code, nil
	}
	code, err := d.addNew(value)
	if err == nil {
		codes[key] = code
	}
	return code, err
}

// addNew adds a value that is not there. The caller holds d.mu.
func (d *dictionary) addNew(value namedValue) (uint32, error) {
	if d.values.countCodes() > d.room {
		return 0, errDictionaryFull
	}
	return d.values.addNamed(value), nil
}

// groupedView holds the groups of the rows of one view.
type groupedView struct {
	// codes are those of the rows, as codes of shared or, where that is not nil, of
	// elements, which has codes of shared.
	codes    columns.Codes
	elements [][]uint32
	// shared are the shared codes.
	shared []uint32
}

// grouping gives every row of the views of a question its groups, by shared code.
type grouping struct {
	field filter.Field
	// many says that a row may have several groups.
	many   bool
	views  []groupedView
	values namedValues
}

// newGrouping reads the groups of the rows of views, those that a marker passes over left
// out.
func (a *Analytics) newGrouping(ctx context.Context, field filter.Field, views []columns.View, m *marker) (*grouping, error) {
	g, err := a.readGrouping(ctx, field, views, m)
	if errors.Is(err, errDictionaryFull) {
		return nil, tooLarge(fmt.Sprintf("%v has more than %d values; ask for a shorter time range", field, maxSharedValues))
	}
	return g, err
}

// findGrouping is newGrouping for a question that can do without: it returns nil for too
// many values, and does not try in vain again and again.
func (a *Analytics) findGrouping(ctx context.Context, field filter.Field, views []columns.View, m *marker) (*grouping, error) {
	rows := countRows(views, m)
	if !a.dictionaries.hasRoomFor(field, rows) {
		return nil, nil
	}
	g, err := a.readGrouping(ctx, field, views, m)
	if errors.Is(err, errDictionaryFull) {
		a.dictionaries.noteFull(field, rows)
		return nil, nil
	}
	return g, err
}

// readGrouping is newGrouping, whose error is errDictionaryFull for too many values.
func (a *Analytics) readGrouping(ctx context.Context, field filter.Field, views []columns.View, m *marker) (*grouping, error) {
	for {
		d, created := a.dictionaries.findDictionary(field)
		g := &grouping{field: field, many: field.Path.Many(), views: make([]groupedView, len(views))}
		err := inParallel(ctx, workersFor(len(views)), len(views), func(_, i int) (err error) {
			if m.overlaps(views[i].Part) {
				g.views[i], err = d.readView(ctx, views[i].Part)
			}
			return err
		})
		if err == nil {
			g.values = d.knownValues()
			return g, nil
		}
		if !errors.Is(err, errDictionaryFull) {
			return nil, err
		}
		// It may be full of values that no part has any more.
		a.dictionaries.forget(d)
		if created {
			return nil, err
		}
	}
}

func (d *dictionary) readView(ctx context.Context, p *columns.Part) (v groupedView, err error) {
	if d.field.Name == filter.Type {
		if v.codes, err = p.TypeCodes(ctx); err != nil {
			return v, err
		}
		v.shared, err = d.shareTypes(p)
		return v, err
	}
	column, err := loadColumn(ctx, p, d.field)
	if err != nil {
		return v, err
	}
	v.codes, v.elements = column.Codes, column.Elements
	v.shared, err = d.shareValues(p, &column.Values)
	return v, err
}

// appendCodes appends the shared codes of a row: missingCode if it has no value, those
// of all elements if the field crosses arrays.
func (v *groupedView) appendCodes(dst []uint32, row uint32) []uint32 {
	code := v.codes.CodeAt(int(row))
	if v.elements == nil {
		return append(dst, v.shared[code])
	}
	list := v.elements[code]
	if len(list) == 0 {
		return append(dst, missingCode)
	}
	for _, e := range list {
		dst = append(dst, v.shared[e])
	}
	return dst
}

// compareCodes orders codes by their values; types that spell alike by category.
func (g *grouping) compareCodes(a, b uint32) int {
	v, w := g.values.valueOf(a), g.values.valueOf(b)
	return compareNamed(&v, &w)
}
