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
	// supersedes are revisions, ascending; marks is nil without personal values.
	supersedes []uint64
	marks      *piiMark
}

// Compile compiles a JSON Schema of at most MaxBytes, or returns every fault
// of it, by JSON pointer. It opens no file and no connection.
func Compile(raw []byte) (*Schema, []event.Fault) {
	tree, faults := Read(raw)
	if tree == nil && len(faults) > 0 {
		return nil, faults
	}
	c := checker{rules: keywords, nodes: map[string]*node{}, faults: faults}
	copied := c.checkDocument(tree)
	cost := 0
	if len(c.faults) == 0 { // else there may be cycles
		if cost = c.maxValueCost(c.order[0]); cost > maxCost {
			c.at("").Faultf("one value can be evaluated too often: references, alternatives and patterns multiply to a cost over %d", maxCost)
		}
	}
	if len(c.faults) > 0 {
		return nil, sortByPath(c.faults)
	}
	e, err := compileValidator(copied, c.draft)
	if err != nil {
		c.at("").Faultf("does not compile: %v", err)
		return nil, c.faults
	}
	s := &Schema{engine: e, cost: cost, allowed: c.allowed, supersedes: c.supersedes, marks: c.marks}
	if c.checkExamples(s); len(c.faults) > 0 {
		return nil, c.faults
	}
	return s, nil
}

// sortByPath sorts faults by their paths.
func sortByPath(faults []event.Fault) []event.Fault {
	slices.SortStableFunc(faults, func(a, b event.Fault) int { return strings.Compare(a.Path, b.Path) })
	return faults
}

// compileMu serialises the compiler of the library, which is not safe for
// concurrent use.
var compileMu sync.Mutex

// compileValidator compiles a checked copy of a schema. The library loads nothing,
// as every reference was checked to stay inside the document. A panic of the
// library is returned as an error.
func compileValidator(checked any, d draft) (e *validator, err error) {
	compileMu.Lock()
	defer compileMu.Unlock()
	libraryErrors.mu.RLock()
	defer libraryErrors.mu.RUnlock()
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
	return &validator{compiled}, nil
}
