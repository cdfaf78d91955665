package schema

import (
	"encoding/json"
	"math"
	"strings"
)

// Work is the estimated cost of evaluating data by a schema, in units of about 10 ns
// on a server of 2020. It is counted before the evaluation, from the schema and the
// data alone, so that it is the same in every process.
type Work int64

const (
	// MaxWork bounds the work of one event; data that needs more is rejected with
	// event.CodeTooCostly. It is about 0.3 s. An event of 10,000 numbers with ten
	// keywords each needs a thirtieth.
	MaxWork Work = 30_000_000
	// NegligibleWork is the work up to which an upper bound is not refined.
	NegligibleWork Work = 20_000
)

// Weights of the steps of an evaluation, measured with BenchmarkDearest and
// BenchmarkWeights. A weight per KiB is for the bytes of a string, one per digit for
// the digits of a number, written out without exponent.
const (
	visitWork   Work = 15 // one schema on one value
	keywordWork Work = 6  // one keyword of it
	// errorWork is for an error of the library that is no fault, since the schema is
	// only tested: that of an alternative, of not, if or contains. Others are bounded
	// in number.
	errorWork Work = 400

	numberWork   Work = 45
	digitWork    Work = 2
	boundWork    Work = 20 // minimum and its relatives
	divisionWork Work = 40 // multipleOf
	// digitShare is how many digits of a bound or of a divisor, and of the number,
	// cost one unit.
	digitShare = 3

	memberWork Work = 8 // one member of an object that a schema is applied to
	nameShare  Work = 4 // names of properties that a member is compared with, for one unit

	lengthPerKiB  Work = 300   // minLength and maxLength
	formatPerKiB  Work = 2_000 // of most formats
	formatWork    Work = 150
	regexPerKiB   Work = 12_000 // format regex: it is parsed
	patternWork   Work = 20
	compareWork   Work = 60 // const, enum and uniqueItems
	comparePerKiB Work = 1_500
	compareValue  Work = 40 // one value inside a compared one
)

// schemaWork is the work of a schema.
type schemaWork struct {
	root *workNode
	most workBound
}

// estimate returns the work of evaluating data of a size, or some value over limit.
// Up to NegligibleWork it is an upper bound.
func (w schemaWork) estimate(data any, size extent, limit Work) Work {
	if bound := w.most.workOf(size); bound <= NegligibleWork {
		return bound
	}
	m := workMeter{limit: limit}
	m.addValue(w.root, data)
	return m.total
}

// workNode is the work of one subschema.
type workNode struct {
	index  int     // in workBuilder.order
	types  typeSet // of the values that more than the type is checked of; 0 is every type
	base   Work    // of any value
	number numberCosts
	text   textCosts
	// compared is how many keywords compare the value as a whole.
	compared Work
	// member is the work of each member beside that of its schemas.
	member Work

	inPlace []*workNode
	// alternatives are those of anyOf and oneOf. They are evaluated again for the
	// message where none matches.
	alternatives []*workNode
	// tests apply to the same value, too; whether they match is all that counts.
	tests []*workNode
	// errors is how many the library can make of one value inside of another, fails
	// that of the value itself that is tested: 0 or 1.
	errors, fails Work

	properties map[string]*workNode
	// additional applies to the members that are not in properties.
	additional *workNode
	// everyMember applies to all members, everyName to their names.
	everyMember, everyName []*workNode

	first     []*workNode // of the first elements
	rest      *workNode   // of the elements after them
	everyItem []*workNode
	// testedItem are schemas of contains.
	testedItem []*workNode
}

// numberCosts are the costs of the keywords of numbers.
type numberCosts struct {
	base Work
	// keywords is how many there are, operands the digits of their values.
	keywords, operands Work
}

// textCosts are the costs of the keywords of strings.
type textCosts struct {
	base     Work
	perKiB   Work
	regexKiB Work // for the first KiB
	patterns []patternCost
}

// workOf returns the work of a number.
func (c numberCosts) workOf(digits Work) Work {
	return numberWork + digitWork*digits + c.base + (c.operands+c.keywords*digits)/digitShare
}

// workOf returns the work of a string.
func (c textCosts) workOf(bytes int) Work {
	total := c.base + c.perKiB*Work(bytes)/1024 + c.regexKiB*Work(min(bytes, 1024))/1024
	for _, p := range c.patterns {
		total += p.workOf(bytes)
	}
	return total
}

