package schema

import (
	"encoding/json"
	"net/url"
	"strconv"

	"github.com/theeye/theeye/shared/event"
)

// workBuilder builds the nodes of a checked schema. It reads the keywords that have
// work, of all drafts, and skips the others.
type workBuilder struct {
	checked map[string]*node     // by JSON pointer
	nodes   map[string]*workNode // by JSON pointer
	order   []*workNode
	// hasTests says that there are schemas that are only tested.
	hasTests bool
}

// newSchemaWork returns the work of a schema without faults.
func newSchemaWork(c *checker, root *node) schemaWork {
	b := &workBuilder{checked: c.nodes, nodes: map[string]*workNode{}}
	w := schemaWork{root: b.build(root.pointer)}
	w.most = b.boundWork(w.root)
	return w
}

// build returns the node of the subschema at a pointer.
func (b *workBuilder) build(pointer string) *workNode {
	if n, ok := b.nodes[pointer]; ok {
		return n
	}
	n := b.add(&workNode{member: memberWork, errors: 1})
	b.nodes[pointer] = n
	checked := b.checked[pointer]
	if checked == nil {
		return n
	}
	for keyword, v := range checked.keywords {
		n.base += keywordWork
		if assertions[keyword] && !testedFirst[keyword] {
			n.fails = 1
		}
		if add, ok := keywordWorks[keyword]; ok {
			add(b, n, pointer+event.Pointer(keyword), v)
		}
	}
	if ref, ok := checked.copied["$ref"].(string); ok { // resolved by the checker
		if u, err := url.Parse(ref); err == nil {
			n.inPlace = append(n.inPlace, b.build(u.Fragment))
		}
	}
	return n
}

// add notes a new node.
func (b *workBuilder) add(n *workNode) *workNode {
	n.index = len(b.order)
	b.order = append(b.order, n)
	return n
}

// testedFirst are the assertions that a test checks without the library.
var testedFirst = map[string]bool{"type": true, "required": true, "enum": true, "const": true}

// buildList returns the nodes of an array of schemas.
func (b *workBuilder) buildList(pointer string, v any) []*workNode {
	list, _ := v.([]any)
	nodes := make([]*workNode, len(list))
	for i := range list {
		nodes[i] = b.build(pointer + "/" + strconv.Itoa(i))
	}
	return nodes
}

// keywordWorks add the work of a keyword, which is at pointer, to a node. They are set
// by init because they build nodes in turn.
var keywordWorks map[string]func(b *workBuilder, n *workNode, pointer string, v any)

func init() {
	keywordWorks = map[string]func(b *workBuilder, n *workNode, pointer string, v any){
		"allOf": addInPlaceList, "anyOf": addAlternatives, "oneOf": addAlternatives,
		"not": addTest, "if": addTest, "then": addInPlace, "else": addInPlace,
		"type": addTypes, "enum": addCompared, "const": addCompared, "uniqueItems": addCompared,
		"properties": addProperties, "patternProperties": addPatternProperties,
		"additionalProperties": addAdditional, "unevaluatedProperties": addEvery,
		"propertyNames": addNames, "required": addRequired,
		"dependencies": addDependencies, "dependentSchemas": addDependencies, "dependentRequired": addDependencies,
		"prefixItems": addFirst, "items": addItems, "additionalItems": addRest, "unevaluatedItems": addEvery,
		"contains": addContains,
		"minimum":  addBound, "maximum": addBound, "exclusiveMinimum": addBound, "exclusiveMaximum": addBound,
		"multipleOf": addDivision,
		"minLength":  addLength, "maxLength": addLength, "format": addFormat, "pattern": addPattern,
	}
}

func addInPlace(b *workBuilder, n *workNode, pointer string, _ any) {
	n.inPlace = append(n.inPlace, b.build(pointer))
}

func addInPlaceList(b *workBuilder, n *workNode, pointer string, v any) {
	n.inPlace = append(n.inPlace, b.buildList(pointer, v)...)
}

func addAlternatives(b *workBuilder, n *workNode, pointer string, v any) {
	b.hasTests = true
	list := b.buildList(pointer, v)
	if len(list) > maxNamed { // the message says nothing of each
		n.tests = append(n.tests, list...)
		return
	}
	n.alternatives = append(n.alternatives, list...)
}

func addTest(b *workBuilder, n *workNode, pointer string, _ any) {
	b.hasTests = true
	n.tests = append(n.tests, b.build(pointer))
}

