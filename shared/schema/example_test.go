package schema_test

import (
	"fmt"
	"time"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/schema"
)

// The outcome of an event depends on its type's schema and the policy of one
// registry revision.
func ExampleSet_Validate() {
	s, faults := schema.Compile([]byte(`{"type": "object", "required": ["host"], "properties": {"host": {"type": "string"}}}`))
	if len(faults) > 0 {
		fmt.Println(faults)
		return
	}
	pageview := schema.Type{Category: "page interaction", Name: "pageview"}
	set := schema.NewSet(7, schema.DefaultPolicy(), map[schema.Type]schema.Versioned{pageview: {Schema: s, Revision: 3}}, nil)

	received := time.Date(2026, 1, 1, 8, 0, 0, 0, time.UTC)
	for _, host := range []any{"www.example.com", true} {
		verdict := set.Validate(&event.Event{
			Head:      event.Head{Category: pageview.Category, Name: pageview.Name},
			Timestamp: received, Tree: map[string]any{"host": host},
		}, received, "shop")
		fmt.Println(verdict.SchemaVersion, verdict.Faults)
	}
	// Output:
	// 3 []
	// 3 [{schema_violation /data/host must be of type string, not boolean}]
}

// A declaration that does not compile is returned with every fault.
func ExampleCompile() {
	_, faults := schema.Compile([]byte(`{"type": "text", "requird": ["host"]}`))
	for _, f := range faults {
		fmt.Println(f.Path, f.Message)
	}
	// Output:
	// /requird is not a known keyword; did you mean required? A keyword of your own starts with x-
	// /type must be one of [array boolean integer null number object string], or an array of them
}
