package queryapi

import (
	"context"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/retry"
	"github.com/theeye/theeye/shared/stream"
)

// bucketKeeper creates the buckets of the registry on a separate NATS server. The
// query API does, because it alone changes the registry: the processor, which
// creates everything else, has no right to.
type bucketKeeper struct {
	js     jetstream.JetStream
	config stream.Config
	log    *slog.Logger

	logged string // the last error
}

// keepBuckets creates the buckets, or updates them to the configuration, at the start and
// after each reconnect: the server may be another one. It returns nil when ctx ends.
func (k *bucketKeeper) keepBuckets(ctx context.Context) error {
	conn := k.js.Conn()
	connected := conn.StatusChanged(nats.CONNECTED)
	defer conn.RemoveStatusListener(connected)
	policy := retry.Policy{First: 100 * time.Millisecond, Most: 2 * time.Second, AttemptTimeout: 10 * time.Second}
	for {
		if err := retry.Until(ctx, policy, k.ensure); err != nil {
			return nil // ctx ended as planned
		}
		select {
		case <-ctx.Done():
			return nil
		case <-connected:
		}
	}
}

// ensure is one attempt. An error is logged once: an operator must act, or NATS is
// not available yet.
func (k *bucketKeeper) ensure(ctx context.Context) error {
	if !k.js.Conn().IsConnected() {
		return nats.ErrDisconnected // the connection itself logs that
	}
	err := stream.EnsureRegistry(ctx, k.js, k.config)
	if err == nil {
		k.logged = ""
		return nil
	}
	if err.Error() != k.logged {
		k.logged = err.Error()
		k.log.LogAttrs(ctx, slog.LevelWarn, "the buckets of the registry are not as configured; trying again", slog.Any("error", err))
	}
	return err
}
