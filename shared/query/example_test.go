package query_test

import (
	"fmt"
	"time"

	"github.com/theeye/theeye/shared/query"
)

// The newest rejected events of one application that have a reason.
func ExampleEvents() {
	q := query.Events{
		Filter:   query.Filter{Applications: []string{"shop"}, Code: "unknown_type"},
		Rejected: true, Descending: true,
		Limit: 100,
	}
	fmt.Println(q.CheckBounds())
	// The next page starts behind the last event of this one.
	q.After = &query.Position{Time: time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC), ID: "shop/42"}

	q.Limit = 5000
	fmt.Println(q.CheckBounds())
	// Output:
	// <nil>
	// query is outside of its bounds: limit 5000 is not in 1..1000
}
