package format_test

import (
	"fmt"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/format"
)

// The header Eye-Format of a message names the format of its payload.
func ExampleLookup() {
	for _, name := range []string{"native", "unheard of"} {
		f, ok := format.Lookup(name)
		if !ok {
			fmt.Println(name, "is not a format")
			continue
		}
		head, _ := f.Inspect([]byte(`{"event_id":"17","category":"page interaction","name":"pageview"}`), event.Receipt{})
		fmt.Println(name, head.EventID, head.Category, head.Name)
	}
	// Output:
	// native 17 page interaction pageview
	// unheard of is not a format
}
