package analytics

import (
	"context"
	"math"
	"time"

	"github.com/theeye/theeye/shared/columns"
	"github.com/theeye/theeye/shared/query/filter"
)

// EventSet selects events of a scope: those of a type, or a category or a name alone,
// that a filter matches. An empty one selects all.
type EventSet struct {
	Category, Name string
	Filter         filter.Filter
}

// everyBit clears nothing, as the mask of a condition that holds.
const everyBit eventMask = math.MaxUint16

// marker computes the masks of the rows of views: bit i of a mask is set where the row
// belongs to the set i. It is read only after newMarker, and safe for concurrent use.
type marker struct {
	// from and to bound the time of events, half open, in microseconds since 1970.
	from, to int64
	sets     eventMask // the bits of all sets
	// session is the only one whose events count; nil for all.
	session *[16]byte
	types   []typeCondition
	fields  []fieldConditions
}

// typeCondition is a condition on the type. clear are the bits of a mask that a type
// loses which does not meet it: one set, or all for a condition of the scope.
type typeCondition struct {
	category, name string
	condition      *filter.Condition // nil: of category and name, which may be empty
	clear          eventMask
}

// fieldConditions are the conditions on one field other than the type.
type fieldConditions struct {
	field      filter.Field
	conditions []fieldCondition
}

type fieldCondition struct {
	*filter.Condition
	clear eventMask
}

// newMarker returns a marker of the events in a scope that lie in [from, to), and of
// sets of them, at most 15. An empty session id and a zero time are open.
func newMarker(scope EventSet, sessionID string, sets []EventSet, from, to time.Time) *marker {
	m := &marker{from: math.MinInt64, to: math.MaxInt64, sets: 1<<len(sets) - 1}
	if sessionID != "" {
		id := parseSessionID(sessionID)
		m.session = &id
	}
	if !from.IsZero() {
		m.from = from.UnixMicro()
	}
	if !to.IsZero() {
		m.to = to.UnixMicro()
	}
	m.addSet(scope, everyBit)
	for i, set := range sets {
		m.addSet(set, 1<<i)
	}
	return m
}

func (m *marker) addSet(set EventSet, cleared eventMask) {
	if set.Category != "" || set.Name != "" {
		m.types = append(m.types, typeCondition{category: set.Category, name: set.Name, clear: cleared})
	}
	for i := range set.Filter {
		c := &set.Filter[i]
		switch c.Field.Name {
		case filter.Category, filter.EventName, filter.Type:
			m.types = append(m.types, typeCondition{condition: c, clear: cleared})
		default:
			m.addCondition(c, cleared)
		}
	}
}

func (m *marker) addCondition(c *filter.Condition, cleared eventMask) {
	name := c.Field.String()
	for i := range m.fields {
		if f := &m.fields[i]; f.field.String() == name {
			f.conditions = append(f.conditions, fieldCondition{c, cleared})
			return
		}
	}
	m.fields = append(m.fields, fieldConditions{c.Field, []fieldCondition{{c, cleared}}})
}

// typeMask returns the mask that the conditions on the type leave.
func (m *marker) typeMask(t columns.Type) eventMask {
	mask := inScope | m.sets
	for _, c := range m.types {
		if !c.matchType(t) {
			mask &^= c.clear
		}
	}
	return mask
}

func (c *typeCondition) matchType(t columns.Type) bool {
	if c.condition == nil {
		return (c.category == "" || c.category == t.Category) && (c.name == "" || c.name == t.Name)
	}
	text := t.Category + filter.TypeSeparator + t.Name
	switch c.condition.Field.Name {
	case filter.Category:
		text = t.Category
	case filter.EventName:
		text = t.Name
	}
	return c.condition.MatchValue(filter.Text(text))
}

// overlaps reports whether a part may have events that count.
func (m *marker) overlaps(p *columns.Part) bool {
	first, last, ok := p.Span()
	return ok && last >= m.from && first < m.to
}

