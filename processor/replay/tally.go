package replay

import (
	"cmp"
	"slices"
	"time"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/store"
)

const (
	// maxTallied bounds the groups that are counted, whatever names outsiders
	// think of.
	maxTallied = 2000
	// reportBytes bounds what the groups of a report take, about: the smaller
	// ones lose their samples first.
	reportBytes = 384 << 10
)

// tally builds a report, event by event.
type tally struct {
	changes job.Changes
	groups  map[group]*job.Group
}

type group struct {
	category, name, code, path string
	change                     job.Change
}

// resume goes on from a report.
func resume(r job.Changes) *tally {
	t := &tally{changes: r, groups: make(map[group]*job.Group, len(r.Groups))}
	for _, g := range r.Groups {
		t.groups[group{g.Category, g.Name, g.Code, g.Path, g.Change}] = &g
	}
	t.changes.Groups = nil
	return t
}

// add counts an event: what the store held, and its document now. The document
// may have become a rejected one on its way into the store; code then says why.
func (t *tally) add(h store.Held, held bool, d *store.Document, code string, now time.Time) {
	after := d.Errors
	if code != "" {
		after = []event.Fault{{Code: code}}
	}
	switch {
	case held && h.ContentHash == d.ContentHash && h.Origin.Before(d.Origin):
		t.changes.Duplicates++
		return
	case held && h.ContentHash != d.ContentHash:
		// Another content has the id; that is final.
		h = store.Held{Status: store.Rejected, Errors: []event.Fault{{Code: event.CodeIDConflict}}}
		after = h.Errors
	case !held && !d.ExpiresAt.IsZero() && !d.ExpiresAt.After(now):
		t.changes.Expired++
		return
	case !held:
		t.changes.Pending++
		return
	}
	was, is := h.Status == store.Rejected, len(after) > 0
	switch {
	case was && !is:
		t.changes.NewlyValid++
		t.count(job.NewlyValid, d, h.Errors, nil)
	case was:
		t.changes.StillRejected++
		t.count(job.StillRejected, d, h.Errors, after)
	case is:
		t.changes.NewlyRejected++
		t.count(job.NewlyRejected, d, nil, after)
	default:
		t.changes.Unchanged++
	}
}

// count adds an event to its group.
func (t *tally) count(change job.Change, d *store.Document, before, after []event.Fault) {
	reason := event.Fault{}
	if len(after) > 0 {
		reason = after[0]
	} else if len(before) > 0 {
		reason = before[0]
	}
	key := group{d.Category, d.Name, reason.Code, reason.Path, change}
	g := t.groups[key]
	if g == nil {
		if len(t.groups) >= maxTallied {
			t.changes.OmittedGroups++
			return
		}
		g = &job.Group{Category: d.Category, Name: d.Name, Code: reason.Code, Path: reason.Path, Change: change}
		t.groups[key] = g
	}
	g.Count++
	if len(g.Samples) < job.MaxSamples {
		g.Samples = append(g.Samples, job.Sample{
			Application: d.Application, EventID: d.EventID, Seq: d.Origin.Seq, Before: before, After: after,
		})
	}
}

// report is what was counted so far, within its bounds.
func (t *tally) report() job.Changes {
	r := t.changes
	r.Groups = make([]job.Group, 0, len(t.groups))
	for _, g := range t.groups {
		r.Groups = append(r.Groups, *g)
	}
	slices.SortFunc(r.Groups, func(a, b job.Group) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Category, b.Category), cmp.Compare(a.Name, b.Name),
			cmp.Compare(a.Change, b.Change), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Path, b.Path))
	})
	if n := len(r.Groups) - job.MaxGroups; n > 0 {
		r.OmittedGroups += n
		r.Groups = r.Groups[:job.MaxGroups]
	}
	room := reportBytes
	for i := range r.Groups {
		g := &r.Groups[i]
		for n, s := range g.Samples {
			if room -= weight(s); room < 0 {
				g.Samples = slices.Clone(g.Samples[:n])
				break
			}
		}
	}
	return r
}

// weight is about what a sample takes as JSON, in bytes.
func weight(s job.Sample) int {
	n := 150 + len(s.EventID)
	for _, faults := range [][]event.Fault{s.Before, s.After} {
		for _, f := range faults {
			n += 50 + len(f.Code) + len(f.Path) + len(f.Message)
		}
	}
	return n
}
