package cmd

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/theeye/theeye/shared/registry/editor"
	"github.com/theeye/theeye/theeye/output"
)

// Actions of a step.
const (
	actionCreated = "created"
	actionChanged = "changed"
	actionRemoved = "removed"
)

// plan is the changes that applying a folder makes.
type plan struct {
	DryRun    bool        `json:"dry_run"`
	Changes   []*planStep `json:"changes"`
	Unchanged int         `json:"unchanged"`
}

// planStep is one change of a plan.
type planStep struct {
	File   string `json:"file"`
	Kind   string `json:"kind"`
	Action string `json:"action"`
	// Was is the revision that the declaration was compared with, 0 for a new
	// one. Revision is the new revision, once the step is done.
	Was      uint64 `json:"was,omitzero"`
	Revision uint64 `json:"revision,omitzero"`
	Done     bool   `json:"done"`
	// Diff is the difference in the unified format.
	Diff string `json:"diff,omitzero"`

	path string
	body []byte
}

// addStep adds a step; nil counts an unchanged declaration.
func (p *plan) addStep(s *planStep) {
	if s == nil {
		p.Unchanged++
		return
	}
	p.Changes = append(p.Changes, s)
}

// sortSteps orders the steps: schemas precede the policy and the applications
// whose events they validate. Removals have the opposite order and follow.
func (p *plan) sortSteps() {
	kinds := []string{editor.KindSchema, editor.KindPolicy, editor.KindApplication}
	rank := func(s *planStep) int {
		i := slices.Index(kinds, s.Kind)
		if s.Action == actionRemoved {
			return 2*len(kinds) - i
		}
		return i
	}
	slices.SortStableFunc(p.Changes, func(a, b *planStep) int {
		return cmp.Or(rank(a)-rank(b), strings.Compare(a.File, b.File))
	})
}

// countRemovals returns how many steps remove a record.
func (p *plan) countRemovals() (n int) {
	for _, s := range p.Changes {
		if s.Action == actionRemoved {
			n++
		}
	}
	return n
}

func (p *plan) printDifference(to *output.Printer) error {
	for _, s := range p.Changes {
		line := s.Action
		if s.Was > 0 {
			line += fmt.Sprintf(", was revision %d", s.Was)
		}
		if err := to.Linef("%s: %s", s.File, line); err != nil {
			return err
		}
		for text := range strings.Lines(s.Diff) {
			if err := to.Linef("%s", strings.TrimSuffix(text, "\n")); err != nil {
				return err
			}
		}
	}
	return nil
}

// printSummary counts the steps that were done, or would be in a dry run.
func (p *plan) printSummary(to *output.Printer) error {
	if to.JSON {
		return to.Value(p)
	}
	if len(p.Changes) == 0 {
		return to.Linef("nothing to change: %d unchanged", p.Unchanged)
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
		counts[actionCreated], counts[actionChanged], counts[actionRemoved], p.Unchanged)
	switch {
	case p.DryRun:
		line += " (dry run: nothing was done)"
	case undone > 0:
		line += fmt.Sprintf(", %d not done", undone)
	}
	return to.Linef("%s", line)
}
