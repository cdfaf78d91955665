package analytics

import (
	"math"
	"testing"

	"github.com/theeye/theeye/shared/query/filter"
)

func BenchmarkEvents(b *testing.B) {
	for _, c := range []struct {
		name    string
		filters []string
		limit   int
	}{
		{"every third", []string{"data.plan=p1"}, 100},
		{"one of 5000", []string{"data.user=77"}, 100},
		{"none", []string{"data.user=-1"}, 100},
		{"1000 of three fields", []string{"data.plan=p1", "data.path^=/p/1", "name!=name 0"}, 1000},
	} {
		for order, descending := range map[string]bool{"asc": false, "desc": true} {
			b.Run(c.name+" "+order, func(b *testing.B) {
				q := &EventsQuery{Scope: Scope{Applications: []string{"shop"}, Filter: mustFilter(c.filters...)}, Descending: descending, Limit: c.limit}
				ask(b, func(a *Analytics) (int, error) {
					list, _, err := a.Events(b.Context(), benchData().snapshot, q)
					return len(list), err
				}, func(n int) bool { return (n > 0) == (c.name != "none") })
			})
		}
	}
}

// BenchmarkEventsBareLoop reads what a filter that few events match must read, in one
// loop that knows the codes already: no question can be faster on one processor.
func BenchmarkEventsBareLoop(b *testing.B) {
	views, user := benchData().snapshot.Applications[0].Views, mustField("data.user")
	wanted := make([]uint32, len(views))
	for i, v := range views {
		column, err := v.Part.Column(b.Context(), user)
		if err != nil {
			b.Fatal(err)
		}
		wanted[i], _ = column.Values.Find(filter.Number("77"))
	}
	for b.Loop() {
		least, found := int64(math.MaxInt64), 0
		for i, v := range views {
			column, err := v.Part.Column(b.Context(), user)
			if err != nil {
				b.Fatal(err)
			}
			times, err := v.Part.Timestamps(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			forEachCodes(column.Codes, v.Part.Stored(), func(first int, codes []uint32) {
				for row, code := range codes {
					if code == wanted[i] {
						least, found = min(least, times.TimeAt(first+row)), found+1
					}
				}
			})
		}
		if found == 0 {
			b.Fatal(least)
		}
	}
}
