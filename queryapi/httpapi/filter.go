package httpapi

import (
	"errors"
	"time"

	"github.com/theeye/theeye/queryapi/events"
	"github.com/theeye/theeye/queryapi/problem"
	"github.com/theeye/theeye/shared/query/filter"
	"github.com/theeye/theeye/shared/store"
)

// parseFilters parses the values of parameter filter, whose times may be relative to
// now. The error is a *httpserver.Failure with status 400.
func (p *params) parseFilters(now time.Time) error {
	if len(p.filters) == 0 {
		return nil
	}
	var err error
	p.Filters, err = filter.Parse(p.filters, now.Truncate(time.Microsecond))
	if faulty := new(filter.Error); errors.As(err, &faulty) {
		return failureOfProblem(problem.InvalidFilter("filter", faulty))
	}
	return err
}

// matchFilter returns what decides whether a document meets a filter, nil for an
// empty one.
func matchFilter(f filter.Filter) func(*store.Document) bool {
	if len(f) == 0 {
		return nil
	}
	return func(d *store.Document) bool { return events.Matches(f, d) }
}
