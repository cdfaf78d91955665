package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/theeye/theeye/shared/store"
)

// checkpointPages is how many pages of 4 KiB the write-ahead log has at least when they
// are copied into the database, and synced there.
const checkpointPages = 4000

// Config says which file to use. The zero value of every field but Path is its
// default.
type Config struct {
	// Path is the database file; it and its folder are created. Beside it
	// lie two more, with -wal and -shm at the end.
	Path string
	// Readers bounds the connections that read at once; 0 is 4.
	Readers int
	// QueryTimeout bounds every read whose context has no deadline; 0 is 30 s.
	QueryTimeout time.Duration
	// SweepEvery is the pause between two removals of expired documents; 0 is
	// a minute, negative never.
	SweepEvery time.Duration
	// Now is the clock by which documents expire; nil is time.Now.
	Now func() time.Time
	// Logger gets the failures of the sweeper; nil is slog.Default.
	Logger *slog.Logger

	// checkpointPages is the size of a checkpoint, in pages of 4 KiB; 0 is
	// checkpointPages. Benchmarks set it.
	checkpointPages int
}

// Store is a database file. It is safe for concurrent use by one process.
type Store struct {
	readers *sql.DB
	byIDs   preparedReads
	writers *sql.DB
	writer  *writer
	source  string // of every connection
	inPlace string // inPlaceStatement; a test replaces it
	now     func() time.Time
	timeout time.Duration
	logger  *slog.Logger

	stopSweeper context.CancelFunc
	sweeper     sync.WaitGroup
}

var _ store.Store = (*Store)(nil)

// Open opens or creates the file. Prepare makes its tables.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	cfg = withDefaults(cfg)
	if err := createFile(cfg.Path); err != nil {
		return nil, err
	}
	s := &Store{inPlace: inPlaceStatement, now: cfg.Now, timeout: cfg.QueryTimeout, logger: cfg.Logger}
	if err := s.connect(ctx, cfg); err != nil {
		return nil, errors.Join(err, s.disconnect())
	}
	life, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stopSweeper = stop
	if cfg.SweepEvery > 0 {
		s.sweeper.Go(func() { s.sweepEvery(life, cfg.SweepEvery) })
	}
	return s, nil
}

func withDefaults(cfg Config) Config {
	if cfg.Readers <= 0 {
		cfg.Readers = 4
	}
	if cfg.QueryTimeout <= 0 {
		cfg.QueryTimeout = 30 * time.Second
	}
	if cfg.SweepEvery == 0 {
		cfg.SweepEvery = time.Minute
	}
	if cfg.checkpointPages == 0 {
		cfg.checkpointPages = checkpointPages
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	return cfg
}

// createFile makes a file that only its owner can read; SQLite gives the two
// beside it the same rights.
func createFile(path string) error {
	if path == "" {
		return fmt.Errorf("%w: no path of the database file", store.ErrConfiguration)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("%w: create the folder of the database: %w", store.ErrConfiguration, err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the operator's own path
	if err != nil {
		return fmt.Errorf("%w: create the database file: %w", store.ErrConfiguration, err)
	}
	return f.Close()
}

// connect opens the writing connection first: it switches the file to WAL.
func (s *Store) connect(ctx context.Context, cfg Config) error {
	name, err := dataSource(cfg.Path, cfg.checkpointPages)
	if err != nil {
		return err
	}
	s.source = name
	s.writers, err = sql.Open("sqlite", name+"&_pragma=cache_size(-16000)")
	if err != nil {
		return fmt.Errorf("open database for writing: %w", classify(err))
	}
	s.writers.SetMaxOpenConns(1)
	s.writer, err = newWriter(ctx, s.writers)
	if err != nil {
		return err
	}
	s.readers, err = sql.Open("sqlite", name+"&_pragma=cache_size(-8000)&_pragma=query_only(1)")
	if err != nil {
		return fmt.Errorf("open database for reading: %w", classify(err))
	}
	s.readers.SetMaxOpenConns(cfg.Readers)
	s.readers.SetMaxIdleConns(cfg.Readers)
	return nil
}

// dataSource returns the driver's name of a file with the settings that every
// connection needs.
func dataSource(path string, checkpointPages int) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("%w: path of the database: %w", store.ErrConfiguration, err)
	}
	abs = filepath.ToSlash(abs)
	if !strings.HasPrefix(abs, "/") { // a drive letter
		abs = "/" + abs
	}
	u := url.URL{Scheme: "file", Path: abs}
	pragmas := []string{
		// Before the first lock, so that WAL itself can wait for one.
		"busy_timeout(5000)",
		"journal_mode(WAL)",
		"synchronous(FULL)",
		fmt.Sprintf("wal_autocheckpoint(%d)", checkpointPages),
		"journal_size_limit(67108864)",
		"temp_store(MEMORY)",
	}
	return u.String() + "?_pragma=" + strings.Join(pragmas, "&_pragma="), nil
}

// Close stops the sweeper and closes every connection. It waits for the current
// bulk, but not longer than ctx.
func (s *Store) Close(ctx context.Context) error {
	s.stopSweeper()
	s.sweeper.Wait()
	if err := s.writer.close(ctx); err != nil {
		return errors.Join(err, s.disconnect())
	}
	return s.disconnect()
}

func (s *Store) disconnect() error {
	var errs []error
	for _, db := range []*sql.DB{s.readers, s.writers} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close database: %w", err)
	}
	return nil
}
