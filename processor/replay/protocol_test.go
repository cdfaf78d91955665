package replay

import (
	"fmt"
	"testing"

	"github.com/theeye/theeye/shared/store"
)

// The protocol of a replay as a small model, of which every state is visited:
// two processors of which one knows revision 1 and the other revision 2, a
// replay to revision 3, three messages of which the last comes at any moment,
// crashes with redelivery, and a processor that is stopped for as long as it
// likes. What decides between two writers is the real guard of the store.
//
// Revision 2 turned both schemas round, and 3 changes nothing: message 0 is
// rejected by 1 and stored later, message 1 the other way, message 2 is as 0.

const (
	target   = 3
	messages = 3
	writers  = 2
)

func rejected(message, revision int8) bool { return (message == 1) != (revision == 1) }

// document is what the store holds of a message; revision 0 is nothing.
type document struct{ revision int8 }

// stage is how far a processor is with the message in its hands.
type stage int8

const (
	idle stage = iota
	fetched
	judged  // by the revision in processor.judged
	cleared // no heartbeat has lapsed since it judged
	written
)

type processor struct {
	snapshot int8
	stage    stage
	message  int8
	judged   int8
	// beat is the revision of its last heartbeat, 0 when that has lapsed;
	// steady says that none has lapsed since it judged.
	beat   int8
	steady bool
	// behind says that it has not caught up with the registry since a lapse.
	behind  bool
	stopped bool
}

// phase is how far the replay is.
type phase int8

const (
	before phase = iota
	waiting
	running
	sweeping
	done
)

type runner struct {
	phase    phase
	end, pos int8
	// looked says that the message at pos was selected and waits to be
	// written; dirty that the sweep wrote something.
	looked, dirty bool
}

// state is comparable: a visited one is known by its value.
type state struct {
	registry  int8
	published int8
	acked     [messages]bool
	held      [messages]int8 // the processor that the consumer counts on, from 1
	late      [messages]bool // written by one that was silent since it judged
	docs      [messages]document
	writers   [writers]processor
	replay    runner
	crashes   int8
	stops     int8
}

// bugs are what may be left out of the protocol.
type bugs struct {
	noGuard, noSweep, noBarrier, noFence bool
	// staleBeat lets a processor whose heartbeat has lapsed go on with the next
	// one, without catching up with the registry.
	staleBeat bool
	// quiet lets it catch up before its next heartbeat, and not behind it.
	quiet bool
	// onlyFresh looks whether the heartbeat is fresh when it writes, and not
	// whether it has lapsed since it judged.
	onlyFresh bool
	// noWait lets a replay by outcome sweep while live processors still have in
	// hand what they judged before it.
	noWait bool
	// onlyRejected is no bug: the selection by outcome.
	onlyRejected bool
}

func start(crashes, stops int8) state {
	s := state{registry: 2, published: messages - 1, crashes: crashes, stops: stops}
	if stops > 0 { // fewer states: message 0 is settled
		s.acked[0], s.docs[0].revision = true, 2
	}
	for i := range s.writers {
		s.writers[i] = processor{snapshot: int8(i) + 1, beat: int8(i) + 1}
	}
	return s
}

// release takes a message out of a processor's hands, if it counts there.
func (s *state) release(i int, message int8) {
	if s.held[message] == int8(i)+1 {
		s.held[message] = 0
	}
}

// write is one guarded step of the store.
func (b bugs) write(s *state, message, revision int8) {
	present := s.docs[message].revision
	mine := &store.Document{Origin: store.Origin{Epoch: 1, Seq: uint64(message + 1)}, Revision: uint64(revision)}
	held := store.Holder{Origin: mine.Origin, Revision: uint64(present)}
	if present == 0 || b.noGuard || store.Supersedes(mine, held) {
		s.docs[message].revision = revision
	}
}

// next returns every state that one step leads to.
func (b bugs) next(s state) []state {
	var all []state
	step := func(change func(*state)) {
		n := s
		change(&n)
		all = append(all, n)
	}
	if s.published < messages {
		step(func(n *state) { n.published++ })
	}
	for i := range s.writers {
		b.processorSteps(s, i, step)
	}
	b.replaySteps(s, step)
	return all
}

