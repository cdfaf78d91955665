package audit

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/theeye/theeye/processor/jobs"
	"github.com/theeye/theeye/shared/stream"
)

const (
	// believeLooks is how often, and lookEvery apart, the end of the stream must
	// look lost until that is believed: in a cluster a new leader may not have
	// all of it for a moment.
	believeLooks = 5
	lookEvery    = 200 * time.Millisecond
)

// compare looks whether the stream still has the end that is noted. If not, it
// notes the loss, and the end that there is now, and reports true.
func (m *Marks) compare(ctx context.Context, r *record) (bool, error) {
	var first uint64
	for range believeLooks {
		var err error
		if first, err = m.firstLost(ctx, *r); err != nil || first == 0 {
			return false, err
		}
		if err := jobs.Pause(ctx, lookEvery); err != nil {
			return false, err
		}
	}
	l := Loss{From: first, To: r.LastSeq, At: time.Now().UTC().Truncate(time.Millisecond)}
	m.log.LogAttrs(ctx, slog.LevelError, "the stream has lost accepted events at its end",
		slog.Uint64("from_seq", l.From), slog.Uint64("to_seq", l.To))
	r.Losses = append(r.Losses, l)
	r.Losses = slices.Delete(r.Losses, 0, max(0, len(r.Losses)-maxLosses))
	state, err := stateOf(ctx, m.js, r.Epoch)
	if err != nil {
		return false, err
	}
	// Sequences that were purged once may be given again.
	r.KeptFrom = min(r.KeptFrom, state.LastSeq+1)
	return true, m.reach(ctx, r, state.LastSeq)
}

// firstLost is the first sequence of a lost end, 0 while nothing is lost. The
// marks were read before the stream is asked, so the stream has at least what
// they say.
func (m *Marks) firstLost(ctx context.Context, r record) (uint64, error) {
	state, err := stateOf(ctx, m.js, r.Epoch)
	if err != nil {
		return 0, err
	}
	first := state.LastSeq + 1
	if first > r.LastSeq {
		// As far as it reached. But what follows a lost end takes its sequences.
		at, err := m.timeOf(ctx, r.LastSeq)
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