// addEvery is for keywords of the members and elements that no other keyword
// evaluates, which is assumed of all of them.
func addEvery(b *workBuilder, n *workNode, pointer string, _ any) {
	every := b.build(pointer)
	n.everyMember, n.everyItem = append(n.everyMember, every), append(n.everyItem, every)
}

func addTypes(_ *workBuilder, n *workNode, _ string, v any) {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	for _, name := range list {
		if s, ok := name.(string); ok {
			n.types |= typeSets[s]
		}
	}
}

// addCompared is for the keywords that compare values as a whole.
func addCompared(_ *workBuilder, n *workNode, _ string, v any) {
	if off, ok := v.(bool); ok && !off {
		return // uniqueItems
	}
	n.base += compareWork
	if list, ok := v.([]any); ok {
		n.base += Work(len(list)) / nameShare
	}
	n.compared++
}

func addProperties(b *workBuilder, n *workNode, pointer string, v any) {
	schemas, _ := v.(map[string]any)
	n.properties = make(map[string]*workNode, len(schemas))
	for name := range schemas {
		n.properties[name] = b.build(pointer + event.Pointer(name))
	}
	n.member += Work(len(schemas)) / nameShare
	n.base += Work(len(schemas))
}

// addPatternProperties assumes that every pattern matches every name.
func addPatternProperties(b *workBuilder, n *workNode, pointer string, v any) {
	schemas, _ := v.(map[string]any)
	for pattern := range schemas {
		n.everyMember = append(n.everyMember, b.build(pointer+event.Pointer(pattern)))
		cost := newPatternCost(pattern)
		// The names are matched like strings.
		n.everyName = append(n.everyName, b.add(&workNode{text: textCosts{patterns: []patternCost{cost}}}))
	}
}

func addAdditional(b *workBuilder, n *workNode, pointer string, _ any) {
	n.additional = b.build(pointer)
}

func addNames(b *workBuilder, n *workNode, pointer string, _ any) {
	n.everyName = append(n.everyName, b.build(pointer))
}

func addRequired(_ *workBuilder, n *workNode, _ string, v any) {
	names, _ := v.([]any)
	n.base += keywordWork * Work(len(names))
	n.errors += Work(len(names))
}

func addDependencies(b *workBuilder, n *workNode, pointer string, v any) {
	dependencies, _ := v.(map[string]any)
	n.member += memberWork
	for name, d := range dependencies {
		if names, ok := d.([]any); ok {
			n.base += keywordWork * Work(len(names))
			continue
		}
		n.inPlace = append(n.inPlace, b.build(pointer+event.Pointer(name)))
	}
}

func addFirst(b *workBuilder, n *workNode, pointer string, v any) {
	n.first = b.buildList(pointer, v)
}

func addItems(b *workBuilder, n *workNode, pointer string, v any) {
	if _, ok := v.([]any); ok {
		n.first = b.buildList(pointer, v)
		return
	}
	n.rest = b.build(pointer)
}

func addRest(b *workBuilder, n *workNode, pointer string, _ any) {
	if n.rest == nil {
		n.rest = b.build(pointer)
	}
}

func addContains(b *workBuilder, n *workNode, pointer string, _ any) {
	b.hasTests = true
	n.testedItem = append(n.testedItem, b.build(pointer))
}

func addBound(_ *workBuilder, n *workNode, _ string, v any) {
	n.number.base += boundWork
	addOperand(n, v)
}

func addDivision(_ *workBuilder, n *workNode, _ string, v any) {
	n.number.base += divisionWork
	addOperand(n, v)
}

func addOperand(n *workNode, v any) {
	n.number.keywords++
	if text, ok := v.(json.Number); ok {
		n.number.operands += digitsOf(string(text))
	}
}

func addLength(_ *workBuilder, n *workNode, _ string, _ any) { n.text.perKiB += lengthPerKiB }

func addFormat(_ *workBuilder, n *workNode, _ string, v any) {
	n.text.base += formatWork
	if v == "regex" {
		n.text.regexKiB += regexPerKiB
		return
	}
	n.text.perKiB += formatPerKiB
}

func addPattern(_ *workBuilder, n *workNode, _ string, v any) {
	if s, ok := v.(string); ok {
		n.text.patterns = append(n.text.patterns, newPatternCost(s))
	}
}