func (b bugs) processorSteps(s state, i int, step func(func(*state))) {
	p := s.writers[i]
	if p.stopped {
		step(func(n *state) { n.writers[i].stopped = false })
		if p.beat != 0 {
			step(func(n *state) { n.writers[i].beat, n.writers[i].steady, n.writers[i].behind = 0, false, !b.staleBeat })
		}
		if p.stage != idle && s.held[p.message] == int8(i)+1 {
			step(func(n *state) { n.held[p.message] = 0 }) // another delivery
		}
		return
	}
	if s.stops > 0 {
		step(func(n *state) { n.stops--; n.writers[i].stopped = true })
	}
	if s.crashes > 0 && p.stage != idle {
		step(func(n *state) {
			n.crashes--
			n.release(i, p.message)
			n.writers[i] = processor{snapshot: s.registry, beat: s.registry}
		})
	}
	if p.snapshot != s.registry {
		step(func(n *state) { n.writers[i].snapshot = s.registry })
	}
	if p.beat != p.snapshot && (!b.quiet || !p.behind) {
		step(func(n *state) { n.writers[i].beat = p.snapshot })
	}
	if p.behind && (p.beat != 0 || b.quiet) { // others see it before it looks
		step(func(n *state) { n.writers[i].snapshot, n.writers[i].behind = s.registry, false })
	}
	switch p.stage {
	case idle:
		for m := range s.published {
			if !s.acked[m] && s.held[m] == 0 {
				step(func(n *state) { n.held[m] = int8(i) + 1; n.writers[i].stage, n.writers[i].message = fetched, m })
				break
			}
		}
	case fetched:
		if p.beat != 0 && !p.behind || b.noFence || b.onlyFresh {
			step(func(n *state) {
				n.writers[i].stage, n.writers[i].judged, n.writers[i].steady = judged, p.snapshot, true
			})
		}
	case judged:
		step(func(n *state) {
			n.writers[i].stage = fetched // it judges again
			if p.steady || b.noFence || b.onlyFresh && p.beat != 0 && !p.behind {
				n.writers[i].stage = cleared
			}
		})
	case cleared:
		step(func(n *state) {
			b.write(n, p.message, p.judged)
			n.late[p.message] = s.late[p.message] || !p.steady
			n.writers[i].stage = written
		})
	case written:
		step(func(n *state) {
			n.acked[p.message] = true
			n.release(i, p.message)
			n.writers[i].stage, n.writers[i].message, n.writers[i].judged, n.writers[i].steady = idle, 0, 0, false
		})
	}
}

func (b bugs) replaySteps(s state, step func(func(*state))) {
	r := s.replay
	if s.crashes > 0 && r.looked {
		step(func(n *state) { n.crashes--; n.replay.looked = false }) // the next runner looks again
	}
	switch r.phase {
	case before:
		step(func(n *state) { n.registry = target; n.replay.phase = waiting })
	case waiting:
		for _, p := range s.writers {
			if p.beat != 0 && p.beat < target && !b.noBarrier {
				return
			}
		}
		step(func(n *state) { n.replay = runner{phase: running, end: s.published} })
	case running, sweeping:
		b.runSteps(s, step)
	}
}

func (b bugs) runSteps(s state, step func(func(*state))) {
	r := s.replay
	switch {
	case r.looked:
		step(func(n *state) {
			b.write(n, r.pos, target)
			n.replay.looked = false
			n.replay.dirty = r.phase == sweeping
			n.replay.pos++
		})
	case r.pos < r.end:
		step(func(n *state) {
			below := s.docs[r.pos].revision < target
			if b.selected(s, r.pos) && (r.phase == running || below) {
				n.replay.looked = true
				return
			}
			n.replay.pos++
		})
	case r.phase == running && !b.settled(s): // waits for what live processors have in hand
	case r.phase == running && b.noSweep, r.phase == sweeping && !r.dirty:
		step(func(n *state) { n.replay = runner{phase: done, end: r.end} })
	default:
		step(func(n *state) { n.replay = runner{phase: sweeping, end: r.end} })
	}
}

