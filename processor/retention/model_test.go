package retention

import (
	"fmt"
	"testing"
)

// The model visits every order of the steps of two processors, an operator, the jobs
// of two changes, and the database that removes expired documents. A processor may be
// suspended at any moment: its heartbeat expires, the stream delivers its message to
// the other one, its jobs get another runner, and later it goes on where it was. (One
// that is killed just after that may leave a document that has expired for all others;
// no order of steps without a memory of removed documents prevents it.)

// value is what a policy decides about the one event of the model: for how long it is
// kept. The event was received long ago, so that under over it has expired.
type value byte

const (
	longer value = 'l'
	other  value = 'o'
	over   value = 'x'
)

// document is the event's document; revision 0 stands for no document. by is the revision of the
// policy that a job applied, 0 for none.
type document struct {
	revision, by int
	keep         value
}

// process is a processor with its runner of jobs.
type process struct {
	snapshot  int // the registry revision that it knows
	suspended bool
	expired   bool // its heartbeat expired since it validated the message
	validated int  // the revision of the batch in flight, 0 without one
	written   bool // the batch is written, and not settled
	late      bool // the batch is written once more
	job       int  // the job that it runs, by its target, 0 for none
	read      document
	hasRead   bool
}

// jobState is one job: 0 is that it does not exist.
type jobState struct {
	exists, final bool
	runs          int
}

// state is the whole model.
type state struct {
	revision  int // the newest of the registry
	settled   bool
	wasOver   bool // a policy under which the event has expired was in force
	doc       document
	processes [2]process
	jobs      [4]jobState // by target
}

// mistakes are parts of the protocol that are left out.
type mistakes struct {
	noBarrier, noInFlight, noGuard, noMark, noSecondWrite, skipExpired bool
}

// model is the policies by revision, and the parts that are left out.
type model struct {
	policies []value // from revision 1 on
	without  mistakes
}

func (m *model) keep(revision int) value { return m.policies[revision-1] }

// next returns every state that one step leads to.
func (m *model) next(s state) (all []state) {
	step := func(change func(n *state)) {
		n := s
		change(&n)
		all = append(all, n)
	}
	if s.revision < len(m.policies) {
		step(func(n *state) {
			n.revision++
			n.wasOver = n.wasOver || m.keep(n.revision) == over
			if m.keep(n.revision) != m.keep(n.revision-1) {
				n.jobs[n.revision].exists = true
			}
		})
	}
	if s.doc.revision > 0 && s.doc.keep == over {
		step(func(n *state) { n.doc = document{} }) // the database removes it
	}
	for i := range s.processes {
		m.processSteps(&s, i, step)
		m.jobSteps(&s, i, step)
	}
	return all
}

// processSteps are those of a processor with its message.
func (m *model) processSteps(s *state, i int, step func(func(*state))) {
	p := s.processes[i]
	if i == 0 && !p.suspended { // one of them is enough
		step(func(n *state) { n.processes[i].suspended, n.processes[i].expired = true, true })
	}
	if p.suspended {
		step(func(n *state) { // it goes on, and catches up with the registry first
			n.processes[i].suspended = false
			n.processes[i].snapshot = n.revision
		})
	}
	// A write, and the update of a job, may be on their way while it is suspended.
	if p.validated > 0 && !p.written {
		step(func(n *state) { m.write(n, i) })
	}
	if p.suspended {
		return
	}
	if p.snapshot < s.revision {
		step(func(n *state) { n.processes[i].snapshot++ })
	}
	if p.validated == 0 && !s.settled {
		step(func(n *state) {
			n.processes[i].validated, n.processes[i].expired, n.processes[i].written = p.snapshot, false, false
		})
	}
	if p.written {
		step(func(n *state) {
			if p.expired && !m.without.noSecondWrite {
				n.processes[i].validated, n.processes[i].expired, n.processes[i].written = p.snapshot, false, false
				n.processes[i].late = true
				return
			}
			n.settled = true
			n.processes[i].validated, n.processes[i].written, n.processes[i].late = 0, false, false
		})
	}
}

// write is the write rule for the message of a processor.
func (m *model) write(n *state, i int) {
	p := &n.processes[i]
	p.written = true
	d := document{revision: p.validated, keep: m.keep(p.validated)}
	// A document that has expired is skipped, except where this process may have
	// written it with a later expiry.
	if d.keep == over && (m.without.skipExpired || !p.late) {
		return
	}
	if n.doc.revision < d.revision {
		n.doc = d
	}
}

