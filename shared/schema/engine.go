package schema

import (
	"errors"

	"github.com/xeipuuv/gojsonschema"

	"github.com/theeye/theeye/shared/event"
)

// engine evaluates one schema. The paths of its faults start with /data, which stands
// for the value that it is given. It returns errTooMany when there are more errors
// than limit; 0 is no limit. The order of the faults is unspecified. It is safe for
// concurrent use, and no call waits for another.
type engine interface {
	findFaults(data any, limit int) ([]event.Fault, error)
}

var errTooMany = errors.New("more errors than are counted")

// validator is the engine that evaluates with gojsonschema.
type validator struct {
	compiled *gojsonschema.Schema
	// nested returns the schema that applies compiled to each member of an object.
	nested func() (*gojsonschema.Schema, error)
	// patterns are the patterns as they were written, by their translation.
	patterns map[string]string
}

// findFaults evaluates data.
func (l *validator) findFaults(data any, limit int) ([]event.Fault, error) {
	if limit == 0 {
		return l.listFaults(l.compiled, data)
	}
	nested, err := l.nested()
	if err != nil {
		return nil, err
	}
	return countErrors(limit, func(member string) ([]event.Fault, error) {
		return l.listFaults(nested, map[string]any{member: data})
	})
}

// listFaults evaluates data with a compiled schema.
func (l *validator) listFaults(compiled *gojsonschema.Schema, data any) ([]event.Fault, error) {
	result, err := compiled.Validate(gojsonschema.NewRawLoader(data))
	if err != nil {
		return nil, err
	}
	if result.Valid() {
		return nil, nil
	}
	faults := make([]event.Fault, 0, len(result.Errors()))
	for _, e := range result.Errors() {
		if f, ok := describe(e, l.patterns); ok {
			faults = append(faults, f)
		}
	}
	return faults, nil
}
