package stream

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/retry"
)

// AckWait is how long a fetched message may be in flight without a progress signal
// before it is delivered to another processor.
const AckWait = 10 * time.Second

// MaxAckPending is the limit of the messages in flight at all processors together.
const MaxAckPending = 20_000

// buckets are the buckets of the registry.
var buckets = []string{BucketSchemas, BucketApplications, BucketTokens, BucketApplied}

// Limits in bytes: of each bucket of the registry and of the stream of changes on
// disk, of the jobs and of the last uses on disk, and of the heartbeats in memory.
const (
	bucketMaxBytes   = 1 << 30
	jobsMaxBytes     = 256 << 20
	usesMaxBytes     = 64 << 20
	servicesMaxBytes = 16 << 20
)

// Config is the configuration of the stream by an operator.
type Config struct {
	// MaxBytes is the limit of the stream on disk; default 10 GiB.
	MaxBytes int64
	// Replicas is 1 (default) on one server and 3 in a cluster.
	Replicas int
	// Retention is how long processed events stay in the stream; default 30
	// days. The processor purges. The stream itself has no MaxAge, which would
	// drop unprocessed events.
	Retention time.Duration
	// NoRegistry leaves the registry out: another process creates its buckets with
	// EnsureRegistry, because it alone has the right to.
	NoRegistry bool
}

// WithDefaults returns c with each zero field set to its default.
func (c Config) WithDefaults() Config {
	if c.MaxBytes == 0 {
		c.MaxBytes = 10 << 30
	}
	if c.Replicas == 0 {
		c.Replicas = 1
	}
	if c.Retention == 0 {
		c.Retention = 30 * 24 * time.Hour
	}
	return c
}

// StoreBytes returns the number of bytes that a server must be allowed to keep on
// disk: it reserves each limit when the stream or bucket is created.
func (c Config) StoreBytes() int64 {
	return c.WithDefaults().MaxBytes + int64(len(buckets)+1)*bucketMaxBytes + jobsMaxBytes + usesMaxBytes
}

// Ensure creates the streams, the buckets and the shared consumer, or updates them
// to the configuration c. It only adds, and changes limits; no message is removed by
// a lower limit. What the server refuses is ErrRefused, with the cure: a difference
// that would require a stream to be recreated, or a limit of the server.
func Ensure(ctx context.Context, js jetstream.JetStream, c Config) error {
	err := ensureAll(ctx, js, c)
	// While another process creates a stream, the server counts its space twice.
	for delay := minRefusedDelay; delay <= maxRefusedDelay && errors.Is(err, ErrRefused); delay *= 2 {
		if sleepErr := retry.Sleep(ctx, delay); sleepErr != nil {
			return err
		}
		err = ensureAll(ctx, js, c)
	}
	return err
}

// A refusal is final when it is repeated after growing delays.
const (
	minRefusedDelay = 150 * time.Millisecond
	maxRefusedDelay = 600 * time.Millisecond
)

func ensureAll(ctx context.Context, js jetstream.JetStream, c Config) error {
	c = c.WithDefaults()
	if err := ensureEvents(ctx, js, c); err != nil {
		return err
	}
	if !c.NoRegistry {
		if err := EnsureRegistry(ctx, js, c); err != nil {
			return err
		}
	}
	if err := EnsureServices(ctx, js, c); err != nil {
		return err
	}
	for _, bucket := range []jetstream.KeyValueConfig{jobsConfig(c.Replicas), usesConfig(c.Replicas)} {
		if _, err := js.CreateOrUpdateKeyValue(ctx, bucket); err != nil {
			return explainRefusal("bucket "+bucket.Bucket, c, err)
		}
	}
	return ensureConsumer(ctx, js, c)
}

