package schema

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/xeipuuv/gojsonschema"

	"github.com/theeye/theeye/shared/event"
)

// Schema is a compiled schema. It is immutable and safe for concurrent use.
type Schema struct {
	engine engine
	work   schemaWork
	// cost bounds the evaluations and the errors that one value can cause.
	cost int
	// allowed is the size of the longest list of allowed values, in bytes.
	allowed int
	// supersedes are revisions, ascending; marks is nil without personal values.
	supersedes []uint64
	marks      *piiMark
	members    []Member
}

// Compile compiles a JSON Schema of at most MaxBytes, or returns every fault
// of it, by JSON pointer. It opens no file and no connection.
func Compile(raw []byte) (*Schema, []event.Fault) {
	tree, faults := Read(raw)
	if tree == nil && len(faults) > 0 {
		return nil, faults
	}
	c := newChecker(faults)
	s := c.compile(tree)
	if len(c.faults) > 0 {
		return nil, sortByPath(c.faults)
	}
	s.members = readMembers(tree)
	return s, nil
}

// compile compiles the tree of a document. Where it records faults, there is no
// schema.
func (c *checker) compile(tree any) *Schema {
	root, copied := c.checkDocument(tree)
	cost := 0
	if len(c.faults) == 0 { // else there may be cycles
		cost = c.checkCost(root)
	}
	if len(c.faults) > 0 {
		return nil
	}
	e, err := c.compileEngine(root, copied)
	if err != nil {
		c.at("").Faultf("does not compile: %v", err)
		return nil
	}
	s := &Schema{engine: e, work: newSchemaWork(c, root), cost: cost, allowed: c.allowed, supersedes: c.supersedes, marks: c.marks}
	c.checkExamples(s)
	return s
}

// compileEngine makes the library evaluate the document where it evaluates all of
// its keywords exactly, else the parts where it does.
func (c *checker) compileEngine(root *node, copied any) (engine, error) {
	if !root.inexact {
		return c.compileLibrary(copied, root.draft)
	}
	if err := c.compileParts(root, map[*node]bool{}); err != nil {
		return nil, err
	}
	return &evaluator{root: root.evaluated, names: c.names}, nil
}

// compileParts compiles what the library evaluates of a schema and of those that it
// applies.
func (c *checker) compileParts(n *node, seen map[*node]bool) error {
	if seen[n] {
		return nil
	}
	seen[n] = true
	if err := c.compileNode(n); err != nil || n.evaluated.whole {
		return err
	}
	for _, next := range n.applied() {
		if err := c.compileParts(next, seen); err != nil {
			return err
		}
	}
	return nil
}

// applied returns the schemas that a schema applies to a value or to its parts.
func (n *node) applied() []*node {
	return slices.Concat(n.inPlace, n.object.either, n.object.every, n.array.either, n.array.every)
}

// compileNode makes the library evaluate a schema, or its assertions.
func (c *checker) compileNode(n *node) error {
	s := n.evaluated
	if s.boolean != nil || s.requiredBy != nil {
		return nil
	}
	part := n.copied
	s.whole = !n.inexact && !n.refers && (!c.tracks || len(n.applied()) == 0)
	if !s.whole {
		part = maps.Clone(n.copied)
		_, ignored := n.copied["$ref"]
		ignored = ignored && n.draft < draft2019
		maps.DeleteFunc(part, func(name string, _ any) bool { return ignored || !assertions[name] })
	}
	if len(part) == 0 {
		return nil
	}
	e, err := c.compileLibrary(part, n.draft)
	s.engine = e
	s.isFlat = !s.whole || n.isFlat()
	return err
}

// isFlat reports whether no schema inside of n applies to the value or to one in it.
func (n *node) isFlat() bool {
	return len(n.inPlace)+len(n.object.either)+len(n.object.every)+len(n.array.either)+len(n.array.every) == 0
}

func (c *checker) compileLibrary(checked any, d draft) (engine, error) {
	e, err := compileValidator(checked, min(d, defaultDraft))
	if err != nil {
		return nil, err
	}
	e.patterns = c.patterns
	return e, nil
}

// sortByPath sorts faults by their paths.
func sortByPath(faults []event.Fault) []event.Fault {
	slices.SortStableFunc(faults, func(a, b event.Fault) int { return strings.Compare(a.Path, b.Path) })
	return faults
}

// compileMu serialises the compiler of the library, which is not safe for
// concurrent use. No evaluation holds it.
var compileMu sync.Mutex

// nestedAddress is the address of a schema inside the one that nests it. The
// library finds it in memory.
const nestedAddress = "eye:schema"

// compileValidator compiles a checked copy of a schema.
func compileValidator(checked any, d draft) (*validator, error) {
	compiled, err := compileChecked(checked, d)
	if err != nil {
		return nil, err
	}
	return &validator{compiled: compiled, nested: sync.OnceValues(func() (*gojsonschema.Schema, error) {
		return compileNested(checked, d)
	})}, nil
}

// compileChecked compiles a checked copy. The library loads nothing, as every
// reference was checked to stay inside the document. A panic of the library is
// returned as an error.
func compileChecked(checked any, d draft, documents ...any) (compiled *gojsonschema.Schema, err error) {
	compileMu.Lock()
	defer compileMu.Unlock()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the library panicked: %v", p)
		}
	}()
	loader := gojsonschema.NewSchemaLoader()
	loader.AutoDetect = false
	loader.Draft = gojsonschema.Draft(d)
	for _, document := range documents {
		if err := loader.AddSchema(nestedAddress, gojsonschema.NewRawLoader(document)); err != nil {
			return nil, fmt.Errorf("add the schema: %w", err)
		}
	}
	compiled, err = loader.Compile(gojsonschema.NewRawLoader(checked))
	if err != nil {
		return nil, fmt.Errorf("compile: %w", err)
	}
	return compiled, nil
}

// compileNested compiles the schema that applies a checked copy to each member of
// an object.
func compileNested(checked any, d draft) (*gojsonschema.Schema, error) {
	return compileChecked(map[string]any{"additionalProperties": map[string]any{"$ref": nestedAddress}}, d, checked)
}