// jobSteps are those of the runner of a processor.
func (m *model) jobSteps(s *state, i int, step func(func(*state))) {
	p := s.processes[i]
	if p.hasRead {
		step(func(n *state) { m.update(n, i) })
	}
	if p.suspended {
		return
	}
	if p.job == 0 {
		target := s.oldestJob()
		if target > 0 && (s.runnerOf(target) < 0 || s.processes[s.runnerOf(target)].suspended) && p.snapshot >= target {
			step(func(n *state) { n.processes[i].job = target; n.jobs[target].runs = min(n.jobs[target].runs+1, 2) })
		}
		return
	}
	if p.hasRead {
		return // the update follows
	}
	if s.jobs[p.job].final {
		step(func(n *state) { n.processes[i].job = 0 })
		return
	}
	if m.keep(p.snapshot) != m.keep(p.job) {
		step(func(n *state) { n.jobs[p.job].final = true; n.processes[i].job = 0 })
		return
	}
	if m.passesBarrier(s, p.job) {
		step(func(n *state) { n.processes[i].read, n.processes[i].hasRead = n.doc, true })
	}
}

// passesBarrier reports whether every live processor knows a revision and has nothing
// older in flight.
func (m *model) passesBarrier(s *state, target int) bool {
	for _, p := range s.processes {
		if p.suspended {
			continue
		}
		if p.snapshot < target && !m.without.noBarrier || p.validated > 0 && p.validated < target && !m.without.noInFlight {
			return false
		}
	}
	return true
}

// oldestJob is the target of the oldest job that is not final, 0 without one.
func (s *state) oldestJob() int {
	for target := range s.jobs {
		if s.jobs[target].exists && !s.jobs[target].final {
			return target
		}
	}
	return 0
}

// runnerOf returns the process that runs a job, -1 if none does.
func (s *state) runnerOf(target int) int {
	for i, p := range s.processes {
		if p.job == target {
			return i
		}
	}
	return -1
}

// update changes the document that was read, under the guard, and ends the job unless
// another runner has it.
func (m *model) update(n *state, i int) {
	p := &n.processes[i]
	target := p.job
	want := m.keep(target)
	mark := false
	for earlier := range target {
		mark = mark || n.jobs[earlier].runs > 1
	}
	mark = mark && !m.without.noMark
	same := n.doc.revision == p.read.revision && n.doc.by < target
	if m.without.noGuard {
		same = n.doc.revision > 0
	}
	if p.read.revision > 0 && (p.read.revision < target || m.without.noGuard) && (p.read.keep != want || mark) && same && n.doc.revision > 0 {
		n.doc.keep, n.doc.by = want, target
	}
	p.hasRead, p.job = false, 0
	if !p.suspended {
		n.jobs[target].final = true
	}
}

// fault describes the fault of a state in which nothing more happens, "" without one.
func (m *model) fault(s state) string {
	if s.revision < len(m.policies) || !s.settled || s.oldestJob() > 0 {
		return ""
	}
	for _, p := range s.processes {
		if p.validated > 0 || p.hasRead || p.job > 0 || p.suspended {
			return ""
		}
	}
	want := m.keep(s.revision)
	switch {
	case s.doc.revision == 0 && want != over && !s.wasOver:
		return "the document is gone"
	case s.doc.revision > 0 && s.doc.keep != want:
		return fmt.Sprintf("the document is kept as %q, the policy says %q", s.doc.keep, want)
	}
	return ""
}

// explore returns the first fault, and the number of states.
func (m *model) explore() (fault string, states int) {
	first := state{revision: 1, wasOver: m.keep(1) == over}
	for i := range first.processes {
		first.processes[i].snapshot = 1
	}
	seen := map[state]bool{first: true}
	for todo := []state{first}; len(todo) > 0; {
		s := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if fault = m.fault(s); fault != "" {
			return fmt.Sprintf("%s: %+v", fault, s), len(seen)
		}
		for _, n := range m.next(s) {
			if !seen[n] {
				seen[n] = true
				todo = append(todo, n)
			}
		}
	}
	return "", len(seen)
}

// histories are one change, and two in a row.
var histories = [][]value{
	{longer, other},
	{longer, over},
	{over, longer},
	{longer, other, longer},
	{longer, other, over},
	{longer, over, other},
	{over, longer, over},
}

// Whatever the order of steps, the document ends as the newest policy says.
func TestEveryOrderEndsWithTheNewestPolicy(t *testing.T) {
	t.Parallel()
	total := 0
	for _, policies := range histories {
		m := &model{policies: policies}
		fault, n := m.explore()
		if fault != "" {
			t.Errorf("%q: %s", policies, fault)
		}
		total += n
	}
	t.Logf("%d states", total)
}

// Each part of the protocol is needed: without it some order ends wrong.
func TestEachPartOfTheProtocolIsNeeded(t *testing.T) {
	t.Parallel()
	for name, without := range map[string]mistakes{
		"barrier":           {noBarrier: true},
		"batches in flight": {noInFlight: true},
		"guard":             {noGuard: true},
		"mark":              {noMark: true},
		"second write":      {noSecondWrite: true},
		"expired, too":      {skipExpired: true},
	} {
		found := false
		for _, policies := range histories {
			m := &model{policies: policies, without: without}
			if fault, _ := m.explore(); fault != "" {
				found = true
				break
			}
		}
		if !found {
			t.Errorf("without %s nothing ends wrong", name)
		}
	}
}
