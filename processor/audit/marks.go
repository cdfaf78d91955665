package audit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/kv"
	"github.com/theeye/theeye/shared/retry"
	"github.com/theeye/theeye/shared/stream"
)

const (
	// maxLosses bounds the losses that are remembered; the oldest are dropped.
	maxLosses = 100
	// tailChecks is how often, recheckDelay apart, the tail of the stream must
	// look lost before it counts as lost: in a cluster a new leader may not have
	// all of it for a moment.
	tailChecks   = 5
	recheckDelay = 200 * time.Millisecond
)

// Marks are watermarks of the stream, which the stream itself cannot provide: the
// first sequence that processors have not purged, the end that it has reached, and
// the tails that it has lost. All processes share them: they are one key of the
// bucket JOBS, changed by compare-and-set. The methods are safe for concurrent
// use.
type Marks struct {
	js     jetstream.JetStream
	bucket *kv.Bucket
	epoch  func() int64
	log    *slog.Logger
}

// NewMarks returns the marks of the stream whose creation time epoch returns, as
// stream.Epoch does.
func NewMarks(js jetstream.JetStream, epoch func() int64, log *slog.Logger) *Marks {
	if log == nil {
		log = slog.Default()
	}
	return &Marks{js: js, bucket: kv.New(js, stream.BucketJobs), epoch: epoch, log: log}
}

// Loss is a part of the stream that was lost at its end. Both sequences are
// inclusive.
type Loss struct {
	From uint64    `json:"from"`
	To   uint64    `json:"to"`
	At   time.Time `json:"at"`
}

// marksRecord is the value of the key.
type marksRecord struct {
	Epoch int64 `json:"epoch"`
	// KeptFrom is the purge mark: the first sequence that no processor has purged.
	KeptFrom uint64 `json:"kept_from"`
	// LastSeq was the end of the stream, and LastTime the time at which the stream
	// received that message; zero if it is unknown.
	LastSeq  uint64    `json:"last_seq"`
	LastTime time.Time `json:"last_time,omitzero"`
	Losses   []Loss    `json:"losses,omitempty"`
	// fresh says that the key has no marks of this stream yet.
	fresh bool
}

// MarkPurged notes that everything below seq may be purged from now on. It must
// have returned nil before the purge: a message that is gone without a mark counts
// as lost.
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

// Advance notes that the stream has reached seq. Like CheckTail, it first checks
// whether the stream has lost its tail.
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

// CheckTail checks whether the stream still has the end that processors noted last. A
// lost tail is noted permanently, and logged.
func (m *Marks) CheckTail(ctx context.Context) error {
	_, err := m.updateRecord(ctx, func(r *marksRecord) (bool, error) { return m.detectTailLoss(ctx, r) })
	return err
}

// readRecord returns the marks as any replica has them.
func (m *Marks) readRecord(ctx context.Context) (marksRecord, error) {
	return m.updateRecord(ctx, func(*marksRecord) (bool, error) { return false, nil })
}

// confirmRecord returns the marks after it has proved, by writing them, that they
// are the newest: a replica may answer with older ones.
func (m *Marks) confirmRecord(ctx context.Context) (marksRecord, error) {
	return m.updateRecord(ctx, func(*marksRecord) (bool, error) { return true, nil })
}

// updateRecord changes the marks in one step, and returns them. alter reports
// whether they must be written; it is called again when another process was first.
func (m *Marks) updateRecord(ctx context.Context, alter func(*marksRecord) (bool, error)) (marksRecord, error) {
	var r marksRecord
	_, err := m.bucket.Update(ctx, stream.KeyMarks, func(e kv.Entry) (kv.Write, error) {
		var err error
		if r, err = m.loadRecord(ctx, e); err != nil {
			return kv.Write{}, err
		}
		changed, err := alter(&r)
		if err != nil {
			return kv.Write{}, err
		}
		if !changed && !r.fresh {
			return kv.Write{}, kv.ErrUnchanged
		}
		raw, err := json.Marshal(r)
		if err != nil {
			return kv.Write{}, fmt.Errorf("encode the marks of the stream: %w", err)
		}
		return kv.Write{Value: raw}, nil
	})
	if err != nil && !errors.Is(err, kv.ErrUnchanged) {
		return marksRecord{}, err
	}
	return r, nil
}

// loadRecord decodes the marks. If the key has none of this stream yet, they
// begin with the present state of the stream.
func (m *Marks) loadRecord(ctx context.Context, e kv.Entry) (r marksRecord, err error) {
	if e.Exists() {
		if err := json.Unmarshal(e.Value, &r); err != nil {
			return r, fmt.Errorf("decode the marks of the stream: %w", err)
		}
	}
	epoch := m.epoch()
	if r.Epoch == epoch {
		return r, nil
	}
	if r.Epoch != 0 {
		m.log.LogAttrs(ctx, slog.LevelError, "the stream was recreated; its marks are reset",
			slog.Uint64("kept_from", r.KeptFrom), slog.Uint64("last_seq", r.LastSeq))
	}
	state, err := streamState(ctx, m.js, epoch)
	if err != nil {
		return r, err
	}
	r = marksRecord{Epoch: epoch, KeptFrom: max(state.FirstSeq, 1), fresh: true}
	return r, m.setEnd(ctx, &r, state.LastSeq)
}

// setEnd notes an end of the stream.
func (m *Marks) setEnd(ctx context.Context, r *marksRecord, last uint64) (err error) {
	r.LastSeq = last
	r.LastTime, err = m.messageTime(ctx, last)
	return err
}

// messageTime returns when the stream received a message, zero if it has none
// there.
func (m *Marks) messageTime(ctx context.Context, seq uint64) (time.Time, error) {
	if seq == 0 {
		return time.Time{}, nil
	}
	msg, _, err := readFromLeader(ctx, m.js, seq)
	return msg.Time, err
}

// detectTailLoss checks whether the stream still has the end that is noted. If
// not, it notes the loss and the present end, and reports true.
func (m *Marks) detectTailLoss(ctx context.Context, r *marksRecord) (bool, error) {
	var first uint64
	for range tailChecks {
		var err error
		if first, err = m.firstLostSeq(ctx, *r); err != nil || first == 0 {
			return false, err
		}
		if err := retry.Sleep(ctx, recheckDelay); err != nil {
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
	// Sequences that were purged once may be assigned again.
	r.KeptFrom = min(r.KeptFrom, state.LastSeq+1)
	return true, m.setEnd(ctx, r, state.LastSeq)
}

// firstLostSeq is the first sequence of a lost tail, 0 if no tail is lost. The
// marks were read before the state of the stream, so the stream has at least the
// messages that they name.
func (m *Marks) firstLostSeq(ctx context.Context, r marksRecord) (uint64, error) {
	state, err := streamState(ctx, m.js, r.Epoch)
	if err != nil {
		return 0, err
	}
	first := state.LastSeq + 1
	if first > r.LastSeq {
		// The stream reaches the noted end. But messages that follow a lost tail
		// take its sequences, so the time of the message there must match.
		at, err := m.messageTime(ctx, r.LastSeq)
		if err != nil || at.IsZero() || r.LastTime.IsZero() || at.Equal(r.LastTime) {
			return 0, err
		}
		first = r.LastSeq
	}
	if !r.LastTime.IsZero() {
		newer, err := stream.SeqAt(ctx, m.js, r.LastTime.Add(1))
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
