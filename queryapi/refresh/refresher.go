package refresh

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/theeye/theeye/shared/columns"
	"github.com/theeye/theeye/shared/store"
)

// Pace of the passes.
const (
	// passEvery is the time from the begin of a pass to that of the next, unless it
	// cost more than a tenth of that.
	passEvery = time.Second
	// costFactor bounds the share of a core: work that took t is followed by a pause
	// of nine t.
	costFactor = 10
	// freshFor is how old an answer's as_of may be.
	freshFor = 2 * time.Second
	// retryAfter is the pause after a day that cannot be built.
	retryAfter = 30 * time.Second
	// maxWritePause bounds the pause after files that cannot be written; the first is
	// retryAfter.
	maxWritePause = 10 * time.Minute
)

// mostBuilders bounds the days that are built at once.
const mostBuilders = 2

// DefaultCacheBytes bounds the columns of queries.
const DefaultCacheBytes = 256 << 20

// limits bound memory and work. They decide about cost alone, so tests lower them.
type limits struct {
	// patchSlots is how many changed slots of a day a pass scans; the builder scans
	// more.
	patchSlots int
	// sealRows is from how many rows on a part goes to a file at once.
	sealRows int
	// tailBytes bounds the parts in memory: parts over it go to files at once.
	tailBytes int64
	// openBytes bounds the descriptions of open files.
	openBytes int64
	// builderBytes bounds the part that a builder makes, mostRows its rows.
	builderBytes, mostRows int
}

func defaultLimits() limits {
	return limits{
		patchSlots: 64, sealRows: 64 << 10, tailBytes: 48 << 20, openBytes: 64 << 20, builderBytes: 64 << 20, mostRows: 1 << 19,
	}
}

// Store is what a Refresher needs of a store.
type Store interface {
	store.Marks
	// Ready returns nil once the store is prepared.
	Ready(ctx context.Context) error
}

// Config configures a Refresher.
type Config struct {
	// Store is what the columns are derived from. Required.
	Store Store
	// Dir is the folder of the files, which only this process uses. Required.
	Dir string
	// CacheBytes bounds the columns that queries have loaded; 0 is DefaultCacheBytes.
	CacheBytes int
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Logger is required.
	Logger *slog.Logger
}

// Refresher keeps columns equal to a store. It is safe for concurrent use; Run is
// called once.
type Refresher struct {
	cfg      Config
	limits   limits
	now      func() time.Time
	log      *slog.Logger
	logLimit *rate.Sometimes
	cache    *columns.Cache

	// folderHook is the hook of every folder, in tests.
	folderHook func(step string) error

	// scans are the slots of scanForQuestion.
	scans chan struct{}

	// kick asks for a pass, kickBuilders for work of each builder.
	kick         chan struct{}
	kickBuilders []chan struct{}

	mu sync.Mutex
	// changed is closed, and replaced, with every change that a waiting question may
	// wait for.
	changed chan struct{}
	// storeID is the identity of the store as of the last pass.
	storeID string
	// folder has the files of that store; nil before the first pass.
	folder *folder
	// asOf is the moment before the last pass read the marks; zero before the first.
	asOf time.Time
	days map[columns.Key]*day
	// wanted counts the questions that wait for a day.
	wanted map[columns.Key]int
	// passFailed is why the last pass failed, nil if it did not.
	passFailed error
	// lockFailed is why the folder cannot be used.
	lockFailed error
	// writeAt is when a file is written again after a failure, and writePause the pause
	// since it; zero while files can be written.
	writeAt    time.Time
	writePause time.Duration
	// trash are files that no question begun from now on needs.
	trash []trashed
	// checkedAt is when the files were looked at last.
	checkedAt time.Time
	// nonce is in every version: those of another process differ.
	nonce string
	stats counters
}

// counters are for metrics.
type counters struct {
	passesOK, passesFailed, partsBuilt, partsLost, daysDifferent, writesFailed int64
	lastPass                                                                   time.Duration
}

// trashed is a file to remove, after the questions that use it.
type trashed struct {
	folder *folder
	file   columns.Entry
	at     time.Time
}

// New returns a Refresher. Run opens the folder.
func New(c Config) (*Refresher, error) {
	if c.Store == nil || c.Dir == "" || c.Logger == nil {
		return nil, errors.New("refresh: Store, Dir and Logger are needed")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.CacheBytes <= 0 {
		c.CacheBytes = DefaultCacheBytes
	}
	return &Refresher{
		cfg: c, limits: defaultLimits(), now: c.Now, log: c.Logger, logLimit: &rate.Sometimes{First: 1, Interval: time.Minute},
		cache: columns.NewCache(c.CacheBytes), scans: make(chan struct{}, maxScans),
		kick: make(chan struct{}, 1), kickBuilders: makeKicks(min(mostBuilders, runtime.GOMAXPROCS(0))),
		changed: make(chan struct{}), days: make(map[columns.Key]*day), wanted: make(map[columns.Key]int),
		nonce: newNonce(),
	}, nil
}

func makeKicks(n int) []chan struct{} {
	kicks := make([]chan struct{}, n)
	for i := range kicks {
		kicks[i] = make(chan struct{}, 1)
	}
	return kicks
}

// wakeBuilders asks every builder to look for work.
func (r *Refresher) wakeBuilders() {
	for _, kick := range r.kickBuilders {
		wake(kick)
	}
}

// wakeQuestions wakes the waiting questions. The caller holds mu.
func (r *Refresher) wakeQuestions() {
	close(r.changed)
	r.changed = make(chan struct{})
}

// wake sends without waiting: one wake-up is enough.
func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