// workMeter sums up the work of an event until it exceeds limit.
type workMeter struct {
	total, limit Work
	// repeated is how often the work is done again.
	repeated Work
	// tested is how many schemas around are only tested.
	tested int
}

func (m *workMeter) add(w Work) { m.total += w * (1 + m.repeated) }

func (m *workMeter) addValue(n *workNode, v any) {
	m.add(visitWork + n.base)
	if m.total > m.limit || n.types != 0 && n.types&typeOf(v) == 0 {
		return
	}
	if n.compared > 0 {
		m.add(n.compared * comparedWork(v))
	}
	for _, next := range n.inPlace {
		m.addValue(next, v)
	}
	m.repeated++
	m.addTests(n.alternatives, v)
	m.repeated--
	m.addTests(n.tests, v)
	switch v := v.(type) {
	case json.Number:
		m.add(n.number.workOf(digitsOf(string(v))))
	case string:
		m.add(n.text.workOf(len(v)))
	case map[string]any:
		m.addMembers(n, v)
	case []any:
		m.addElements(n, v)
	}
}

// addTests adds schemas that are only tested. The first error ends the test of a value
// itself, but not those of the values inside.
func (m *workMeter) addTests(nodes []*workNode, v any) {
	m.tested++
	for _, next := range nodes {
		m.add(errorWork * next.fails)
		m.addValue(next, v)
	}
	m.tested--
}

// addInner adds a schema of a member or of an element.
func (m *workMeter) addInner(n *workNode, v any) {
	if m.tested > 0 {
		m.add(errorWork * n.errors)
	}
	m.addValue(n, v)
}

func (m *workMeter) addMembers(n *workNode, v map[string]any) {
	m.add(n.member * Work(len(v)))
	for name, e := range v {
		if m.total > m.limit {
			return
		}
		if next, ok := n.properties[name]; ok {
			m.addInner(next, e)
		} else if n.additional != nil {
			m.addInner(n.additional, e)
		}
		for _, next := range n.everyMember {
			m.addInner(next, e)
		}
		for _, next := range n.everyName {
			m.addInner(next, name)
		}
	}
}

func (m *workMeter) addElements(n *workNode, v []any) {
	for i, e := range v {
		if m.total > m.limit {
			return
		}
		if i < len(n.first) {
			m.addInner(n.first[i], e)
		} else if n.rest != nil {
			m.addInner(n.rest, e)
		} else if len(n.everyItem)+len(n.testedItem) == 0 {
			return
		}
		for _, next := range n.everyItem {
			m.addInner(next, e)
		}
		m.addTests(n.testedItem, e)
	}
}

// comparedWork is the work of comparing a value as a whole.
func comparedWork(v any) Work {
	total := compareValue
	switch v := v.(type) {
	case string:
		total += comparePerKiB * Work(len(v)) / 1024
	case json.Number:
		total += comparePerKiB * Work(len(v)) / 1024
	case map[string]any:
		for name, e := range v {
			total += comparePerKiB*Work(len(name))/1024 + comparedWork(e)
		}
	case []any:
		for _, e := range v {
			total += comparedWork(e)
		}
	}
	return total
}

// digitsOf is the length of a number that is written out without exponent.
func digitsOf(text string) Work {
	i := strings.IndexAny(text, "eE")
	if i < 0 {
		return Work(len(text))
	}
	exponent := 0
	for _, c := range text[i+1:] {
		if c >= '0' && c <= '9' && exponent < math.MaxInt16 {
			exponent = exponent*10 + int(c-'0')
		}
	}
	return Work(i + exponent)
}

// typeSet is a set of the types of JSON.
type typeSet uint8

const (
	typeNull typeSet = 1 << iota
	typeBoolean
	typeNumber
	typeString
	typeArray
	typeObject
)

// typeSets are the sets of the values of the keyword type.
var typeSets = map[string]typeSet{
	"null": typeNull, "boolean": typeBoolean, "number": typeNumber, "integer": typeNumber,
	"string": typeString, "array": typeArray, "object": typeObject,
}

func typeOf(v any) typeSet {
	switch v.(type) {
	case nil:
		return typeNull
	case bool:
		return typeBoolean
	case json.Number:
		return typeNumber
	case string:
		return typeString
	case []any:
		return typeArray
	}
	return typeObject
}
