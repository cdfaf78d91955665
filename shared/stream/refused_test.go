package stream

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/natsd/natstest"
)

// What the server refuses for good says what an operator must change, and where.
func TestRefusedConfigurationNamesTheCure(t *testing.T) {
	type step func(jetstream.JetStream) error
	withStream := func(c jetstream.StreamConfig) step {
		return func(js jetstream.JetStream) error { _, err := js.CreateStream(t.Context(), c); return err }
	}
	withConsumer := func(c jetstream.ConsumerConfig) step {
		return func(js jetstream.JetStream) error {
			_, err := js.CreateStream(t.Context(), eventsConfig(Config{MaxBytes: 64 << 20, Replicas: 1}))
			if err == nil {
				_, err = js.CreateConsumer(t.Context(), Name, c)
			}
			return err
		}
	}
	for name, c := range map[string]struct {
		before step
		config Config
		cure   string
	}{
		"a server that may keep less than the stream": {config: Config{MaxBytes: 20 << 30}, cure: "max_file_store"},
		"replicas on a single server":                 {config: Config{Replicas: 3}, cure: "EYE_STREAM_REPLICAS is 3"},
		"a stream in memory": {
			before: withStream(jetstream.StreamConfig{Name: Name, Subjects: []string{Subjects}, Storage: jetstream.MemoryStorage}),
			cure:   "made or changed by another client",
		},
		"a work queue": {
			before: withStream(jetstream.StreamConfig{Name: Name, Subjects: []string{Subjects}, Retention: jetstream.WorkQueuePolicy}),
			cure:   "made or changed by another client",
		},
		"the subjects of another stream": {
			before: withStream(jetstream.StreamConfig{Name: "OTHER", Subjects: []string{"events.shop.>"}}),
			cure:   "an account of its own",
		},
		"a consumer without acknowledgements": {
			before: withConsumer(jetstream.ConsumerConfig{Durable: Consumer, AckPolicy: jetstream.AckNonePolicy}),
			cure:   "nats consumer rm EVENTS processor",
		},
		"a consumer that begins with new events": {
			before: withConsumer(jetstream.ConsumerConfig{Durable: Consumer, AckPolicy: jetstream.AckExplicitPolicy, DeliverPolicy: jetstream.DeliverNewPolicy}),
			cure:   "nats consumer rm EVENTS processor",
		},
	} {
		t.Run(name, func(t *testing.T) {
			js := natstest.Start(t, limitFileStore(16<<30)).JetStream()
			if c.before != nil {
				if err := c.before(js); err != nil {
					t.Fatal(err)
				}
			}
			err := Ensure(t.Context(), js, c.config)
			if !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), c.cure) {
				t.Errorf("Ensure = %v, want one that says %q", err, c.cure)
			}
		})
	}
}

func limitFileStore(bytes int64) natstest.Option {
	return func(o *server.Options) { o.JetStreamMaxStore = bytes }
}

// A lower limit removes no message, and is in force at once: the stream takes no
// more until settled messages are purged.
func TestLowerLimitRemovesNothing(t *testing.T) {
	ctx, js := ensure(t)
	payload := strings.Repeat("x", 1<<20)
	for range 3 {
		if _, err := js.Publish(ctx, Unregistered("demo"), []byte(payload)); err != nil {
			t.Fatal(err)
		}
	}
	if err := Ensure(ctx, js, Config{MaxBytes: 2 << 20}); err != nil {
		t.Fatal(err)
	}
	s, err := js.Stream(ctx, Name)
	if err != nil {
		t.Fatal(err)
	}
	if info := s.CachedInfo(); info.State.Msgs != 3 || info.Config.MaxBytes != 2<<20 {
		t.Errorf("%d messages, at most %d bytes", info.State.Msgs, info.Config.MaxBytes)
	}
	if _, err := js.Publish(ctx, Unregistered("demo"), nil); err == nil {
		t.Error("a full stream takes a message")
	}
	if err := s.Purge(ctx, jetstream.WithPurgeSequence(3)); err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(ctx, Unregistered("demo"), nil); err != nil {
		t.Errorf("after a purge: %v", err)
	}
}

