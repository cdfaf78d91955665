package schema

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/xeipuuv/gojsonschema"

	"github.com/theeye/theeye/shared/event"
)

// Schema is a compiled schema. It is immutable and safe for concurrent use.
type Schema struct {
	engine engine
	// cost bounds the evaluations and the errors that one value can cause.
	cost int
	// allowed is the size of the longest list of allowed values, in bytes.
	allowed int
	// supersedes are revisions, ascending; marks is nil when nothing is
	// personal.
	supersedes []uint64
	marks      *mark
}

// Compile compiles a JSON Schema of at most MaxBytes, or returns every fault
// that it has, by JSON pointer. It opens no file and no connection.
func Compile(raw []byte) (*Schema, []event.Fault) {
	tree, faults := Read(raw)
	if tree == nil && len(faults) > 0 {
		return nil, faults
	}
	c := checker{rules: keywords, nodes: map[string]*node{}, faults: faults}
	copied := c.root(tree)
	cost := 0
	if len(c.faults) == 0 { // else there may be cycles
		if cost = c.cost(c.order[0]); cost > maxCost {
			c.place("").Faultf("one value can be judged too often: references, alternatives and patterns multiply to a cost over %d", maxCost)
		}
	}
	if len(c.faults) > 0 {
		return nil, ordered(c.faults)
	}
	e, err := newLibrary(copied, c.draft)
	if err != nil {
		c.place("").Faultf("does not compile: %v", err)
		return nil, c.faults
	}
	s := &Schema{engine: e, cost: cost, allowed: c.allowed, supersedes: c.supersedes, marks: c.marks}
	if c.judgeExamples(s); len(c.faults) > 0 {
		return nil, c.faults
	}
	return s, nil
}

// ordered sorts faults by where they are.
func ordered(faults []event.Fault) []event.Fault {
	slices.SortStableFunc(faults, func(a, b event.Fault) int { return strings.Compare(a.Path, b.Path) })
	return faults
}

// compiling keeps the library's compiler, which is not made for concurrency, to
// one goroutine.
var compiling sync.Mutex

// newLibrary compiles a checked copy of a schema. The library has no reason to
// load anything, as every reference was seen to stay inside; were it to panic,
// that is an error.
func newLibrary(checked any, d draft) (e *library, err error) {
	compiling.Lock()
	defer compiling.Unlock()
	errorCount.light.RLock()
	defer errorCount.light.RUnlock()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the library panicked: %v", p)
		}
	}()
	loader := gojsonschema.NewSchemaLoader()
	loader.AutoDetect = false
	loader.Draft = gojsonschema.Draft(d)
	compiled, err := loader.Compile(gojsonschema.NewRawLoader(checked))
	if err != nil {
		return nil, fmt.Errorf("compile: %w", err)
	}
	return &library{compiled}, nil
}