// ensureEvents creates or updates the stream, and notes its epoch in it.
func ensureEvents(ctx context.Context, js jetstream.JetStream, c Config) error {
	cfg := eventsConfig(c)
	existing, err := js.Stream(ctx, Name)
	switch {
	case err == nil:
		setEpoch(&cfg, existing.CachedInfo())
	case !errors.Is(err, jetstream.ErrStreamNotFound):
		return fmt.Errorf("look up stream %s: %w", Name, err)
	}
	s, err := js.CreateOrUpdateStream(ctx, cfg)
	if err == nil && existing == nil {
		setEpoch(&cfg, s.CachedInfo())
		_, err = js.UpdateStream(ctx, cfg)
	}
	if err != nil {
		return explainRefusal("stream "+Name, c, err)
	}
	return nil
}

func setEpoch(cfg *jetstream.StreamConfig, info *jetstream.StreamInfo) {
	cfg.Metadata = map[string]string{metadataEpoch: strconv.FormatInt(EpochOf(info), 10)}
}

// EnsureRegistry creates the buckets of the registry and the stream of its changes,
// or updates them to the configuration c, as Ensure does.
func EnsureRegistry(ctx context.Context, js jetstream.JetStream, c Config) error {
	c = c.WithDefaults()
	for _, bucket := range buckets {
		if err := ensureBucket(ctx, js, bucket, c.Replicas); err != nil {
			return explainRefusal("bucket "+bucket, c, err)
		}
	}
	if _, err := js.CreateOrUpdateStream(ctx, changesConfig(c.Replicas)); err != nil {
		return explainRefusal("stream "+Changes, c, err)
	}
	return nil
}

// EnsureServices creates the bucket of heartbeats, or updates it to the
// configuration c. The bucket is in memory, so a server without replicas loses it at
// a restart. Only the processor calls it.
func EnsureServices(ctx context.Context, js jetstream.JetStream, c Config) error {
	c = c.WithDefaults()
	if _, err := js.CreateOrUpdateKeyValue(ctx, servicesConfig(c.Replicas)); err != nil {
		return explainRefusal("bucket "+BucketServices, c, err)
	}
	return nil
}

// ensureConsumer creates the shared consumer, or updates it, and lets it go on if a
// client paused it: an update does not.
func ensureConsumer(ctx context.Context, js jetstream.JetStream, c Config) error {
	consumer, err := js.CreateOrUpdateConsumer(ctx, Name, consumerConfig())
	if err != nil {
		return explainRefusal("consumer "+Consumer, c, err)
	}
	if !consumer.CachedInfo().Paused {
		return nil
	}
	if _, err := js.ResumeConsumer(ctx, Name, Consumer); err != nil {
		return fmt.Errorf("resume consumer %s: %w", Consumer, err)
	}
	return nil
}

func eventsConfig(c Config) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:               Name,
		Description:        "accepted events, as received",
		Subjects:           []string{Subjects},
		Storage:            jetstream.FileStorage,
		Retention:          jetstream.LimitsPolicy,
		Discard:            jetstream.DiscardNew,
		MaxBytes:           c.MaxBytes,
		Replicas:           c.Replicas,
		AllowDirect:        true,
		AllowAtomicPublish: true,
		DenyDelete:         true,
		// The store is idempotent and relies on no deduplication window. The
		// server replaces 0 by its default; its minimum is 100 ms.
		Duplicates: time.Second,
	}
}

// changesConfig copies from the buckets: every change has a record, whichever
// client made it, and the record exists before a version can be removed.
func changesConfig(replicas int) jetstream.StreamConfig {
	cfg := jetstream.StreamConfig{
		Name:        Changes,
		Description: "every change of the registry",
		Storage:     jetstream.FileStorage,
		Retention:   jetstream.LimitsPolicy,
		MaxBytes:    bucketMaxBytes,
		Replicas:    replicas,
		AllowDirect: true,
		DenyDelete:  true,
		DenyPurge:   true,
	}
	for _, bucket := range []string{BucketSchemas, BucketApplications, BucketTokens} {
		cfg.Sources = append(cfg.Sources, &jetstream.StreamSource{Name: BucketStream(bucket)})
	}
	return cfg
}

