package httpapi

import (
	"testing"
	"time"

	"github.com/theeye/theeye/shared/query"
)

// A filter whose time depends on the present one has the same meaning on every page as
// on the first.
func TestCursorKeepsTheTimeOfFilters(t *testing.T) {
	const raw = "filter=timestamp%3E1h&filter=data.x%3D1"
	first, err := parse(raw, eventsParams)
	if err != nil {
		t.Fatal(err)
	}
	first.clock.Now = time.Date(2026, 1, 1, 10, 0, 0, 5_999, time.UTC)
	if err := first.parseFilters(first.clock.Now); err != nil {
		t.Fatal(err)
	}
	cursor := first.nextCursor(routeEvents, &query.Position{Time: time.UnixMicro(1), ID: "a/b"})
	later, err := parse(raw+"&cursor="+string(cursor), eventsParams)
	if err != nil {
		t.Fatal(err)
	}
	if later.Filters.String() == first.Filters.String() {
		t.Fatal("the test needs another time")
	}
	after, err := later.position(routeEvents)
	if err != nil || after == nil || after.ID != "a/b" {
		t.Fatalf("%v, %v", after, err)
	}
	if got, want := later.Filters.String(), first.Filters.String(); got != want || len(later.Filters) != 2 {
		t.Errorf("the second page has %q, the first %q", got, want)
	}
	if again := later.nextCursor(routeEvents, &query.Position{Time: time.UnixMicro(1), ID: "a/b"}); again != cursor {
		t.Error("the third page would be another one")
	}
	for _, other := range []string{"filter=timestamp%3E2h&filter=data.x%3D1", "filter=timestamp%3E1h", "filter=timestamp%3E1h&filter=data.x%3D1&from=1h", ""} {
		p, err := parse(other+"&cursor="+string(cursor), eventsParams)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.position(routeEvents); err == nil {
			t.Errorf("%q takes the cursor", other)
		}
	}
}
