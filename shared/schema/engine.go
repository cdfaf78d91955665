package schema

import (
	"errors"
	"sync"

	"github.com/xeipuuv/gojsonschema"

	"github.com/theeye/theeye/shared/event"
)

// engine evaluates one schema. It returns errTooMany when there are more errors
// than limit; 0 is no limit. The order of the faults is not fixed.
type engine interface {
	faults(data map[string]any, limit int) ([]event.Fault, error)
}

var errTooMany = errors.New("more errors than are counted")

// library is gojsonschema.
type library struct{ compiled *gojsonschema.Schema }

// faults evaluates. Most calls run side by side; one with a limit runs alone,
// because the library has no other place to count its errors than a global one.
func (l *library) faults(data map[string]any, limit int) (faults []event.Fault, err error) {
	if limit == 0 {
		errorCount.light.RLock()
		defer errorCount.light.RUnlock()
		return l.evaluate(data)
	}
	errorCount.start(limit)
	defer errorCount.stop()
	defer func() {
		if p := recover(); p == any(errTooMany) {
			faults, err = nil, errTooMany
		} else if p != nil {
			panic(p)
		}
	}()
	return l.evaluate(data)
}

func (l *library) evaluate(data map[string]any) ([]event.Fault, error) {
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

// counter counts the errors that the library makes, kept or not, and panics
// with errTooMany to end an evaluation that makes too many: the library cannot
// be stopped in another way, and keeps each error with its path and its list of
// allowed values.
type counter struct {
	light sync.RWMutex // held alone while limit is not 0
	limit int
	seen  int
}

var errorCount counter

func (c *counter) start(limit int) {
	c.light.Lock()
	c.limit, c.seen = limit, 0
}

func (c *counter) stop() {
	c.limit = 0
	c.light.Unlock()
}

// note is called for each error, by holders of light.
func (c *counter) note() {
	if c.limit == 0 {
		return
	}
	if c.seen++; c.seen > c.limit {
		panic(errTooMany)
	}
}