func servicesConfig(replicas int) jetstream.KeyValueConfig {
	return jetstream.KeyValueConfig{
		Bucket: BucketServices, Description: "running processes", Storage: jetstream.MemoryStorage,
		TTL: HeartbeatTTL, MaxBytes: servicesMaxBytes, Replicas: replicas,
	}
}

func jobsConfig(replicas int) jetstream.KeyValueConfig {
	return jetstream.KeyValueConfig{
		Bucket: BucketJobs, Description: "replays and audits", Storage: jetstream.FileStorage,
		MaxBytes: jobsMaxBytes, Replicas: replicas,
	}
}

func usesConfig(replicas int) jetstream.KeyValueConfig {
	return jetstream.KeyValueConfig{
		Bucket: BucketUses, Description: "last uses of write keys and tokens", Storage: jetstream.FileStorage,
		TTL: UsesTTL, MaxBytes: usesMaxBytes, Replicas: replicas,
	}
}

func consumerConfig() jetstream.ConsumerConfig {
	return jetstream.ConsumerConfig{
		Durable:       Consumer,
		Description:   "shared by all processors",
		AckPolicy:     jetstream.AckExplicitPolicy,
		DeliverPolicy: jetstream.DeliverAllPolicy,
		AckWait:       AckWait,
		// The processor handles poison messages. The server would stop
		// delivering them without reporting it.
		MaxDeliver:    -1,
		MaxAckPending: MaxAckPending,
		MaxWaiting:    512,
	}
}

// unlimitedVersions is more versions than a key will have. The library does not
// accept a stream without a limit as a bucket.
const unlimitedVersions = 1 << 40

// ensureBucket creates a bucket that keeps every version of a key. The library
// allows 64; raiseHistory raises the limit of the bucket's stream afterwards.
func ensureBucket(ctx context.Context, js jetstream.JetStream, bucket string, replicas int) error {
	_, err := js.KeyValue(ctx, bucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		_, err = js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
			Bucket: bucket, History: 64, Replicas: replicas,
			Storage: jetstream.FileStorage, MaxBytes: bucketMaxBytes,
		})
	}
	// Another processor may have created it since, and raised its limit.
	if err != nil && !errors.Is(err, jetstream.ErrBucketExists) {
		return fmt.Errorf("create bucket %s: %w", bucket, err)
	}
	if bucket == BucketApplied {
		return nil // the history of digests is not needed
	}
	return raiseHistory(ctx, js, bucket, replicas)
}

// raiseHistory makes a bucket keep every version of a key.
func raiseHistory(ctx context.Context, js jetstream.JetStream, bucket string, replicas int) error {
	s, err := js.Stream(ctx, BucketStream(bucket))
	if err != nil {
		return fmt.Errorf("look up bucket %s: %w", bucket, err)
	}
	cfg := s.CachedInfo().Config
	if cfg.MaxMsgsPerSubject == unlimitedVersions && cfg.Replicas == replicas {
		return nil
	}
	cfg.MaxMsgsPerSubject, cfg.Replicas = unlimitedVersions, replicas
	if _, err := js.UpdateStream(ctx, cfg); err != nil {
		return fmt.Errorf("keep every version in bucket %s: %w", bucket, err)
	}
	return nil
}

// Wait blocks until the processor has created the stream and the buckets, or ctx
// ends. It checks every 200 ms.
func Wait(ctx context.Context, js jetstream.JetStream) error {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		err := consumerExists(ctx, js)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the stream: %w", errors.Join(ctx.Err(), err))
		case <-tick.C:
		}
	}
}

// consumerExists returns nil if the consumer exists, which Ensure creates last.
func consumerExists(ctx context.Context, js jetstream.JetStream) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	_, err := js.Consumer(ctx, Name, Consumer)
	return err
}
