package propose

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// Bounds of the observations. A proposed schema has those of a declaration besides.
const (
	// MaxDepth is how many levels of objects and arrays have members and elements.
	MaxDepth = 16
	// MaxObserved bounds the places that are told apart: members and elements.
	MaxObserved = 10_000
	// MaxMembers bounds those of a proposed schema.
	MaxMembers = 1000
	// maxNameBytes bounds the name of a member.
	maxNameBytes = 1024
)

// Observations note types, members and elements in the data of events. The zero value has seen
// nothing. It is for one goroutine.
type Observations struct {
	root place
	// places is how many there are below the root.
	places int
	// incomplete is set where a member or an element was left out.
	incomplete bool
}

// place notes the values at one place of the data.
type place struct {
	kinds kindSet
	// present is how many values were seen, objects how many of them are objects.
	present, objects int64
	members          map[string]*place
	// elements is that of all elements of arrays.
	elements *place
	// optional is set where counted events lack the member, or may.
	optional bool
	// isOpen is set where counted events may have values of any type.
	isOpen bool
}

// kindSet is a set of the types of JSON Schema.
type kindSet uint8

const (
	kindArray kindSet = 1 << iota
	kindBoolean
	kindInteger
	kindNull
	kindNumber
	kindObject
	kindString
)

// kindNames are the types in the order of their names.
var kindNames = []struct {
	kind kindSet
	name string
}{
	{kindArray, "array"},
	{kindBoolean, "boolean"},
	{kindInteger, "integer"},
	{kindNull, "null"},
	{kindNumber, "number"},
	{kindObject, "object"},
	{kindString, "string"},
}

// AddData adds the data of one event, a tree as package format/native decodes it.
func (o *Observations) AddData(data map[string]any) { o.noteValue(&o.root, data, 0) }

func (o *Observations) noteValue(p *place, v any, depth int) {
	p.present++
	p.kinds |= kindOf(v)
	switch v := v.(type) {
	case map[string]any:
		p.objects++
		o.addMembers(p, v, depth)
	case []any:
		o.addElements(p, v, depth)
	}
}

func (o *Observations) addMembers(p *place, object map[string]any, depth int) {
	// In the order of the names, so that a bound leaves out the same ones every time.
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if member := o.memberOf(p, name, depth); member != nil {
			o.noteValue(member, object[name], depth+1)
		}
	}
}

// memberOf returns the place of a member, nil for one that is left out. It is left out of all
// objects or of those before: then it is not required.
func (o *Observations) memberOf(p *place, name string, depth int) *place {
	if member := p.members[name]; member != nil {
		return member
	}
	// A name that is not UTF-8 cannot stand in a schema.
	if depth >= MaxDepth || o.places >= MaxObserved || len(name) > maxNameBytes || !utf8.ValidString(name) {
		o.incomplete = true
		return nil
	}
	if p.members == nil {
		p.members = map[string]*place{}
	}
	member := &place{}
	p.members[name], o.places = member, o.places+1
	return member
}

func (o *Observations) addElements(p *place, array []any, depth int) {
	if len(array) == 0 {
		return
	}
	if p.elements == nil {
		// Those of arrays before may be of other types: from the first array on, or never.
		if depth >= MaxDepth || o.places >= MaxObserved {
			o.incomplete = true
			return
		}
		p.elements, o.places = &place{}, o.places+1
	}
	for _, v := range array {
		o.noteValue(p.elements, v, depth+1)
	}
}

func kindOf(v any) kindSet {
	switch v := v.(type) {
	case nil:
		return kindNull
	case bool:
		return kindBoolean
	case string:
		return kindString
	case json.Number:
		// 1.0 is an integer in draft 7 and none in draft 4: of both it is a number.
		if strings.ContainsAny(string(v), ".eE") {
			return kindNumber
		}
		return kindInteger
	case []any:
		return kindArray
	}
	return kindObject
}

// level is the members and elements of the places above it that are part of a schema.
type level []*place

// placesBelow returns the places below those of a level, those first that more events have.
func (l level) placesBelow() level {
	var next level
	for _, p := range l {
		for _, name := range slices.Sorted(maps.Keys(p.members)) {
			next = append(next, p.members[name])
		}
		if p.elements != nil {
			next = append(next, p.elements)
		}
	}
	slices.SortStableFunc(next, func(a, b *place) int { return cmp.Compare(b.present, a.present) })
	return next
}

// choosePlaces returns the places that are part of a schema of at most limit of them, the higher
// levels before the deeper ones, and whether these are all.
func (o *Observations) choosePlaces(limit int) (chosen map[*place]bool, all bool) {
	chosen = map[*place]bool{}
	for next := (level{&o.root}).placesBelow(); len(next) > 0; next = next.placesBelow() {
		left := limit - len(chosen)
		if all = len(next) <= left; !all {
			next = next[:left]
		}
		for _, p := range next {
			chosen[p] = true
		}
		if !all {
			return chosen, false
		}
	}
	return chosen, true
}
