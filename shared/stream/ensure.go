package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// AckWait is how long a fetched message may be in work without a sign of
// progress before another processor gets it.
const AckWait = 10 * time.Second

// MaxAckPending bounds the messages in work at all processors together.
const MaxAckPending = 20_000

// buckets are all of the registry's.
var buckets = []string{BucketSchemas, BucketApplications, BucketTokens, BucketApplied}

// Bounds, in bytes: of each of the registry's buckets and of the changes on
// disk, of the jobs on disk, and of the heartbeats in memory.
const (
	bucketMaxBytes   = 1 << 30
	jobsMaxBytes     = 256 << 20
	servicesMaxBytes = 16 << 20
)

// Config is what an operator decides about the stream.
type Config struct {
	// MaxBytes bounds the stream on disk, in bytes; default 10 GiB.
	MaxBytes int64
	// Replicas is 1 (default) on one server and 3 in a cluster.
	Replicas int
	// Retention is how long processed events stay in the stream; default 30
	// days. The processor purges; the stream itself has no MaxAge, which
	// would drop what is not processed yet.
	Retention time.Duration
}

// WithDefaults returns c with every zero field set to its default.
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

// StoreBytes is what a server must be allowed to keep on disk, in bytes: the
// server reserves each bound when stream or bucket is created.
func (c Config) StoreBytes() int64 {
	return c.WithDefaults().MaxBytes + int64(len(buckets)+1)*bucketMaxBytes + jobsMaxBytes
}

// Ensure creates the streams, the buckets and the shared consumer, or brings them to the configuration c. It only adds and changes limits; a
// difference that would need a stream to be made anew is an error.
func Ensure(ctx context.Context, js jetstream.JetStream, c Config) error {
	c = c.WithDefaults()
	if _, err := js.CreateOrUpdateStream(ctx, eventsConfig(c)); err != nil {
		return fmt.Errorf("create or update stream %s: %w", Name, err)
	}
	for _, bucket := range buckets {
		if err := ensureBucket(ctx, js, bucket, c.Replicas); err != nil {
			return err
		}
	}
	if _, err := js.CreateOrUpdateStream(ctx, changesConfig(c.Replicas)); err != nil {
		return fmt.Errorf("create or update stream %s: %w", Changes, err)
	}
	if err := EnsureServices(ctx, js, c); err != nil {
		return err
	}
	if _, err := js.CreateOrUpdateKeyValue(ctx, jobsConfig(c.Replicas)); err != nil {
		return fmt.Errorf("create or update bucket %s: %w", BucketJobs, err)
	}
	if _, err := js.CreateOrUpdateConsumer(ctx, Name, consumerConfig()); err != nil {
		return fmt.Errorf("create or update consumer %s: %w", Consumer, err)
	}
	return nil
}

// EnsureServices creates the bucket of heartbeats, or brings it to the
// configuration c. It lives in memory, so a server alone loses it when it
// restarts. The processor alone calls it.
func EnsureServices(ctx context.Context, js jetstream.JetStream, c Config) error {
	if _, err := js.CreateOrUpdateKeyValue(ctx, servicesConfig(c.WithDefaults().Replicas)); err != nil {
		return fmt.Errorf("create or update bucket %s: %w", BucketServices, err)
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
		// No dedup window is relied on: the store is idempotent. The server
		// wants one of at least 100 ms where none is zero.
		Duplicates: time.Second,
	}
}

// changesConfig copies from the buckets: no change is without its record,
// whoever made it, and a record is there before anybody can remove a version.
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

func consumerConfig() jetstream.ConsumerConfig {
	return jetstream.ConsumerConfig{
		Durable:       Consumer,
		Description:   "shared by all processors",
		AckPolicy:     jetstream.AckExplicitPolicy,
		DeliverPolicy: jetstream.DeliverAllPolicy,
		AckWait:       AckWait,
		// A poison message is the application's to handle: the server would
		// park it without a word.
		MaxDeliver:    -1,
		MaxAckPending: MaxAckPending,
		MaxWaiting:    512,
	}
}

// everyVersion is more versions of a key than anybody will make. No limit at
// all would not pass: the library takes a stream without one for no bucket.
const everyVersion = 1 << 40

// ensureBucket creates a bucket that keeps every version of a key. The library
// allows 64; the limit of its stream is raised afterwards.
func ensureBucket(ctx context.Context, js jetstream.JetStream, bucket string, replicas int) error {
	_, err := js.KeyValue(ctx, bucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		_, err = js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
			Bucket: bucket, History: 64, Replicas: replicas,
			Storage: jetstream.FileStorage, MaxBytes: bucketMaxBytes,
		})
	}
	// Another processor may have made it in the meantime, and raised its limit.
	if err != nil && !errors.Is(err, jetstream.ErrBucketExists) {
		return fmt.Errorf("create bucket %s: %w", bucket, err)
	}
	if bucket == BucketApplied {
		return nil // digests have no history worth keeping
	}
	return raiseHistory(ctx, js, bucket, replicas)
}

func raiseHistory(ctx context.Context, js jetstream.JetStream, bucket string, replicas int) error {
	s, err := js.Stream(ctx, BucketStream(bucket))
	if err != nil {
		return fmt.Errorf("look up bucket %s: %w", bucket, err)
	}
	cfg := s.CachedInfo().Config
	if cfg.MaxMsgsPerSubject == everyVersion && cfg.Replicas == replicas {
		return nil
	}
	cfg.MaxMsgsPerSubject, cfg.Replicas = everyVersion, replicas
	if _, err := js.UpdateStream(ctx, cfg); err != nil {
		return fmt.Errorf("keep every version in bucket %s: %w", bucket, err)
	}
	return nil
}

// Wait blocks until the processor has made the stream and the buckets, or ctx
// ends. It asks every 200 ms.
func Wait(ctx context.Context, js jetstream.JetStream) error {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		err := exists(ctx, js)
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

// exists asks for the last thing that Ensure makes.
func exists(ctx context.Context, js jetstream.JetStream) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	_, err := js.Consumer(ctx, Name, Consumer)
	return err
}
