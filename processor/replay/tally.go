package replay

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/store"
)

const (
	// maxGroups bounds the groups that are counted, and samplesBytes their
	// samples in memory, however many names clients send. Beyond that each group
	// still gets one sample, of at most firstSampleBytes.
	maxGroups        = 2000
	samplesBytes     = 8 << 20
	firstSampleBytes = 4 << 10
	// reportBytes bounds the groups of a report, as JSON.
	reportBytes = 384 << 10
	// reservedBytes is the space of a record that is reserved for its values at a
	// later time: counts, checkpoint, phase and error.
	reservedBytes = 32 << 10
)

var errNoRoom = errors.New("the job's schemas leave no room for a report")

// tally adds up a report, event by event.
type tally struct {
	changes job.Changes
	groups  map[groupKey]*tallyGroup
	// reportLimit is the number of bytes that the groups of a report may take,
	// sampleRoom the number of bytes that samples may still take in memory.
	reportLimit, sampleRoom int
}

type groupKey struct {
	category, name, code, path string
	change                     job.Change
}

// tallyGroup is a group with its size, and the sizes of its samples, as JSON.
type tallyGroup struct {
	job.Group
	size  int
	sizes []int
}

// resumeTally continues from the report of a job, which may have none yet. The
// groups that the report omitted are counted from 0.
func resumeTally(j job.Job) (*tally, error) {
	t := &tally{groups: map[groupKey]*tallyGroup{}, sampleRoom: samplesBytes}
	if j.Report != nil {
		if err := json.Unmarshal(j.Report, &t.changes); err != nil {
			return nil, fmt.Errorf("read the report so far: %w", err)
		}
	}
	j.Report, j.Checkpoint = nil, nil
	if t.reportLimit = min(reportBytes, job.MaxBytes-reservedBytes-jsonSize(j)); t.reportLimit < 0 {
		return nil, errNoRoom
	}
	for _, g := range t.changes.Groups {
		samples := g.Samples
		g.Samples = nil
		c := t.groupFor(g)
		for _, s := range samples {
			t.addSample(c, s)
		}
	}
	t.changes.Groups = nil
	return t, nil
}

// countEvent counts an event by what the store held of it and its document now. If
// the write rule rejected the document, code is the reason.
func (t *tally) countEvent(h store.Held, held bool, d *store.Document, code string, now time.Time) {
	after := d.Errors
	if code != "" {
		after = []event.Fault{{Code: code}}
	}
	switch {
	case held && h.ContentHash == d.ContentHash && h.Origin.Before(d.Origin):
		t.changes.Duplicates++
		return
	case expired(d, now):
		t.changes.Expired++
		return
	case !held:
		t.changes.Pending++
		return
	case h.ContentHash != d.ContentHash:
		after = h.Errors // a conflict is final
	}
	was, is := h.Status == store.Rejected, len(after) > 0
	switch {
	case was && !is:
		t.changes.NewlyValid++
		t.countChange(job.NewlyValid, d, h.Errors, nil)
	case was:
		t.changes.StillRejected++
		t.countChange(job.StillRejected, d, h.Errors, after)
	case is:
		t.changes.NewlyRejected++
		t.countChange(job.NewlyRejected, d, nil, after)
	default:
		t.changes.Unchanged++
	}
}

// expired reports whether a document is past its retention, so that it is not
// written.
func expired(d *store.Document, now time.Time) bool {
	return !d.ExpiresAt.IsZero() && !d.ExpiresAt.After(now)
}

// countChange adds an event to its group.
func (t *tally) countChange(change job.Change, d *store.Document, before, after []event.Fault) {
	reason := event.Fault{}
	if len(after) > 0 {
		reason = after[0]
	} else if len(before) > 0 {
		reason = before[0]
	}
	g := t.groupFor(job.Group{Category: d.Category, Name: d.Name, Code: reason.Code, Path: reason.Path, Change: change})
	g.Count++
	if n := len(g.Samples); n == 0 || n < job.MaxSamples && t.sampleRoom > 0 {
		t.addSample(g, job.Sample{
			Application: d.Application, EventID: d.EventID, Seq: d.Origin.Seq, Before: before, After: after,
		})
	}
}

// groupFor returns the group with the key of g. If it does not exist yet, g becomes
// that group.
func (t *tally) groupFor(g job.Group) *tallyGroup {
	key := groupKey{g.Category, g.Name, g.Code, g.Path, g.Change}
	c := t.groups[key]
	if c == nil {
		if len(t.groups) >= maxGroups {
			t.dropSmallGroups()
		}
		c = &tallyGroup{Group: g, size: jsonSize(g)}
		t.groups[key] = c
	}
	return c
}

// addSample adds a sample to a group, if there is room in memory.
func (t *tally) addSample(g *tallyGroup, s job.Sample) {
	n := jsonSize(s)
	if t.sampleRoom <= 0 && n > firstSampleBytes {
		return
	}
	t.sampleRoom -= n
	g.Samples, g.sizes = append(g.Samples, s), append(g.sizes, n)
}

// dropSmallGroups drops the smaller half of the groups.
func (t *tally) dropSmallGroups() {
	for _, g := range t.sortedGroups()[maxGroups/2:] {
		delete(t.groups, groupKey{g.Category, g.Name, g.Code, g.Path, g.Change})
		t.changes.OmittedGroups++
		for _, n := range g.sizes {
			t.sampleRoom += n
		}
	}
}

// sortedGroups returns the groups, largest first.
func (t *tally) sortedGroups() []*tallyGroup {
	all := make([]*tallyGroup, 0, len(t.groups))
	for _, g := range t.groups {
		all = append(all, g)
	}
	slices.SortFunc(all, func(a, b *tallyGroup) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Category, b.Category), cmp.Compare(a.Name, b.Name),
			cmp.Compare(a.Change, b.Change), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Path, b.Path))
	})
	return all
}

// buildReport returns the report so far, within its bounds: as many of the largest
// groups as fit into half of the space, then one sample of each, then a second one,
// and so on.
func (t *tally) buildReport() job.Changes {
	r := t.changes
	all, room := t.sortedGroups(), t.reportLimit/2
	r.Groups = make([]job.Group, 0, min(len(all), job.MaxGroups))
	for _, g := range all[:min(len(all), job.MaxGroups)] {
		if room -= g.size; room < 0 {
			break
		}
		shown := g.Group
		shown.Samples = nil
		r.Groups = append(r.Groups, shown)
	}
	r.OmittedGroups += len(all) - len(r.Groups)
	room = max(room, 0) + t.reportLimit/2
	for n := range job.MaxSamples {
		for i := range r.Groups {
			if g := all[i]; n < len(g.Samples) && len(r.Groups[i].Samples) == n && g.sizes[n] <= room {
				room -= g.sizes[n]
				r.Groups[i].Samples = append(r.Groups[i].Samples, g.Samples[n])
			}
		}
	}
	return r
}

// jsonSize is the size of a part of a record as JSON, in bytes, with the comma, and
// with the digits that a count may still grow by.
func jsonSize(v any) int {
	raw, err := json.Marshal(v)
	if err != nil {
		return job.MaxBytes // it fits into no record
	}
	return len(raw) + 20
}
