package admin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/queryapi/problem"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/heartbeat"
	"github.com/theeye/theeye/shared/job"
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
	beats, err := a.readBeats(ctx)
	st.Services = services(beats, err)
	processors := stateOfProcessors(beats, err)
	st.Processing = api.Processing{Active: processors.active, Reason: processors.reason}
	st.Retention = a.readRetention(ctx, processors)
	st.Registry.Revision = a.registry.Revision()
	st.Store = a.readStoreStatus(ctx)
	st.Columns = a.columnsStatus()
	st.SilentApplications = a.silentApplications(ctx, time.Duration(st.Lag.Seconds*float64(time.Second)))
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
	if err != nil && !isAbsent(err) {
		return fmt.Errorf("look up consumer %s: %w", stream.Consumer, err)
	}
	events, err := a.js.Stream(ctx, stream.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil // no processor has made it yet: nothing is accepted, and nothing waits
	}
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
	live := &jetstream.ConsumerInfo{NumPending: info.State.Msgs} // without a consumer everything waits
	if consumer != nil {
		live = consumer.CachedInfo()
	}
	st.Lag, err = readLag(ctx, events, live)
	return err
}

// isAbsent reports whether the stream or its consumer does not exist.
func isAbsent(err error) bool {
	return errors.Is(err, jetstream.ErrStreamNotFound) || errors.Is(err, jetstream.ErrConsumerNotFound)
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

// readBeats lists the heartbeats of the live services. The error is
// nats.ErrNoResponders while the bucket does not exist, which the processors make.
func (a *Admin) readBeats(ctx context.Context) ([]heartbeat.Beat, error) {
	beats, err := heartbeat.List(ctx, a.js)
	if err != nil {
		a.logLimit.Do(func() {
			a.log.LogAttrs(ctx, slog.LevelWarn, "heartbeats cannot be read", slog.Any("error", err))
		})
	}
	return beats, err
}

// processorService is the name of processors in their heartbeats.
const processorService = "processor"

// processorState is the state of all processors together.
type processorState struct {
	// running says that there is one, active that one takes events; reason says
	// why none does.
	running, active bool
	reason          string
}

func stateOfProcessors(beats []heartbeat.Beat, err error) processorState {
	s := processorState{reason: "no processor is running: events wait in the stream"}
	if err != nil && !errors.Is(err, nats.ErrNoResponders) {
		s.reason = "unknown: the heartbeats of the processors cannot be read"
	}
	for _, b := range beats {
		if b.Service != processorService {
			continue
		}
		if b.Waiting == "" {
			return processorState{running: true, active: true}
		}
		s = processorState{running: true, reason: "no processor takes events: processor " + b.Instance + " waits for " + b.Waiting}
	}
	return s
}

// services returns the services with a heartbeat, nil if the heartbeats cannot be
// read.
func services(beats []heartbeat.Beat, err error) []api.ServiceStatus {
	if err != nil {
		return nil
	}
	list := make([]api.ServiceStatus, len(beats))
	for i, b := range beats {
		list[i] = api.ServiceStatus{
			Service: b.Service, Instance: b.Instance, Version: b.Version, Commit: b.Commit, Revision: b.Revision, Waiting: b.Waiting,
			StartedAt: api.TimeOf(b.StartedAt), SeenAt: api.TimeOf(b.SeenAt),
		}
	}
	return list
}

// readRetention returns the newest retention job, nil without one, or if the jobs
// cannot be read.
func (a *Admin) readRetention(ctx context.Context, processors processorState) *api.Job {
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	all, err := a.listJobs(ctx)
	if err != nil {
		a.logLimit.Do(func() {
			a.log.LogAttrs(ctx, slog.LevelWarn, "the jobs cannot be read", slog.Any("error", err))
		})
		return nil
	}
	for _, e := range all {
		if e.Kind == job.Retention {
			j := apiJob(e, all, processors)
			j.Report = e.Report
			return &j
		}
	}
	return nil
}
