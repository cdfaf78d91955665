package refresh

import (
	"context"
	"slices"
	"time"

	"github.com/theeye/theeye/shared/columns"
)

// openViews opens the parts of a selection. It reports true where a file was lost: then
// the question has to be selected again.
func (r *Refresher) openViews(ctx context.Context, s selection) (snapshot *columns.Snapshot, lost bool, err error) {
	snapshot = &columns.Snapshot{AsOf: s.asOf, Now: s.now, Version: s.version}
	for _, name := range s.applications {
		snapshot.Applications = append(snapshot.Applications, columns.ApplicationViews{Name: name})
	}
	for _, p := range s.parts {
		view, err := r.openView(ctx, p)
		if ctx.Err() != nil {
			return nil, false, ctx.Err()
		}
		if err != nil {
			r.loseSegment(p.day, p.segment, err)
			lost = true
			continue
		}
		views := &snapshot.Applications[p.application].Views
		*views = append(*views, view)
	}
	return snapshot, lost, nil
}

// openView opens one part, and marks the rows of the slots that it owns.
func (r *Refresher) openView(ctx context.Context, p selected) (columns.View, error) {
	part, err := r.openPart(p.segment)
	if err != nil || p.owned == nil {
		return columns.View{Part: part}, err
	}
	s := p.segment
	r.mu.Lock()
	live, known := s.live, s.liveOf != nil && *s.liveOf == *p.owned
	r.mu.Unlock()
	if known {
		return columns.View{Part: part, Live: live}, nil
	}
	first := part.Key().FirstSlot()
	view, err := part.ViewWhere(ctx, func(slot int64) bool { return p.owned.has(int(slot - first)) })
	if err != nil {
		return view, err
	}
	r.mu.Lock()
	s.live, s.liveOf = view.Live, p.owned
	r.mu.Unlock()
	return view, nil
}

// idleAfter is how long a file stays open that no question uses.
const idleAfter = 30 * time.Second

// closeIdle closes the files that were used least recently, while the descriptions of
// the open ones are over their bound.
func (r *Refresher) closeIdle() {
	r.mu.Lock()
	defer r.mu.Unlock()
	var open []*segment
	var size int64
	for _, d := range r.days {
		for _, s := range d.segments {
			if !s.inMemory() && s.part != nil {
				open = append(open, s)
				size += int64(s.part.Size())
			}
		}
	}
	if size <= r.limits.openBytes {
		return
	}
	slices.SortFunc(open, func(a, b *segment) int { return a.usedAt.Compare(b.usedAt) })
	for _, s := range open {
		if size <= r.limits.openBytes || r.now().Sub(s.usedAt) < idleAfter {
			return
		}
		size -= int64(s.part.Size())
		s.part, s.live, s.liveOf = nil, nil, nil
	}
}
