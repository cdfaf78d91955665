package queryapi

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/heartbeat"
	"github.com/theeye/theeye/shared/stream"
)

// statusWithin bounds each of the two questions of a status, to NATS and to the
// store.
const statusWithin = 3 * time.Second

// statusAnswer is the answer of GET /v1/status.
type statusAnswer struct {
	Stream   streamStatus   `json:"stream"`
	Lag      lag            `json:"lag"`
	Store    storeStatus    `json:"store"`
	Registry registryStatus `json:"registry"`
	// Services is nil, and absent, where the heartbeats cannot be read.
	Services []serviceStatus `json:"services,omitzero"`
}

type streamStatus struct {
	Messages uint64 `json:"messages"`
	Bytes    uint64 `json:"bytes"`
	MaxBytes int64  `json:"max_bytes"`
	FirstSeq uint64 `json:"first_seq"`
	LastSeq  uint64 `json:"last_seq"`
	Oldest   string `json:"oldest,omitzero"`
}

// lag is what processors have still to settle.
type lag struct {
	Events uint64 `json:"events"`
	// Seconds is the age of the oldest of them.
	Seconds float64 `json:"seconds"`
}

type storeStatus struct {
	Ready bool `json:"ready"`
	// Revision is known of a store that is ready.
	Revision *uint64 `json:"revision,omitzero"`
}

type registryStatus struct {
	Revision uint64 `json:"revision"`
}

type serviceStatus struct {
	Service   string `json:"service"`
	Instance  string `json:"instance"`
	Version   string `json:"version"`
	Commit    string `json:"commit"`
	Revision  uint64 `json:"revision"`
	StartedAt string `json:"started_at"`
	SeenAt    string `json:"seen_at"`
}

// status answers GET /v1/status: how the parts of the installation are. A store
// that is away is a part of the answer; without NATS there is none.
func (s *Service) status(w http.ResponseWriter, r *http.Request, _ scope) error {
	if _, err := parseQuery(r.URL.RawQuery, nil); err != nil {
		return err
	}
	var a statusAnswer
	if err := s.lookAtStream(r.Context(), &a); err != nil {
		return unavailable(codeStreamUnavailable, "the stream does not answer", retryLater, err)
	}
	a.Services = s.liveServices(r.Context())
	a.Registry.Revision = s.registry.Revision()
	a.Store = s.lookAtStore(r.Context())
	return reply(w, http.StatusOK, 0, a)
}

// lookAtStream fills in the stream and what is left of it to settle. The
// consumer is asked first: asked later it could have settled more than the
// stream is said to hold.
func (s *Service) lookAtStream(ctx context.Context, a *statusAnswer) error {
	// A request made meanwhile would wait for the connection to come back.
	if s.js == nil || !s.js.Conn().IsConnected() {
		return nats.ErrDisconnected
	}
	ctx, cancel := context.WithTimeout(ctx, statusWithin)
	defer cancel()
	consumer, err := s.js.Consumer(ctx, stream.Name, stream.Consumer)
	if err != nil {
		return fmt.Errorf("look up consumer %s: %w", stream.Consumer, err)
	}
	events, err := s.js.Stream(ctx, stream.Name)
	if err != nil {
		return fmt.Errorf("look up stream %s: %w", stream.Name, err)
	}
	info := events.CachedInfo()
	a.Stream = streamStatus{
		Messages: info.State.Msgs, Bytes: info.State.Bytes, MaxBytes: info.Config.MaxBytes,
		FirstSeq: info.State.FirstSeq, LastSeq: info.State.LastSeq,
	}
	if info.State.Msgs > 0 {
		a.Stream.Oldest = event.FormatTime(info.State.FirstTime)
	}
	a.Lag, err = lagOf(ctx, events, consumer.CachedInfo())
	return err
}

// lagOf finds the first message behind the ack floor. A message between may
// have been settled out of order since; the floor itself never has.
func lagOf(ctx context.Context, events jetstream.Stream, live *jetstream.ConsumerInfo) (lag, error) {
	l := lag{Events: live.NumPending + uint64(max(0, live.NumAckPending))}
	if l.Events == 0 {
		return l, nil
	}
	at, _, err := stream.FirstFrom(ctx, events, live.AckFloor.Stream+1)
	if err != nil || at.IsZero() { // settled and purged meanwhile
		return l, err
	}
	l.Seconds = math.Round(max(0, time.Since(at).Seconds())*1000) / 1000
	return l, nil
}

// lookAtStore asks the store; why it is not ready is for the log.
func (s *Service) lookAtStore(ctx context.Context) storeStatus {
	ctx, cancel := context.WithTimeout(ctx, statusWithin)
	defer cancel()
	err := s.store.Ready(ctx)
	if err == nil {
		var revision uint64
		if revision, err = s.store.Revision(ctx); err == nil {
			return storeStatus{Ready: true, Revision: &revision}
		}
	}
	s.quiet.Do(func() {
		s.log.LogAttrs(ctx, slog.LevelWarn, "the store is not ready", slog.Any("error", err))
	})
	return storeStatus{}
}

// liveServices lists who beats, nil where that cannot be told.
func (s *Service) liveServices(ctx context.Context) []serviceStatus {
	beats, err := heartbeat.List(ctx, s.js)
	if err != nil {
		s.quiet.Do(func() {
			s.log.LogAttrs(ctx, slog.LevelWarn, "heartbeats cannot be read", slog.Any("error", err))
		})
		return nil
	}
	list := make([]serviceStatus, len(beats))
	for i, b := range beats {
		list[i] = serviceStatus{
			Service: b.Service, Instance: b.Instance, Version: b.Version, Commit: b.Commit, Revision: b.Revision,
			StartedAt: event.FormatTime(b.StartedAt), SeenAt: event.FormatTime(b.SeenAt),
		}
	}
	return list
}
