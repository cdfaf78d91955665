package audit

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/stream"
)

// ErrStream means that the stream is not the one that was asked for: it was
// recreated.
var ErrStream = errors.New("the stream was recreated")

// streamState reads the state of the stream, as its leader has it. The error is
// ErrStream if the stream is not the one of the epoch.
func streamState(ctx context.Context, js jetstream.JetStream, epoch int64) (jetstream.StreamState, error) {
	s, err := js.Stream(ctx, stream.Name)
	if err != nil {
		return jetstream.StreamState{}, fmt.Errorf("look up stream %s: %w", stream.Name, err)
	}
	if stream.EpochOf(s.CachedInfo()) != epoch {
		return jetstream.StreamState{}, ErrStream
	}
	return s.CachedInfo().State, nil
}

// leaderResponse is the response to a read of the leader.
type leaderResponse struct {
	Error   *jetstream.APIError `json:"error"`
	Message *struct {
		Seq    uint64    `json:"seq"`
		Header []byte    `json:"hdrs"`
		Data   []byte    `json:"data"`
		Time   time.Time `json:"time"`
	} `json:"message"`
}

// readFromLeader reads one message from the stream's leader, and reports whether
// the message is present. The library's own read would ask any replica, as the
// stream allows that.
func readFromLeader(ctx context.Context, js jetstream.JetStream, seq uint64) (m stream.Raw, present bool, err error) {
	fail := func(err error) (stream.Raw, bool, error) {
		return stream.Raw{}, false, fmt.Errorf("read message %d from the leader: %w", seq, err)
	}
	prefix := strings.TrimSuffix(js.Options().APIPrefix, ".")
	if prefix == "" {
		prefix = "$JS.API"
	}
	response, err := js.Conn().RequestWithContext(ctx, prefix+".STREAM.MSG.GET."+stream.Name, fmt.Appendf(nil, `{"seq":%d}`, seq))
	if err != nil {
		return fail(err)
	}
	var a leaderResponse
	if err := json.Unmarshal(response.Data, &a); err != nil {
		return fail(err)
	}
	switch {
	case a.Error != nil && a.Error.ErrorCode == jetstream.JSErrCodeMessageNotFound:
		return stream.Raw{}, false, nil
	case a.Error != nil:
		return fail(a.Error)
	case a.Message == nil:
		return fail(jetstream.ErrInvalidJetStreamResponse)
	}
	m = stream.Raw{Payload: a.Message.Data, Seq: a.Message.Seq, Time: a.Message.Time}
	if len(a.Message.Header) > 0 {
		if m.Header, err = nats.DecodeHeadersMsg(a.Message.Header); err != nil {
			return fail(err)
		}
	}
	return m, true, nil
}