// settled reports whether no live processor has a message in its hands that it
// judged below the target, which a selection by outcome has to wait for.
func (b bugs) settled(s state) bool {
	if !b.onlyRejected || b.noWait {
		return true
	}
	for _, p := range s.writers {
		if p.beat != 0 && (p.stage == judged || p.stage == cleared) && p.judged < target {
			return false
		}
	}
	return true
}

// selected applies the selection to what the store holds.
func (b bugs) selected(s state, message int8) bool {
	revision := s.docs[message].revision
	return !b.onlyRejected || revision == 0 || rejected(message, revision)
}

// atEnd returns what is wrong at the moment the replay ends. A replay by
// outcome promises no more than that, and cannot see what a process writes that
// was silent since it judged.
func (b bugs) atEnd(s state) error {
	for m := range s.replay.end {
		if s.docs[m].revision < target && b.selected(s, m) && !(b.onlyRejected && s.late[m]) {
			return fmt.Errorf("the replay ends, and message %d is at revision %d", m, s.docs[m].revision)
		}
	}
	return nil
}

// check returns what is wrong with a state after which nothing happens.
func (b bugs) check(s state) error {
	for m := range int8(messages) {
		switch revision := s.docs[m].revision; {
		case revision == 0:
			return fmt.Errorf("message %d has no outcome", m)
		case revision < target && (!b.onlyRejected || m >= s.replay.end):
			return fmt.Errorf("in the end message %d is at revision %d", m, revision)
		}
	}
	return nil
}

// visit visits every state and returns their number, and the first fault.
func visit(b bugs, crashes, stops int8) (int, error) {
	first := start(crashes, stops)
	seen := map[state]bool{first: true}
	for todo := []state{first}; len(todo) > 0; {
		s := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		following := b.next(s)
		if len(following) == 0 {
			if err := b.check(s); err != nil {
				return len(seen), fmt.Errorf("%w\n%+v", err, s)
			}
		}
		for _, n := range following {
			if s.replay.phase != done && n.replay.phase == done {
				if err := b.atEnd(n); err != nil {
					return len(seen), fmt.Errorf("%w\n%+v", err, n)
				}
			}
			if !seen[n] {
				seen[n] = true
				todo = append(todo, n)
			}
		}
	}
	return len(seen), nil
}

func TestNoOrderOfStepsLeavesAnythingOld(t *testing.T) {
	for _, onlyRejected := range []bool{false, true} {
		for _, faults := range []struct{ crashes, stops int8 }{{2, 0}, {0, 1}, {1, 1}} {
			if onlyRejected && faults.crashes == faults.stops {
				continue // as many states again, for what the two before it show
			}
			t.Run(fmt.Sprintf("only rejected %v, %d crashes, %d stops", onlyRejected, faults.crashes, faults.stops), func(t *testing.T) {
				t.Parallel()
				n, err := visit(bugs{onlyRejected: onlyRejected}, faults.crashes, faults.stops)
				if err != nil {
					t.Fatal(err)
				}
				t.Logf("%d states", n)
			})
		}
	}
}

func TestEachPartOfTheProtocolIsNeeded(t *testing.T) {
	for name, b := range map[string]bugs{
		"guard":                          {noGuard: true},
		"sweep":                          {noSweep: true, onlyRejected: true},
		"wait":                           {noWait: true, onlyRejected: true},
		"barrier":                        {noBarrier: true},
		"fence":                          {noFence: true},
		"catching up behind a lapse":     {staleBeat: true},
		"a heartbeat before catching up": {quiet: true},
		"look back to the judgement":     {onlyFresh: true},
	} {
		if _, err := visit(b, 1, 1); err == nil {
			t.Errorf("without %s no order of steps shows a fault", name)
		} else {
			t.Logf("without %s: %v", name, err)
		}
	}
}
