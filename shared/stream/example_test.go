package stream_test

import (
	"fmt"
	"time"

	"github.com/theeye/theeye/shared/stream"
)

func ExampleSubject() {
	fmt.Println(stream.Subject("shop", "page interaction", "cta click"))
	fmt.Println(stream.Unregistered("shop"))
	// Output:
	// events.shop.page=20interaction.cta=20click
	// events.shop.unregistered
}

func ExampleEscape() {
	token := stream.Escape("a.b*")
	name, err := stream.Unescape(token)
	fmt.Println(token, name, err)
	// Output: a=2Eb=2A a.b* <nil>
}

func ExampleParse() {
	sent := stream.Message{
		Application: "shop",
		ReceivedAt:  time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC),
		Format:      "native",
		Payload:     []byte(`{"name":"pageview"}`),
	}
	wire := sent.Msg(stream.Unregistered(sent.Application))

	m, err := stream.Parse(wire.Header, wire.Data)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(m.Application, m.Format, m.ReceivedAt)
	fmt.Printf("%s\n", m.Payload)
	// Output:
	// shop native 2026-01-02 03:04:05.000000006 +0000 UTC
	// {"name":"pageview"}
}
