package collector

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/stream"
)

// errNotCommitted is wrapped by every reason why a request's events are not
// known to be on disk.
var errNotCommitted = errors.New("not committed")

var (
	errStreamFull   = fmt.Errorf("%w: the stream is full", errNotCommitted)
	errDisconnected = fmt.Errorf("%w: NATS is away", errNotCommitted)
	errAck          = fmt.Errorf("%w: the acknowledgement does not match", errNotCommitted)
)

// codeServerStoreFailed is the server's error code for a stream over its limits.
const codeServerStoreFailed jetstream.ErrorCode = 10077

// statusNoResponders is what the server answers where no stream listens.
const statusNoResponders = "503"

// ack is what the server answers to a publish.
type ack struct {
	Stream string `json:"stream"`
	Seq    uint64 `json:"seq"`
	Batch  string `json:"batch"`
	Count  int    `json:"count"`

	Error *jetstream.APIError `json:"error"`
}

// readAck returns the acknowledgement of our stream, which the server sends
// after the sync. Every error wraps errNotCommitted.
func readAck(reply *nats.Msg) (ack, error) {
	if len(reply.Data) == 0 && reply.Header.Get("Status") == statusNoResponders {
		return ack{}, fmt.Errorf("%w: %w", errNotCommitted, nats.ErrNoResponders)
	}
	var a ack
	if err := json.Unmarshal(reply.Data, &a); err != nil {
		return ack{}, fmt.Errorf("%w: %w", errAck, err)
	}
	switch {
	case a.Error != nil && a.Error.ErrorCode == codeServerStoreFailed:
		return ack{}, fmt.Errorf("%w: %w", errStreamFull, a.Error)
	case a.Error != nil:
		return ack{}, fmt.Errorf("%w: %w", errNotCommitted, a.Error)
	case a.Stream != stream.Name || a.Seq == 0:
		return ack{}, errAck
	}
	return a, nil
}
