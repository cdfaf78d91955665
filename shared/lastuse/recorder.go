package lastuse

import (
	"cmp"
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/kv"
	"github.com/theeye/theeye/shared/stream"
)

const (
	// defaultInterval is the time between two writes.
	defaultInterval = time.Minute
	// writeTimeout bounds the writes of one interval, lastTimeout those at the end.
	writeTimeout = 30 * time.Second
	lastTimeout  = 2 * time.Second
)

// Config configures a Recorder. Interval is for tests; 0 is a minute.
type Config struct {
	JetStream jetstream.JetStream
	Interval  time.Duration
	// Logger gets a warning when marks cannot be written, once until they can be.
	Logger *slog.Logger
}

// Recorder notes the uses of credentials and writes their marks. Its methods are safe for
// concurrent use; Run is called once.
type Recorder struct {
	bucket   *kv.Bucket
	interval time.Duration
	log      *slog.Logger
	failing  bool // only the goroutine of Run uses it

	mu   sync.Mutex
	uses map[Credential]use
	// newest is the hour of the use that was noted last.
	newest time.Time
}

// use is the last use of a credential in this process.
type use struct {
	hour    time.Time
	written bool
}

// NewRecorder returns a Recorder.
func NewRecorder(c Config) *Recorder {
	return &Recorder{
		bucket: kv.New(c.JetStream, stream.BucketUses), interval: cmp.Or(c.Interval, defaultInterval), log: c.Logger,
		uses: map[Credential]use{},
	}
}

// NoteUse notes that a request was admitted with a credential. It does not wait for NATS.
func (r *Recorder) NoteUse(c Credential, at time.Time) {
	hour := hourOf(at)
	r.mu.Lock()
	defer r.mu.Unlock()
	// The hour before is that of a request which was slower. Any other hour is noted, also
	// an earlier one: the clock was set back.
	if u, ok := r.uses[c]; ok && (hour.Equal(u.hour) || hour.Equal(u.hour.Add(-time.Hour))) {
		return
	}
	r.uses[c] = use{hour: hour}
	r.newest = hour
}

// Run writes the marks of noted uses each interval, and once more when ctx has ended. Its
// result is always nil. The service must stop before.
func (r *Recorder) Run(ctx context.Context) error {
	tick := time.NewTicker(r.interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			r.writeMarks(context.WithoutCancel(ctx), lastTimeout)
			return nil
		case <-tick.C:
			r.writeMarks(ctx, writeTimeout)
		}
	}
}

// writeMarks writes the marks of the uses that were noted since. Those that cannot be
// written wait for the next interval.
func (r *Recorder) writeMarks(ctx context.Context, limit time.Duration) {
	if !r.bucket.JetStream().Conn().IsConnected() {
		return // the connection itself logs that
	}
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for c, hour := range r.takeUnwritten() {
		if err := writeMark(bounded, r.bucket, c, hour); err != nil {
			if !r.failing && ctx.Err() == nil {
				r.failing = true
				r.log.LogAttrs(ctx, slog.LevelWarn, "the last uses of write keys and tokens cannot be written; trying again", slog.Any("error", err))
			}
			return
		}
		r.noteWritten(c, hour)
	}
	r.failing = false
}

// takeUnwritten returns the uses that have no mark yet. It forgets those that have one and
// are not of the newest hour.
func (r *Recorder) takeUnwritten() map[Credential]time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	unwritten := map[Credential]time.Time{}
	for c, u := range r.uses {
		switch {
		case !u.written:
			unwritten[c] = u.hour
		case !u.hour.Equal(r.newest):
			delete(r.uses, c)
		}
	}
	return unwritten
}

// noteWritten notes that a use has its mark. A later one may have been noted since.
func (r *Recorder) noteWritten(c Credential, hour time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.uses[c].hour.Equal(hour) {
		r.uses[c] = use{hour, true}
	}
}
