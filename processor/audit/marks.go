package audit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/stream"
)

const (
	// keyMarks is the key of the marks in the bucket of jobs.
	keyMarks = "stream"
	// maxRaces bounds how often a change is tried that others come before.
	maxRaces = 20
	// maxLosses bounds the losses that are remembered; the oldest go first.
	maxLosses = 100
)

// Marks remember of the stream what it cannot tell itself: from where on
// processors keep it, how far it reached, and what it lost at its end. All
// processes share them: they are one key of the bucket JOBS, changed in single
// steps. The methods are safe for concurrent use.
type Marks struct {
	js    jetstream.JetStream
	epoch func() int64
	log   *slog.Logger
}

// NewMarks returns the marks of the stream that epoch tells, as stream.Epoch
// has it.
func NewMarks(js jetstream.JetStream, epoch func() int64, log *slog.Logger) *Marks {
	if log == nil {
		log = slog.Default()
	}
	return &Marks{js: js, epoch: epoch, log: log}
}

// Loss is what the stream lost at its end. Both sequences are inclusive.
type Loss struct {
	From uint64    `json:"from"`
	To   uint64    `json:"to"`
	At   time.Time `json:"at"`
}

// record is the value of the key.
type record struct {
	Epoch int64 `json:"epoch"`
	// KeptFrom is the first sequence that no processor has purged.
	KeptFrom uint64 `json:"kept_from"`
	// LastSeq was the end of the stream, and LastTime when the stream took
	// that message; zero where nobody knows.
	LastSeq  uint64    `json:"last_seq"`
	LastTime time.Time `json:"last_time,omitzero"`
	Losses   []Loss    `json:"losses,omitempty"`
	// begins says that the key has no marks of this stream yet.
	begins bool
}

// MarkPurged notes that everything below seq may be purged from now on. It must have
// returned nil before the purge: what is gone and was not noted counts as lost.
func (m *Marks) MarkPurged(ctx context.Context, seq uint64) error {
	_, err := m.change(ctx, func(r *record) (bool, error) {
		if seq <= r.KeptFrom {
			return false, nil
		}
		r.KeptFrom = seq
		return true, nil
	})
	return err
}

// Advance notes that the stream reached seq. It looks, too, whether the stream
// still has what it had before.
func (m *Marks) Advance(ctx context.Context, seq uint64) error {
	_, err := m.change(ctx, func(r *record) (bool, error) {
		lost, err := m.compare(ctx, r)
		if err != nil || lost || seq <= r.LastSeq {
			return lost, err
		}
		return true, m.reach(ctx, r, seq)
	})
	return err
}

// Check looks whether the stream still has what it had when processors saw it
// last. What it lost at its end is noted for good and logged.
func (m *Marks) Check(ctx context.Context) error {
	_, err := m.change(ctx, func(r *record) (bool, error) { return m.compare(ctx, r) })
	return err
}

// now returns the marks as any replica has them.
func (m *Marks) now(ctx context.Context) (record, error) {
	return m.change(ctx, func(*record) (bool, error) { return false, nil })
}

// current returns the marks, and proves that nobody had changed them before it
// returns: replicas may answer what was.
func (m *Marks) current(ctx context.Context) (record, error) {
	return m.change(ctx, func(*record) (bool, error) { return true, nil })
}

// change changes the marks in one step. alter reports whether there is
// something to write; it is called again when somebody else was first.
func (m *Marks) change(ctx context.Context, alter func(*record) (bool, error)) (record, error) {
	kv, err := m.js.KeyValue(ctx, stream.BucketJobs)
	if err != nil {
		return record{}, fmt.Errorf("open bucket %s: %w", stream.BucketJobs, err)
	}
	for range maxRaces {
		r, revision, err := m.read(ctx, kv)
		if err != nil {
			return record{}, err
		}
		write, err := alter(&r)
		if err != nil {
			return record{}, err
		}
		if !write && !r.begins {
			return r, nil
		}
		if _, err = put(ctx, kv, keyMarks, r, revision); !errors.Is(err, errRaced) {
			return r, err
		}
	}
	return record{}, fmt.Errorf("change the marks of the stream: %w %d times", errRaced, maxRaces)
}

// read returns the marks and the revision of the key. Where there are none of
// this stream yet, they begin with what the stream has now.
func (m *Marks) read(ctx context.Context, kv jetstream.KeyValue) (r record, revision uint64, err error) {
	if revision, err = get(ctx, kv, keyMarks, &r); err != nil {
		return r, 0, err
	}
	epoch := m.epoch()
	if r.Epoch == epoch {
		return r, revision, nil
	}
	if r.Epoch != 0 {
		m.log.LogAttrs(ctx, slog.LevelError, "the stream was made anew, its marks begin again",
			slog.Uint64("kept_from", r.KeptFrom), slog.Uint64("last_seq", r.LastSeq))
	}
	state, err := stateOf(ctx, m.js, epoch)
	if err != nil {
		return r, 0, err
	}
	r = record{Epoch: epoch, KeptFrom: max(state.FirstSeq, 1), begins: true}
	return r, revision, m.reach(ctx, &r, state.LastSeq)
}

// reach notes an end of the stream.
func (m *Marks) reach(ctx context.Context, r *record, last uint64) (err error) {
	r.LastSeq = last
	r.LastTime, err = m.timeOf(ctx, last)
	return err
}

// timeOf is when the stream took a message, zero if it has none there.
func (m *Marks) timeOf(ctx context.Context, seq uint64) (time.Time, error) {
	if seq == 0 {
		return time.Time{}, nil
	}
	msg, _, err := askLeader(ctx, m.js, seq)
	return msg.Time, err
}
