package propose

import (
	"maps"
	"slices"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/query/filter"
)

// Widen makes the schema as wide as the counts of events that were not all added: it has the
// types that were counted, and requires the members that all of these events have. Elements of
// arrays, and whether numbers are integers, are not counted, and so not described any more; nor
// is a member that is missing in a truncated list.
//
// Empty objects are not counted, so one that was not added may be invalid where all other values
// are none.
func (o *Observations) Widen(list *api.FieldList) {
	root := &counted{}
	for i := range list.Fields {
		f := &list.Fields[i]
		field, err := filter.ParseField(f.Path)
		if err != nil || len(field.Path) == 0 || slices.ContainsFunc(field.Path, func(s filter.Segment) bool { return s.Each }) {
			continue // elements of arrays say nothing of events
		}
		root.addFacts(field.Path, f)
	}
	o.incomplete = o.incomplete || list.Truncated
	w := widener{o, list.Events, list.Truncated}
	w.widenPlace(&o.root, root, 0)
}

// counted holds the counts of one place.
type counted struct {
	kinds kindSet
	// present is in how many events it is at least: the counts do not show how many objects
	// have a member that some events lack.
	present int64
	members map[string]*counted
}

// addFacts adds a field below a place.
func (c *counted) addFacts(path filter.Path, f *api.FieldFacts) {
	c.present = max(c.present, f.Present)
	if len(path) == 0 {
		for _, k := range kindNames {
			if f.Types[k.name] > 0 {
				c.kinds |= k.kind
			}
		}
		return
	}
	c.kinds |= kindObject
	if c.members == nil {
		c.members = map[string]*counted{}
	}
	member := c.members[path[0].Name]
	if member == nil {
		member = &counted{}
		c.members[path[0].Name] = member
	}
	member.addFacts(path[1:], f)
}

type widener struct {
	*Observations
	events    int64
	truncated bool
}

// widenPlace widens a place by its counts.
func (w *widener) widenPlace(p *place, c *counted, depth int) {
	p.kinds |= c.kinds
	if p.kinds&kindInteger != 0 {
		p.kinds |= kindNumber
	}
	p.elements = nil
	for name, member := range p.members {
		known := c.members[name]
		member.optional = member.optional || known == nil || known.present < w.events
		switch {
		case known != nil:
			w.widenPlace(member, known, depth+1)
		case w.truncated:
			member.isOpen, member.members, member.elements = true, nil, nil
		default: // no event that was counted has it
			w.widenPlace(member, &counted{}, depth+1)
		}
	}
	w.addCounted(p, c, depth)
}

// addCounted adds the members that were counted, and not seen.
func (w *widener) addCounted(p *place, c *counted, depth int) {
	for _, name := range slices.Sorted(maps.Keys(c.members)) {
		if p.members[name] != nil {
			continue
		}
		if member := w.memberOf(p, name, depth); member != nil {
			member.optional = true
			w.widenPlace(member, c.members[name], depth+1)
		}
	}
}
