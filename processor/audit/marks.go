package audit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/processor/jobs"
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

// marksRecord is the value of the key.
type marksRecord struct {
	Epoch int64 `json:"epoch"`
	// KeptFrom is the first sequence that no processor has purged.
	KeptFrom uint64 `json:"kept_from"`
	// LastSeq was the end of the stream, and LastTime when the stream took
	// that message; zero where nobody knows.
	LastSeq  uint64    `json:"last_seq"`
	LastTime time.Time `json:"last_time,omitzero"`
	Losses   []Loss    `json:"losses,omitempty"`
	// fresh says that the key has no marks of this stream yet.
	fresh bool
}

// MarkPurged notes that everything below seq may be purged from now on. It must have
// returned nil before the purge: what is gone and was not noted counts as lost.
func (m *Marks) MarkPurged(ctx context.Context, seq uint64) error {
	_, err := m.updateRecord(ctx, func(r *marksRecord) (bool, error) {
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
	_, err := m.updateRecord(ctx, func(r *marksRecord) (bool, error) {
		lost, err := m.detectTailLoss(ctx, r)
		if err != nil || lost || seq <= r.LastSeq {
			return lost, err
		}
		return true, m.setEnd(ctx, r, seq)
	})
	return err
}

// Check looks whether the stream still has what it had when processors saw it
// last. What it lost at its end is noted for good and logged.
func (m *Marks) Check(ctx context.Context) error {
	_, err := m.updateRecord(ctx, func(r *marksRecord) (bool, error) { return m.detectTailLoss(ctx, r) })
	return err
}

// readRecord returns the marks as any replica has them.
func (m *Marks) readRecord(ctx context.Context) (marksRecord, error) {
	return m.updateRecord(ctx, func(*marksRecord) (bool, error) { return false, nil })
}

// confirmRecord returns the marks, and proves that nobody had changed them before it
// returns: replicas may answer what was.
func (m *Marks) confirmRecord(ctx context.Context) (marksRecord, error) {
	return m.updateRecord(ctx, func(*marksRecord) (bool, error) { return true, nil })
}

// updateRecord changes the marks in one step. alter reports whether there is
// something to write; it is called again when somebody else was first.
func (m *Marks) updateRecord(ctx context.Context, alter func(*marksRecord) (bool, error)) (marksRecord, error) {
	kv, err := m.js.KeyValue(ctx, stream.BucketJobs)
	if err != nil {
		return marksRecord{}, fmt.Errorf("open bucket %s: %w", stream.BucketJobs, err)
	}
	for range maxRaces {
		r, revision, err := m.loadRecord(ctx, kv)
		if err != nil {
			return marksRecord{}, err
		}
		write, err := alter(&r)
		if err != nil {
			return marksRecord{}, err
		}
		if !write && !r.fresh {
			return r, nil
		}
		if _, err = put(ctx, kv, keyMarks, r, revision); !errors.Is(err, errRaced) {
			return r, err
		}
	}
	return marksRecord{}, fmt.Errorf("change the marks of the stream: %w %d times", errRaced, maxRaces)
}

// loadRecord returns the marks and the revision of the key. Where there are none of
// this stream yet, they begin with what the stream has now.
func (m *Marks) loadRecord(ctx context.Context, kv jetstream.KeyValue) (r marksRecord, revision uint64, err error) {
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
	state, err := streamState(ctx, m.js, epoch)
	if err != nil {
		return r, 0, err
	}
	r = marksRecord{Epoch: epoch, KeptFrom: max(state.FirstSeq, 1), fresh: true}
	return r, revision, m.setEnd(ctx, &r, state.LastSeq)
}

// setEnd notes an end of the stream.
func (m *Marks) setEnd(ctx context.Context, r *marksRecord, last uint64) (err error) {
	r.LastSeq = last
	r.LastTime, err = m.messageTime(ctx, last)
	return err
}

// messageTime is when the stream took a message, zero if it has none there.
func (m *Marks) messageTime(ctx context.Context, seq uint64) (time.Time, error) {
	if seq == 0 {
		return time.Time{}, nil
	}
	msg, _, err := readFromLeader(ctx, m.js, seq)
	return msg.Time, err
}

const (
	// tailChecks is how often, and lookEvery apart, the end of the stream must
	// look lost until that is believed: in a cluster a new leader may not have
	// all of it for a moment.
	tailChecks   = 5
	recheckDelay = 200 * time.Millisecond
)

// detectTailLoss looks whether the stream still has the end that is noted. If not, it
// notes the loss, and the end that there is now, and reports true.
func (m *Marks) detectTailLoss(ctx context.Context, r *marksRecord) (bool, error) {
	var first uint64
	for range tailChecks {
		var err error
		if first, err = m.firstLostSeq(ctx, *r); err != nil || first == 0 {
			return false, err
		}
		if err := jobs.Pause(ctx, recheckDelay); err != nil {
			return false, err
		}
	}
	l := Loss{From: first, To: r.LastSeq, At: time.Now().UTC().Truncate(time.Millisecond)}
	m.log.LogAttrs(ctx, slog.LevelError, "the stream has lost accepted events at its end",
		slog.Uint64("from_seq", l.From), slog.Uint64("to_seq", l.To))
	r.Losses = append(r.Losses, l)
	r.Losses = slices.Delete(r.Losses, 0, max(0, len(r.Losses)-maxLosses))
	state, err := streamState(ctx, m.js, r.Epoch)
	if err != nil {
		return false, err
	}
	// Sequences that were purged once may be given again.
	r.KeptFrom = min(r.KeptFrom, state.LastSeq+1)
	return true, m.setEnd(ctx, r, state.LastSeq)
}

// firstLostSeq is the first sequence of a lost end, 0 while nothing is lost. The
// marks were read before the stream is asked, so the stream has at least what
// they say.
func (m *Marks) firstLostSeq(ctx context.Context, r marksRecord) (uint64, error) {
	state, err := streamState(ctx, m.js, r.Epoch)
	if err != nil {
		return 0, err
	}
	first := state.LastSeq + 1
	if first > r.LastSeq {
		// As far as it reached. But what follows a lost end takes its sequences.
		at, err := m.messageTime(ctx, r.LastSeq)
		if err != nil || at.IsZero() || r.LastTime.IsZero() || at.Equal(r.LastTime) {
			return 0, err
		}
		first = r.LastSeq
	}
	if !r.LastTime.IsZero() {
		newer, err := stream.At(ctx, m.js, r.LastTime.Add(1))
		if err != nil {
			return 0, err
		}
		first = min(first, newer)
	}
	if first = max(first, r.KeptFrom); first > r.LastSeq {
		return 0, nil // all of it had been purged
	}
	return first, nil
}