// markRows sets masks to those of the stored rows of a view. nowMillis is the time at
// which expiry is decided. It reports whether any mask may not be 0; if not, masks are
// undefined.
func (m *marker) markRows(ctx context.Context, v columns.View, nowMillis int64, masks []eventMask) (bool, error) {
	if !m.overlaps(v.Part) {
		return false, nil
	}
	byType := m.typeMasks(v.Part)
	if byType == nil {
		return false, nil
	}
	byCode, err := m.readConditions(ctx, v.Part)
	if err != nil || byCode == nil && len(m.fields) > 0 {
		return false, err
	}
	if err := m.markTypes(ctx, v.Part, byType, masks); err != nil {
		return false, err
	}
	if err := m.clearRange(ctx, v.Part, masks); err != nil {
		return false, err
	}
	if err := clearDead(ctx, v, nowMillis, masks); err != nil {
		return false, err
	}
	if m.session != nil {
		if err := clearOtherSessions(ctx, v.Part, *m.session, masks); err != nil {
			return false, err
		}
	}
	for i := range m.fields {
		if err := m.fields[i].clearRows(ctx, v.Part, byCode[i], masks); err != nil {
			return false, err
		}
	}
	return true, nil
}

// typeMasks returns the masks that the types of a part leave, nil if each is 0.
func (m *marker) typeMasks(p *columns.Part) []eventMask {
	types := p.Types()
	byType := make([]eventMask, len(types))
	some := eventMask(0)
	for code, t := range types {
		byType[code] = m.typeMask(t)
		some |= byType[code]
	}
	if some == 0 {
		return nil
	}
	return byType
}

// codedMasks are the masks that the codes of a column leave. It has none for a field
// whose rows are looked at by other means.
type codedMasks struct {
	codes  columns.Codes
	byCode []eventMask
}

// readConditions looks once at each distinct value of the fields with conditions. It
// returns nil where no value of a field meets those of the scope: no row of the part
// counts.
func (m *marker) readConditions(ctx context.Context, p *columns.Part) ([]codedMasks, error) {
	coded := make([]codedMasks, len(m.fields))
	for i := range m.fields {
		var err error
		if coded[i], err = m.fields[i].readMasks(ctx, p); err != nil {
			return nil, err
		}
		some := coded[i].byCode == nil
		for _, mask := range coded[i].byCode {
			some = some || mask != 0
		}
		if !some {
			return nil, nil
		}
	}
	return coded, nil
}

// markTypes sets the masks that the types of the rows leave.
func (m *marker) markTypes(ctx context.Context, p *columns.Part, byType, masks []eventMask) error {
	if len(m.types) == 0 && len(masks) > 0 {
		masks[0] = inScope | m.sets
		for n := 1; n < len(masks); n *= 2 {
			copy(masks[n:], masks[:n])
		}
		return nil
	}
	codes, err := p.TypeCodes(ctx)
	if err != nil {
		return err
	}
	forEachCodes(codes, len(masks), func(first int, codes []uint32) {
		masks := masks[first : first+len(codes)]
		for i, code := range codes {
			masks[i] = byType[code]
		}
	})
	return nil
}

// clearRange clears the rows whose time lies outside the range.
func (m *marker) clearRange(ctx context.Context, p *columns.Part, masks []eventMask) error {
	first, last, _ := p.Span()
	if first >= m.from && last < m.to {
		return nil
	}
	times, err := p.Timestamps(ctx)
	if err != nil {
		return err
	}
	forEachTimes(times, len(masks), func(first int, times []int64) {
		masks := masks[first : first+len(times)]
		for i, t := range times {
			if t < m.from || t >= m.to {
				masks[i] = 0
			}
		}
	})
	return nil
}

