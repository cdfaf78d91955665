package event_test

import (
	"fmt"

	"github.com/theeye/theeye/shared/event"
)

func ExampleAppendNumber() {
	for _, text := range []string{"9007199254740993", "1e2", "1.50", "-0", "1e400"} {
		if !event.ValidNumber([]byte(text)) {
			fmt.Println(text, "is refused")
			continue
		}
		fmt.Printf("%s is kept as %s\n", text, event.AppendNumber(nil, []byte(text)))
	}
	// Output:
	// 9007199254740993 is kept as 9007199254740993
	// 1e2 is kept as 100.0
	// 1.50 is kept as 1.5
	// -0 is kept as -0.0
	// 1e400 is refused
}

func ExampleParseTime() {
	for _, text := range []string{"2026-01-02 03:04:05.6", "2026-01-02T03:04:05+02:00", "2026-02-30T00:00:00Z"} {
		t, err := event.ParseTime(text)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(event.FormatTime(t))
	}
	// Output:
	// 2026-01-02T03:04:05.600000Z
	// 2026-01-02T01:04:05.000000Z
	// day 30 is out of range 01–28 of February 2026
}

func ExamplePointer() {
	fmt.Println(event.Pointer("data", "a/b", "0"))
	// Output: /data/a~1b/0
}
