package processor

import (
	"fmt"

	"github.com/nats-io/nats.go"

	"github.com/theeye/theeye/shared/stream"
)

// delivery is a message as it was fetched, with what settling it needs.
type delivery struct {
	stream.Raw
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
		Raw: stream.Raw{
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
