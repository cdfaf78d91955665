package mongo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"github.com/theeye/theeye/shared/store"
)

// Names of the collections.
const (
	collectionEvents = "events"
	collectionMeta   = "meta"
	collectionTypes  = "types"
	collectionMarks  = "marks"
)

// DefaultDatabase is used where Config names none.
const DefaultDatabase = "theeye"

// Config says which database to use. The zero value of every field but URI is
// its default.
type Config struct {
	// URI is a MongoDB connection string. It may contain a password and appears
	// in no error.
	URI string
	// Database is the name of the database, DefaultDatabase when empty.
	Database string
	// Timeout bounds every operation whose context has no deadline; 0 is 30 s.
	Timeout time.Duration
	// MaxConnections bounds the connections to each server; 0 is 16.
	MaxConnections uint64
	// Now is the clock by which documents expire; nil is time.Now.
	Now func() time.Time
	// TimeWindows makes Find read a long range of time in windows that double.
	// It is for servers that read everything a filter matches before they sort
	// it, as FerretDB over DocumentDB does. MongoDB reads its indexes in order,
	// so there one query a page is cheaper. The results are the same.
	TimeWindows bool
}

// Store is a database. It is safe for concurrent use.
type Store struct {
	client *mongo.Client
	// events is read and written by the write rule, always on the primary.
	events *mongo.Collection
	// pages is the same collection with the URI's read preference.
	pages *mongo.Collection
	meta  *mongo.Collection
	// types are the types and applications of stored events, known those that this
	// process has seen there.
	types *mongo.Collection
	known knownTypes
	// marks are the generations of slots and days.
	marks *mongo.Collection
	now   func() time.Time
	// timeWindows is Config.TimeWindows.
	timeWindows bool
}

var _ store.Store = (*Store)(nil)

// Open returns a Store. It does not wait for a server: Ready reports that.
// The error is of class store.ErrConfiguration where the URI is not valid.
func Open(_ context.Context, cfg Config) (*Store, error) {
	if cfg.Database == "" {
		cfg.Database = DefaultDatabase
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	opts, err := clientOptions(cfg)
	if err != nil {
		return nil, err
	}
	client, err := mongo.Connect(opts)
	if err != nil {
		return nil, invalidURI(err)
	}
	db := client.Database(cfg.Database)
	primary := options.Collection().SetReadPreference(readpref.Primary())
	s := &Store{
		client: client,
		events: db.Collection(collectionEvents, primary),
		pages:  db.Collection(collectionEvents),
		meta:   db.Collection(collectionMeta, primary),
		types:  db.Collection(collectionTypes, primary),
		marks:  db.Collection(collectionMarks, primary),
		now:    cfg.Now,

		timeWindows: cfg.TimeWindows,
	}
	return s, nil
}

// clientOptions overrides the options of the URI that would break the promises of
// the store.
func clientOptions(cfg Config) (*options.ClientOptions, error) {
	if cfg.Timeout == 0 {
		cfg.Timeout = 30 * time.Second
	}
	if cfg.MaxConnections == 0 {
		cfg.MaxConnections = 16
	}
	journal := true
	safe := writeconcern.Majority()
	safe.Journal = &journal
	opts := options.Client().ApplyURI(cfg.URI)
	if err := opts.Validate(); err != nil {
		return nil, invalidURI(err)
	}
	if opts.AppName == nil {
		opts.SetAppName("theeye")
	}
	return opts.
		SetWriteConcern(safe).
		SetTimeout(cfg.Timeout).
		SetServerSelectionTimeout(min(cfg.Timeout, 5*time.Second)).
		SetMaxPoolSize(cfg.MaxConnections), nil
}

// invalidURI hides the driver's text, which may quote the password.
func invalidURI(err error) error {
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return fmt.Errorf("%w: the MongoDB URI's host cannot be looked up", store.ErrUnavailable)
	}
	return fmt.Errorf("%w: the MongoDB URI is not valid (not shown, it may contain a password)",
		store.ErrConfiguration)
}

// Close closes every connection.
func (s *Store) Close(ctx context.Context) error {
	if err := s.client.Disconnect(ctx); err != nil {
		return fmt.Errorf("close MongoDB client: %w", err)
	}
	return nil
}
