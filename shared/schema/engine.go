package schema

import (
	"errors"
	"sync"

	"github.com/xeipuuv/gojsonschema"

	"github.com/theeye/theeye/shared/event"
)

// engine evaluates one schema. It returns errTooMany when there are more errors
// than limit; 0 is no limit. The order of the faults is unspecified.
type engine interface {
	findFaults(data map[string]any, limit int) ([]event.Fault, error)
}

var errTooMany = errors.New("more errors than are counted")

// validator is the engine that evaluates with gojsonschema.
type validator struct{ compiled *gojsonschema.Schema }

// findFaults evaluates data. Calls without a limit run concurrently; a call with a
// limit runs alone, because the errors of the library can only be counted through
// its global locale.
func (l *validator) findFaults(data map[string]any, limit int) (findFaults []event.Fault, err error) {
	if limit == 0 {
		libraryErrors.mu.RLock()
		defer libraryErrors.mu.RUnlock()
		return l.evaluate(data)
	}
	libraryErrors.beginCounting(limit)
	defer libraryErrors.endCounting()
	defer func() {
		if p := recover(); p == any(errTooMany) {
			findFaults, err = nil, errTooMany
		} else if p != nil {
			panic(p)
		}
	}()
	return l.evaluate(data)
}

func (l *validator) evaluate(data map[string]any) ([]event.Fault, error) {
	result, err := l.compiled.Validate(gojsonschema.NewRawLoader(data))
	if err != nil {
		return nil, err
	}
	if result.Valid() {
		return nil, nil
	}
	faults := make([]event.Fault, 0, len(result.Errors()))
	for _, e := range result.Errors() {
		if f, ok := describe(e); ok {
			faults = append(faults, f)
		}
	}
	return faults, nil
}

// errorCounter counts the errors that the library creates, retained or not, and
// panics with errTooMany to abort an evaluation that creates too many: the library
// has no other way to be stopped, and retains each error with its path and its
// list of allowed values.
type errorCounter struct {
	mu    sync.RWMutex // held exclusively while limit is not 0
	limit int
	seen  int
}

var libraryErrors errorCounter

func (c *errorCounter) beginCounting(limit int) {
	c.mu.Lock()
	c.limit, c.seen = limit, 0
}

func (c *errorCounter) endCounting() {
	c.limit = 0
	c.mu.Unlock()
}

// countError is called for each error, by holders of mu.
func (c *errorCounter) countError() {
	if c.limit == 0 {
		return
	}
	if c.seen++; c.seen > c.limit {
		panic(errTooMany)
	}
}

func init() {
	// The library asks its global locale for the text of each error.
	gojsonschema.Locale = locale{}
}

// locale counts the errors of the library and gives them no text: describe writes
// the message of a fault, and the texts of the library would quote data.
type locale struct{ gojsonschema.DefaultLocale }

func (locale) reportError() string {
	libraryErrors.countError()
	return " " // a template; an empty one would be parsed for every error
}

func (l locale) False() string                        { return l.reportError() }
func (l locale) Required() string                     { return l.reportError() }
func (l locale) InvalidType() string                  { return l.reportError() }
func (l locale) NumberAnyOf() string                  { return l.reportError() }
func (l locale) NumberOneOf() string                  { return l.reportError() }
func (l locale) NumberAllOf() string                  { return l.reportError() }
func (l locale) NumberNot() string                    { return l.reportError() }
func (l locale) MissingDependency() string            { return l.reportError() }
func (l locale) Internal() string                     { return l.reportError() }
func (l locale) Const() string                        { return l.reportError() }
func (l locale) Enum() string                         { return l.reportError() }
func (l locale) ArrayNoAdditionalItems() string       { return l.reportError() }
func (l locale) ArrayMinItems() string                { return l.reportError() }
func (l locale) ArrayMaxItems() string                { return l.reportError() }
func (l locale) Unique() string                       { return l.reportError() }
func (l locale) ArrayContains() string                { return l.reportError() }
func (l locale) ArrayMinProperties() string           { return l.reportError() }
func (l locale) ArrayMaxProperties() string           { return l.reportError() }
func (l locale) AdditionalPropertyNotAllowed() string { return l.reportError() }
func (l locale) InvalidPropertyPattern() string       { return l.reportError() }
func (l locale) InvalidPropertyName() string          { return l.reportError() }
func (l locale) StringGTE() string                    { return l.reportError() }
func (l locale) StringLTE() string                    { return l.reportError() }
func (l locale) DoesNotMatchPattern() string          { return l.reportError() }
func (l locale) DoesNotMatchFormat() string           { return l.reportError() }
func (l locale) MultipleOf() string                   { return l.reportError() }
func (l locale) NumberGTE() string                    { return l.reportError() }
func (l locale) NumberGT() string                     { return l.reportError() }
func (l locale) NumberLTE() string                    { return l.reportError() }
func (l locale) NumberLT() string                     { return l.reportError() }
func (l locale) ConditionThen() string                { return l.reportError() }
func (l locale) ConditionElse() string                { return l.reportError() }
