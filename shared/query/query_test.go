package query_test

import (
	"errors"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/query"
)

func TestPagesAreBounded(t *testing.T) {
	for _, c := range []struct {
		q  query.Events
		ok bool
	}{
		{query.Events{Limit: 1}, true},
		{query.Events{Limit: query.MaxEvents}, true},
		{query.Events{Limit: query.MaxEvents, Rejected: true, Filter: query.Filter{Code: "unknown_type"}}, true},
		{query.Events{Limit: 1, Rejected: true, Filter: query.Filter{Code: "unknown_type", Path: new(string)}}, true},
		{query.Events{Limit: 1, Rejected: true, Filter: query.Filter{Path: new(string)}}, false}, // of which error
		{query.Events{Limit: 0}, false},
		{query.Events{Limit: -1}, false},
		{query.Events{Limit: query.MaxEvents + 1}, false},
		{query.Events{Limit: 1, Filter: query.Filter{Code: "unknown_type"}}, false}, // stored events have no code
	} {
		expectCheck(t, c.q, c.q.CheckBounds(), c.ok)
	}
}

func TestLookupsAreBounded(t *testing.T) {
	expectCheck(t, "no ids", query.CheckIDs(nil), true)
	expectCheck(t, "most ids", query.CheckIDs(make([]string, query.MaxIDs)), true)
	expectCheck(t, "too many ids", query.CheckIDs(make([]string, query.MaxIDs+1)), false)
}

func expectCheck(t *testing.T, q any, err error, ok bool) {
	t.Helper()
	if ok && err != nil || !ok && !errors.Is(err, query.ErrInvalid) {
		t.Errorf("%+v: within bounds should be %v, error %v", q, ok, err)
	}
}

// A nil list is every application, an empty one none.
func TestOnlyAnEmptyListMatchesNothing(t *testing.T) {
	for want, applications := range map[bool][][]string{false: {nil, {"shop"}}, true: {{}}} {
		for _, list := range applications {
			if f := (query.Filter{Applications: list}); f.MatchesNothing() != want {
				t.Errorf("applications %#v match nothing: %v", list, !want)
			}
		}
	}
}

// A time that is kept with less precision is before the bound exactly when it is
// before the time.
func TestCeilKeepsTheOrder(t *testing.T) {
	for _, unit := range []time.Duration{time.Microsecond, time.Millisecond} {
		for _, start := range []time.Time{time.Unix(0, 0), time.Unix(-7, 0), time.Unix(1_767_225_600, 0), {}} {
			for _, offset := range []time.Duration{0, 1, unit - 1, unit, unit + 1, -1, -unit, 3*unit + 5} {
				at := start.Add(offset)
				bound := query.Ceil(at, unit)
				for kept := -2 * unit; kept <= 5*unit; kept += unit {
					stored := start.Add(kept)
					if before := query.Ceil(stored, unit) < bound; before != stored.Before(at) {
						t.Fatalf("%v in units of %v is before the bound of %v: %v", stored, unit, at, before)
					}
				}
			}
		}
	}
}
