package admin

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/queryapi/problem"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/heartbeat"
	"github.com/theeye/theeye/shared/stream"
)

// statusTimeout bounds each of the two requests of a status, to NATS and to the
// store.
const statusTimeout = 3 * time.Second

// retryStream is how long a client should wait for a stream that does not
// answer.
const retryStream = 5 * time.Second

// Status returns the state of the installation. An unavailable store is part of
// the answer; without NATS there is an error.
func (a *Admin) Status(ctx context.Context) (api.Status, error) {
	var st api.Status
	if err := a.readStreamStatus(ctx, &st); err != nil {
		return st, &problem.Error{
			Code: api.CodeStreamUnavailable, Detail: "the stream does not answer", RetryAfter: retryStream, Cause: err,
		}
	}
	st.Services = a.readServices(ctx)
	st.Registry.Revision = a.registry.Revision()
	st.Store = a.readStoreStatus(ctx)
	return st, nil
}

// readStreamStatus fills in the stream and the lag. The consumer is read first:
// read later it could have settled more than the stream is said to hold.
func (a *Admin) readStreamStatus(ctx context.Context, st *api.Status) error {
	if !a.connected() {
		return nats.ErrDisconnected
	}
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	consumer, err := a.js.Consumer(ctx, stream.Name, stream.Consumer)
	if err != nil {
		return fmt.Errorf("look up consumer %s: %w", stream.Consumer, err)
	}
	events, err := a.js.Stream(ctx, stream.Name)
	if err != nil {
		return fmt.Errorf("look up stream %s: %w", stream.Name, err)
	}
	info := events.CachedInfo()
	st.Stream = api.StreamStatus{
		Messages: info.State.Msgs, Bytes: info.State.Bytes, MaxBytes: info.Config.MaxBytes,
		FirstSeq: info.State.FirstSeq, LastSeq: info.State.LastSeq,
	}
	if info.State.Msgs > 0 {
		st.Stream.Oldest = api.TimeOf(info.State.FirstTime)
	}
	st.Lag, err = readLag(ctx, events, consumer.CachedInfo())
	return err
}

// readLag finds the first message behind the ack floor. A message between may
// have been settled out of order since; the first never was.
func readLag(ctx context.Context, events jetstream.Stream, live *jetstream.ConsumerInfo) (api.Lag, error) {
	lag := api.Lag{Events: live.NumPending + uint64(max(0, live.NumAckPending))}
	if lag.Events == 0 {
		return lag, nil
	}
	at, _, err := stream.FirstFrom(ctx, events, live.AckFloor.Stream+1)
	if err != nil || at.IsZero() { // settled and purged since
		return lag, err
	}
	lag.Seconds = math.Round(max(0, time.Since(at).Seconds())*1000) / 1000
	return lag, nil
}

// readStoreStatus asks the store; the reason why it is not ready is logged.
func (a *Admin) readStoreStatus(ctx context.Context) api.StoreStatus {
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	err := a.store.Ready(ctx)
	if err == nil {
		var revision uint64
		if revision, err = a.store.HighestRevision(ctx); err == nil {
			return api.StoreStatus{Ready: true, Revision: &revision}
		}
	}
	a.logLimit.Do(func() {
		a.log.LogAttrs(ctx, slog.LevelWarn, "the store is not ready", slog.Any("error", err))
	})
	return api.StoreStatus{}
}

// readServices lists the services with a heartbeat, nil if the heartbeats
// cannot be read.
func (a *Admin) readServices(ctx context.Context) []api.ServiceStatus {
	beats, err := heartbeat.List(ctx, a.js)
	if err != nil {
		a.logLimit.Do(func() {
			a.log.LogAttrs(ctx, slog.LevelWarn, "heartbeats cannot be read", slog.Any("error", err))
		})
		return nil
	}
	list := make([]api.ServiceStatus, len(beats))
	for i, b := range beats {
		list[i] = api.ServiceStatus{
			Service: b.Service, Instance: b.Instance, Version: b.Version, Commit: b.Commit, Revision: b.Revision,
			StartedAt: api.TimeOf(b.StartedAt), SeenAt: api.TimeOf(b.SeenAt),
		}
	}
	return list
}