// What another client changed by hand works as before after Restore, and at the
// next start of a processor; limits that Config sets stay.
func TestChangesByHandAreUndone(t *testing.T) {
	for name, change := range map[string]func(jetstream.JetStream, jetstream.StreamConfig, jetstream.ConsumerConfig) error{
		"max_age": func(js jetstream.JetStream, s jetstream.StreamConfig, _ jetstream.ConsumerConfig) error {
			s.MaxAge = time.Hour
			_, err := js.UpdateStream(t.Context(), s)
			return err
		},
		"discard": func(js jetstream.JetStream, s jetstream.StreamConfig, _ jetstream.ConsumerConfig) error {
			s.Discard = jetstream.DiscardOld
			_, err := js.UpdateStream(t.Context(), s)
			return err
		},
		"max_msgs": func(js jetstream.JetStream, s jetstream.StreamConfig, _ jetstream.ConsumerConfig) error {
			s.MaxMsgs = 10
			_, err := js.UpdateStream(t.Context(), s)
			return err
		},
		"paused": func(js jetstream.JetStream, _ jetstream.StreamConfig, _ jetstream.ConsumerConfig) error {
			_, err := js.PauseConsumer(t.Context(), Name, Consumer, time.Now().Add(time.Hour))
			return err
		},
		"filter_subject": func(js jetstream.JetStream, _ jetstream.StreamConfig, c jetstream.ConsumerConfig) error {
			c.FilterSubject = "events.shop.>"
			_, err := js.UpdateConsumer(t.Context(), Name, c)
			return err
		},
		"max_deliver": func(js jetstream.JetStream, _ jetstream.StreamConfig, c jetstream.ConsumerConfig) error {
			c.MaxDeliver = 3
			_, err := js.UpdateConsumer(t.Context(), Name, c)
			return err
		},
		"max_batch": func(js jetstream.JetStream, _ jetstream.StreamConfig, c jetstream.ConsumerConfig) error {
			c.MaxRequestBatch = 1
			_, err := js.UpdateConsumer(t.Context(), Name, c)
			return err
		},
	} {
		for _, way := range []string{"restore", "start"} {
			t.Run(name+" "+way, func(t *testing.T) {
				ctx, js := ensure(t)
				if _, err := js.Publish(ctx, Unregistered("demo"), []byte("kept")); err != nil {
					t.Fatal(err)
				}
				s, c := infoOf(t, js)
				if got, err := Restore(ctx, js, s, c); err != nil || len(got) > 0 {
					t.Errorf("before any change %q differ, %v", got, err)
				}
				s.Config.MaxBytes *= 2
				if err := change(js, s.Config, c.Config); err != nil {
					t.Fatal(err)
				}
				s, c = infoOf(t, js)
				if way == "start" {
					if err := Ensure(ctx, js, Config{MaxBytes: 64 << 20}); err != nil {
						t.Fatal(err)
					}
				} else if got, err := Restore(ctx, js, s, c); err != nil || !slices.Equal(got, []string{name}) {
					t.Errorf("Restore says %q differ, %v", got, err)
				}
				changed := s.Config.MaxBytes
				if s, c = infoOf(t, js); way == "restore" && s.Config.MaxBytes != changed {
					t.Errorf("the limit was %d and became %d", changed, s.Config.MaxBytes)
				}
				if got, err := Restore(ctx, js, s, c); err != nil || len(got) > 0 || s.State.Msgs != 1 {
					t.Errorf("afterwards %q differ, %d messages, %v", got, s.State.Msgs, err)
				}
			})
		}
	}
}

func infoOf(t *testing.T, js jetstream.JetStream) (*jetstream.StreamInfo, *jetstream.ConsumerInfo) {
	t.Helper()
	s, err := js.Stream(t.Context(), Name)
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.Consumer(t.Context(), Consumer)
	if err != nil {
		t.Fatal(err)
	}
	return s.CachedInfo(), c.CachedInfo()
}