// clearDead clears the rows that a newer part masks, and those that have expired.
func clearDead(ctx context.Context, v columns.View, nowMillis int64, masks []eventMask) error {
	if v.Live != nil {
		for row := range masks {
			if !v.Live.Has(row) {
				masks[row] = 0
			}
		}
	}
	if least, ok := v.Part.LeastExpiry(); !ok || least > nowMillis {
		return nil
	}
	expires, err := v.Part.ExpiresAt(ctx)
	if err != nil || expires == nil {
		return err
	}
	forEachTimes(expires, len(masks), func(first int, times []int64) {
		for i, at := range times {
			if at <= nowMillis {
				masks[first+i] = 0
			}
		}
	})
	return nil
}

// readMasks returns the masks that the values of the field leave in a part.
func (f *fieldConditions) readMasks(ctx context.Context, p *columns.Part) (codedMasks, error) {
	switch f.field.Name {
	case filter.Application:
		return codedMasks{byCode: []eventMask{f.valueMask(filter.Text(p.Key().Application))}}, nil
	case filter.Timestamp, filter.ReceivedAt, filter.SessionID:
		return codedMasks{}, nil
	}
	column, err := loadColumn(ctx, p, f.field)
	if err != nil {
		return codedMasks{}, err
	}
	if column.Elements != nil {
		return codedMasks{column.Codes, f.elementMasks(column)}, nil
	}
	byCode := make([]eventMask, column.Values.Len())
	for code, v := range column.Values.All() {
		byCode[code] = f.valueMask(v)
	}
	return codedMasks{column.Codes, byCode}, nil
}

// clearRows clears the bits of the conditions that rows do not meet. coded is of
// readMasks.
func (f *fieldConditions) clearRows(ctx context.Context, p *columns.Part, coded codedMasks, masks []eventMask) error {
	switch f.field.Name {
	case filter.Application:
		for row := range masks {
			masks[row] &= coded.byCode[0]
		}
		return nil
	case filter.Timestamp, filter.ReceivedAt:
		return f.clearInstants(ctx, p, masks)
	case filter.SessionID:
		return f.clearSessions(ctx, p, masks)
	}
	byCode := coded.byCode
	forEachCodes(coded.codes, len(masks), func(first int, codes []uint32) {
		masks := masks[first : first+len(codes)]
		for i, code := range codes {
			masks[i] &= byCode[code]
		}
	})
	return nil
}

// valueMask returns the mask that one value leaves.
func (f *fieldConditions) valueMask(v filter.Value) eventMask {
	mask := everyBit
	for _, c := range f.conditions {
		if !c.MatchValue(v) {
			mask &^= c.clear
		}
	}
	return mask
}

// elementMasks returns the masks of the codes of a field that crosses arrays.
func (f *fieldConditions) elementMasks(column *columns.Column) []eventMask {
	byCode := make([]eventMask, len(column.Elements))
	var values []filter.Value
	for code, elements := range column.Elements {
		values = values[:0]
		for _, e := range elements {
			values = append(values, column.Values.ValueOf(e))
		}
		byCode[code] = everyBit
		for _, c := range f.conditions {
			if !c.MatchValues(values) {
				byCode[code] &^= c.clear
			}
		}
	}
	return byCode
}

// clearInstants is clearRows for a time.
func (f *fieldConditions) clearInstants(ctx context.Context, p *columns.Part, masks []eventMask) error {
	read, unit := p.Timestamps, int64(1)
	if f.field.Name == filter.ReceivedAt {
		read, unit = p.ReceivedAt, 1000
	}
	instants, err := read(ctx)
	if err != nil {
		return err
	}
	forEachTimes(instants, len(masks), func(first int, times []int64) {
		for i, t := range times {
			for _, c := range f.conditions {
				if masks[first+i]&c.clear != 0 && !c.matchInstant(t*unit) {
					masks[first+i] &^= c.clear
				}
			}
		}
	})
	return nil
}

// zeroTime is the time that stands for none, in microseconds since 1970.
var zeroTime = time.Time{}.UnixMicro()

func (c *fieldCondition) matchInstant(micros int64) bool {
	if micros == zeroTime {
		return c.MatchValue(filter.Value{})
	}
	return c.MatchInstant(micros)
}
