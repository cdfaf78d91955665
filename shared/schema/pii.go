package schema

import (
	"strings"

	"github.com/theeye/theeye/shared/event"
)

// piiTreatment is the treatment of a value that a schema marks as personal.
type piiTreatment uint8

const (
	keep piiTreatment = iota
	hash
	drop // the stronger one, where two versions disagree
)

// piiMark is the marking of one location in the data by a schema. A nil piiMark
// marks nothing.
type piiMark struct {
	treatment piiTreatment
	members   map[string]*piiMark
	elements  *piiMark // of an array, all of them
}

func (m *piiMark) addMember(name string) *piiMark {
	if m.members == nil {
		m.members = map[string]*piiMark{}
	}
	if m.members[name] == nil {
		m.members[name] = &piiMark{}
	}
	return m.members[name]
}

func (m *piiMark) addElements() *piiMark {
	if m.elements == nil {
		m.elements = &piiMark{}
	}
	return m.elements
}

// checkPII checks a mark and records it. Only locations that do not depend on the
// data can be marked: a mark below $ref, an alternative or a pattern would apply to
// some events only, and leak the values of others.
func (c *checker) checkPII(m Location, v any) {
	s, _ := v.(string)
	t := map[string]piiTreatment{"hash": hash, "drop": drop}[s]
	if t == keep {
		m.Faultf(`must be "hash" or "drop"`)
		return
	}
	schemaPath := strings.TrimSuffix(m.Path, "/"+keyPII)
	if schemaPath == "" {
		m.Faultf("may not stand at the root: mark members of the data")
		return
	}
	if c.marks == nil {
		c.marks = &piiMark{}
	}
	var at *piiMark
	if !c.isInRest() {
		at = c.marks.descend(strings.Split(schemaPath[1:], "/"))
	}
	switch {
	case at == nil:
		m.Faultf("may only stand where properties and a single schema in items lead from the root")
	case at.members != nil || at.elements != nil:
		// Names are visited in order, so the marks inside come first.
		m.Faultf("takes the whole value: nothing inside of it can have a mark of its own")
	default:
		at.treatment = t
	}
}

// isInRest reports whether the schema that is checked applies to the elements after
// those of prefixItems: items does not stand for all elements then.
func (c *checker) isInRest() bool {
	for i, parent := range c.open[:len(c.open)-1] {
		_, has := parent.keywords["prefixItems"]
		if has && c.open[i+1].pointer == parent.pointer+"/items" {
			return true
		}
	}
	return false
}

// unescapePointer reverses the escaping of a JSON pointer's token.
var unescapePointer = strings.NewReplacer("~1", "/", "~0", "~")

// descend returns the mark of the location in the data that the schema at these
// tokens of a JSON pointer applies to, nil when other keywords lead there.
func (m *piiMark) descend(tokens []string) *piiMark {
	switch {
	case len(tokens) == 0:
		return m
	case tokens[0] == "properties" && len(tokens) > 1:
		return m.addMember(unescapePointer.Replace(tokens[1])).descend(tokens[2:])
	case tokens[0] == "items":
		return m.addElements().descend(tokens[1:])
	}
	return nil
}

// KeySupersedes is the keyword of the revisions that a schema supersedes. Only the
// registry can check that they are of the same type.
const KeySupersedes = keySupersedes

// Hashes reports whether events of the schema have values that are hashed before
// they are stored: the registry needs a key for them.
func (s *Schema) Hashes() bool { return s != nil && s.marks.containsHash() }

func (m *piiMark) containsHash() bool {
	if m == nil {
		return false
	}
	if m.treatment == hash || m.elements.containsHash() {
		return true
	}
	for _, inside := range m.members {
		if inside.containsHash() {
			return true
		}
	}
	return false
}

// Treatments of the original of a rejected event.
const (
	// KeepOriginals stores it, and the data; the default.
	KeepOriginals = "keep"
	// DropOriginals stores the reasons only. The stream keeps the message within
	// its retention, so that a replay can still store the event.
	DropOriginals = "drop"
)

// Originals says whether the store keeps the originals, and the data, of rejected
// events: KeepOriginals or DropOriginals.
type Originals struct {
	// Default applies to types that Types does not name; "" is KeepOriginals.
	// Originals of types with personal values are dropped regardless of it: an
	// original holds the values as they were sent.
	Default string
	// Types applies to single types.
	Types map[Type]string
}

// keeps reports whether the original of an event that is rejected is kept.
func (o *Originals) keeps(t Type, personal bool) bool {
	if said, ok := o.Types[t]; ok {
		return said == KeepOriginals
	}
	return !personal && o.Default != DropOriginals
}

// piiMarks returns the marks that apply to an event of the type: those of its
// effective schema and of the newest version. It also reports whether the type has
// personal values; a schema that cannot be used may have some.
func (r *registeredType) piiMarks(by effectiveSchema) (piiMarks effectivePII, personal bool) {
	if r == nil {
		return effectivePII{}, false
	}
	if r.Schema == nil {
		return effectivePII{}, true
	}
	piiMarks[1] = r.Schema.marks
	if by.revision == 0 || by.revision == r.Revision {
		return piiMarks, piiMarks[1] != nil
	}
	if by.schema == nil {
		return piiMarks, true
	}
	piiMarks[0] = by.schema.marks
	return piiMarks, !piiMarks.isEmpty()
}

// applyPrivacy sets the data and original of v that the store may keep, and
// returns faults with its own.
func (s *Set) applyPrivacy(v *Verdict, faults []event.Fault, t Type, r *registeredType, by effectiveSchema, application string) []event.Fault {
	marks, personal := r.piiMarks(by)
	v.KeepOriginal = s.policy.Originals.keeps(t, personal)
	if len(faults) > 0 && !v.KeepOriginal {
		v.Data = nil
	}
	if v.Data == nil || marks.isEmpty() {
		return faults
	}
	data, err := redact(v.Data, marks, hasher{s.piiKey, application})
	if err != nil { // no value is stored as it was sent
		v.Data, v.KeepOriginal = nil, false
		return append(faults, event.Fault{
			Code:    event.CodeValidatorFailed,
			Path:    event.Pointer("data"),
			Message: "the personal values of this event cannot be replaced: the registry has no key for them; a replay validates it again",
		})
	}
	v.Data = data
	return faults
}
