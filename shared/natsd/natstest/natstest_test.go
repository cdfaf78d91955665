package natstest_test

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/natsd/natstest"
)

// A connection and the stored messages outlive a restart, with and without a
// listener.
func TestRestartKeepsConnectionAndMessages(t *testing.T) {
	for name, options := range map[string][]natstest.Option{
		"in process": nil,
		"listening":  {natstest.Listening(), natstest.SyncAlways(), natstest.MaxPayload(1 << 20)},
	} {
		t.Run(name, func(t *testing.T) {
			s := natstest.Start(t, options...)
			js := s.JetStream()
			_, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "TEST", Subjects: []string{"test"}})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := js.Publish(t.Context(), "test", []byte("kept")); err != nil {
				t.Fatal(err)
			}
			s.Shutdown()
			if _, err := s.InProcessConn(); err == nil {
				t.Error("a stopped server accepts a connection")
			}
			s.Restart()
			for js.Conn().FlushTimeout(time.Second) != nil {
				if t.Context().Err() != nil {
					t.Fatal("the connection does not come back")
				}
			}
			st, err := js.Stream(t.Context(), "TEST")
			if err != nil {
				t.Fatal(err)
			}
			if n := st.CachedInfo().State.Msgs; n != 1 {
				t.Errorf("%d messages after a restart, want 1", n)
			}
		})
	}
}
