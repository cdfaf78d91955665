package stream

import (
	"context"
	"slices"

	"github.com/nats-io/nats.go/jetstream"
)

// Restore makes the stream and the shared consumer work again as Ensure made them,
// where another client changed them since: a maximum age would remove events that no
// processor has settled, and a filter or a pause would keep them from processors. It
// returns the names of the settings that differed. The limits that Config sets are
// left as they are: an operator may raise them on the server.
func Restore(ctx context.Context, js jetstream.JetStream, s *jetstream.StreamInfo, consumer *jetstream.ConsumerInfo) ([]string, error) {
	c := Config{MaxBytes: s.Config.MaxBytes, Replicas: s.Config.Replicas}
	want := eventsConfig(c)
	setEpoch(&want, s)
	ofStream, ofConsumer := streamChanges(s.Config, want), consumerChanges(consumer)
	if len(ofStream) > 0 {
		if _, err := js.UpdateStream(ctx, want); err != nil {
			return nil, explainRefusal("stream "+Name, c, err)
		}
	}
	if len(ofConsumer) > 0 {
		if err := ensureConsumer(ctx, js, c); err != nil {
			return nil, err
		}
	}
	return append(ofStream, ofConsumer...), nil
}

// streamChanges returns the settings in which a stream differs. The server shows
// the absence of a limit as -1 or 0.
func streamChanges(is, want jetstream.StreamConfig) []string {
	return differing([]setting{
		{"subjects", !slices.Equal(is.Subjects, want.Subjects)},
		{"max_age", is.MaxAge != want.MaxAge},
		{"max_msgs", is.MaxMsgs > 0},
		{"max_msgs_per_subject", is.MaxMsgsPerSubject > 0},
		{"max_msg_size", is.MaxMsgSize > 0},
		{"discard", is.Discard != want.Discard},
		{"no_ack", is.NoAck},
		{"allow_direct", is.AllowDirect != want.AllowDirect},
		{"allow_atomic", is.AllowAtomicPublish != want.AllowAtomicPublish},
	})
}

// consumerChanges returns the settings in which the shared consumer differs.
func consumerChanges(info *jetstream.ConsumerInfo) []string {
	is, want := info.Config, consumerConfig()
	return differing([]setting{
		{"paused", info.Paused},
		{"filter_subject", is.FilterSubject != "" || len(is.FilterSubjects) > 0},
		{"ack_wait", is.AckWait != want.AckWait},
		{"backoff", len(is.BackOff) > 0},
		{"max_deliver", is.MaxDeliver != want.MaxDeliver},
		{"max_ack_pending", is.MaxAckPending != want.MaxAckPending},
		{"max_batch", is.MaxRequestBatch > 0},
		{"max_bytes", is.MaxRequestMaxBytes > 0},
		{"max_expires", is.MaxRequestExpires > 0},
		{"headers_only", is.HeadersOnly},
		{"rate_limit_bps", is.RateLimit > 0},
	})
}

// setting is a setting by its name on the server.
type setting struct {
	name    string
	differs bool
}

func differing(all []setting) (names []string) {
	for _, s := range all {
		if s.differs {
			names = append(names, s.name)
		}
	}
	return names
}
