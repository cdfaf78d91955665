package admin

import (
	"cmp"
	"context"
	"log/slog"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/theeye/theeye/queryapi/refresh"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/columns"
)

// An application fell silent if it has sent nothing for more than one and a half times
// its longest pause in the silenceHistory before its last event, and for more than
// minSilence. Only an application is judged that sent on at least silenceDays of those
// days, so that a trial is not missed, and only for maxSilence: it was closed then.
const (
	silenceHistory = 7 * 24 * time.Hour
	silenceDays    = 3
	minSilence     = time.Hour
	maxSilence     = 30 * 24 * time.Hour
)

// stretch is a time in which an application sent events, in milliseconds since 1970: the
// part of a quarter of an hour from its first event to its last.
type stretch struct{ first, last int64 }

// longestPause returns the longest time without an event between the first and the last of
// some stretches; false if they lie on too few days before the last event. It sorts them.
func longestPause(stretches []stretch) (time.Duration, bool) {
	if len(stretches) == 0 {
		return 0, false
	}
	slices.SortFunc(stretches, func(a, b stretch) int { return cmp.Compare(a.first, b.first) })
	end := stretches[0].last
	for _, s := range stretches {
		end = max(end, s.last)
	}
	days := map[int64]bool{}
	longest, heard := int64(0), stretches[0].last
	for _, s := range stretches {
		longest, heard = max(longest, s.first-heard), max(heard, s.last)
		days[(end-s.last)/(24*time.Hour).Milliseconds()] = true
	}
	return time.Duration(longest) * time.Millisecond, len(days) >= silenceDays
}

// allowedSilence is how long an application may be silent that pauses for so long.
func allowedSilence(pause time.Duration) time.Duration { return max(minSilence, pause+pause/2) }

// habit is how an application sent before its last event.
type habit struct {
	refresh.LastReceived
	pause   time.Duration
	regular bool
}

// habits are those of applications that send nothing at present. Each is read once for the
// events that are held.
type habits struct {
	mu    sync.Mutex
	known map[string]habit
}

// silentApplications returns the applications that fell silent, the longest silent first,
// judged at a time before which every event has its outcome; nil while that is not known.
func (a *Admin) silentApplications(ctx context.Context, lag time.Duration) []api.SilentApplication {
	snapshot := a.registry.Snapshot()
	if a.columns == nil || snapshot == nil || a.columns.Status().AsOf.IsZero() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	received := a.columns.LastReceived()
	a.habits.mu.Lock()
	defer a.habits.mu.Unlock()
	quiet := map[string]habit{}
	silent := []api.SilentApplication{}
	for _, name := range snapshot.Access.Applications() {
		r := received[name]
		silence := r.AsOf.Add(-lag).Sub(r.At)
		if silence <= minSilence || silence > maxSilence {
			continue
		}
		h := a.habits.known[name]
		if !h.At.Equal(r.At) || h.Version != r.Version {
			var err error
			if h, err = a.readHabit(ctx, name, r); err != nil {
				a.logLimit.Do(func() {
					a.log.LogAttrs(ctx, slog.LevelWarn, "silent applications are not known", slog.Any("error", err))
				})
				return nil
			}
		}
		quiet[name] = h
		if h.regular && silence > allowedSilence(h.pause) {
			silent = append(silent, api.SilentApplication{
				Application: name, LastReceivedAt: api.TimeOf(r.At),
				SilentSeconds: math.Round(silence.Seconds()), LongestPauseSeconds: math.Round(h.pause.Seconds()),
			})
		}
	}
	a.habits.known = quiet
	slices.SortStableFunc(silent, func(x, y api.SilentApplication) int { return cmp.Compare(y.SilentSeconds, x.SilentSeconds) })
	return silent
}

// readHabit reads when an application sent before its last event: from the descriptions of
// at most eight days of columns, and no rows.
func (a *Admin) readHabit(ctx context.Context, application string, last refresh.LastReceived) (habit, error) {
	from := last.At.Add(-silenceHistory)
	s, err := a.columns.Snapshot(ctx, refresh.Need{
		Applications: []string{application}, ReceivedFrom: from, ReceivedTo: last.At.Add(time.Millisecond),
	})
	if err != nil {
		return habit{}, err
	}
	var stretches []stretch
	for _, v := range s.Applications[0].Views {
		for _, counts := range []*columns.ReceivedCounts{v.Part.StoredReceived(), v.Part.RejectedReceived()} {
			for i := range counts.CountQuarters() {
				if first, end := counts.SpanAt(i); first >= from.UnixMilli() {
					stretches = append(stretches, stretch{first, end})
				}
			}
		}
	}
	h := habit{LastReceived: last}
	h.pause, h.regular = longestPause(stretches)
	return h, nil
}
