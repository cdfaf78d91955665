package native_test

import (
	"fmt"

	"github.com/theeye/theeye/shared/format/native"
)

func ExampleSplit() {
	batch, err := native.Split([]byte(`{"sent_at":"2026-01-02T03:04:05Z","events":[{"name":"a"},17]}`), false, 1000)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, item := range batch.Items {
		fmt.Printf("%s %v\n", item.Raw, item.Refusal)
	}
	fmt.Println("sent at", batch.SentAt)
	// Output:
	// {"name":"a"} <nil>
	// 17 not_object: an event is an object, not a number
	// sent at 2026-01-02T03:04:05Z
}

func ExampleInspect() {
	head, _ := native.Inspect([]byte(`{"category":"page interaction","name":"pageview","timestamp":"2026-01-02T03:04:05Z"}`))
	fmt.Println(head.Category, "/", head.Name)
	fmt.Println(head.EventID, head.Derived)

	_, refusal := native.Inspect([]byte(`{"name":"a","name":"b"}`))
	fmt.Println(refusal)
	// Output:
	// page interaction / pageview
	// 019b7ca9-8c88-7614-abe7-8445f30a4f75 true
	// duplicate_key: the key "name" stands twice in the event
}

func ExampleDecode() {
	ev, refusal := native.Decode([]byte(`{
		"event_id": "17", "session_id": "E2085BE5-9137-4E4E-80B5-F1FFDDC25423",
		"category": "page interaction", "name": "pageview",
		"data": {"path": "/", "width": 1e2}
	}`))
	if refusal != nil {
		fmt.Println(refusal)
		return
	}
	fmt.Println(ev.EventID, ev.SessionID)
	fmt.Printf("%s\n", ev.Data)
	for _, fault := range ev.Faults {
		fmt.Println(fault.Code, fault.Path, fault.Message)
	}
	// Output:
	// 17 e2085be5-9137-4e4e-80b5-f1ffddc25423
	// {"path":"/","width":100.0}
	// invalid_timestamp /timestamp timestamp is missing
}
