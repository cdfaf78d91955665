package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/theeye/theeye/shared/registry"
)

// What a step does.
const (
	created = "created"
	changed = "changed"
	removed = "removed"
)

// plan is what applying a folder changes.
type plan struct {
	DryRun    bool    `json:"dry_run"`
	Changes   []*step `json:"changes"`
	Unchanged int     `json:"unchanged"`
}

// step is one change of a plan.
type step struct {
	File   string `json:"file"`
	Kind   string `json:"kind"`
	Action string `json:"action"`
	// Was is the revision it was compared with, 0 is none. Revision is the new
	// one, once it is done.
	Was      uint64 `json:"was,omitzero"`
	Revision uint64 `json:"revision,omitzero"`
	Done     bool   `json:"done"`
	// Diff is the difference for people, in the unified format.
	Diff string `json:"diff,omitzero"`

	path string
	body []byte
}

// add adds a step, or counts what needs none: nil.
func (p *plan) add(s *step) {
	if s == nil {
		p.Unchanged++
		return
	}
	p.Changes = append(p.Changes, s)
}

// sort puts the steps in the order in which they are done: a new application
// finds its types. Removals go the other way.
func (p *plan) sort() {
	order := []string{registry.KindSchema, registry.KindPolicy, registry.KindApplication}
	place := func(s *step) int {
		i := slices.Index(order, s.Kind)
		if s.Action == removed {
			return 2*len(order) - i
		}
		return i
	}
	slices.SortStableFunc(p.Changes, func(a, b *step) int {
		return cmp.Or(place(a)-place(b), strings.Compare(a.File, b.File))
	})
}

// printDifference prints what would change.
func (p *plan) printDifference(t *terminal) error {
	for _, s := range p.Changes {
		line := s.Action
		if s.Was > 0 {
			line += fmt.Sprintf(", was revision %d", s.Was)
		}
		if err := t.sayf("%s: %s", s.File, line); err != nil {
			return err
		}
		for text := range strings.Lines(s.Diff) {
			if err := t.sayf("%s", strings.TrimSuffix(text, "\n")); err != nil {
				return err
			}
		}
	}
	return nil
}

// printSummary prints what was done, or would be.
func (p *plan) printSummary(t *terminal) error {
	if t.json {
		return t.printJSON(p)
	}
	if len(p.Changes) == 0 {
		return t.sayf("nothing to change: %d unchanged", p.Unchanged)
	}
	counts, undone := map[string]int{}, 0
	for _, s := range p.Changes {
		if s.Done || p.DryRun {
			counts[s.Action]++
		} else {
			undone++
		}
	}
	line := fmt.Sprintf("%d created, %d changed, %d removed, %d unchanged",
		counts[created], counts[changed], counts[removed], p.Unchanged)
	switch {
	case p.DryRun:
		line += " (dry run: nothing was done)"
	case undone > 0:
		line += fmt.Sprintf(", %d not done", undone)
	}
	return t.sayf("%s", line)
}
