package processor

import (
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
)

// Message is one message of the stream, with all that its outcome depends on
// besides the registry.
type Message struct {
	Header  nats.Header
	Payload []byte
	// Seq is its sequence in the stream.
	Seq uint64
	// Time is when the stream took it. It stands in for the received time of a
	// message whose header has none.
	Time time.Time
}

// delivery is a message as it was fetched, with what settling it needs.
type delivery struct {
	Message
	// reply is where acknowledgements go.
	reply string
	// count is 1 at the first delivery.
	count uint64
	// size is what the message takes in memory, headers included.
	size int
}

// asDelivery reads the metadata that the server puts into the reply subject.
func asDelivery(m *nats.Msg) (delivery, error) {
	meta, err := m.Metadata()
	if err != nil {
		return delivery{}, fmt.Errorf("read metadata of a message: %w", err)
	}
	return delivery{
		Message: Message{
			Header:  m.Header,
			Payload: m.Data,
			Seq:     meta.Sequence.Stream,
			Time:    meta.Timestamp,
		},
		reply: m.Reply,
		count: meta.NumDelivered,
		size:  m.Size(),
	}, nil
}
