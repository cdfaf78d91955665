//go:build !race

package store_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/theeye/theeye/shared/store"
)

// The explorer runs the real Writer, once in every order that the steps of
// several writers can take, with crashes between any two of them. Writers are
// coroutines, so an order is a list of choices and a run is deterministic: it is
// repeated by its choices. Where two orders lead to the same documents and the
// same knowledge of every writer, the continuation is explored once.

// process is one writer and its documents. A killed process is started again with
// the same documents, as the stream redelivers unacknowledged messages.
type process struct {
	session *session
	next    func() (struct{}, bool)
	stop    func()
	done    bool
	kill    bool
	err     error
}

// startProcess starts a process that runs work again after each crash, until it
// ends without one.
func startProcess(db *database, work func(*session) error) *process {
	p := new(process)
	p.next, p.stop = iter.Pull(func(yield func(struct{}) bool) {
		ended := false
		p.session = &session{db: db, mine: make(map[string]*store.Document)}
		p.session.pause = func() bool {
			if ended || !yield(struct{}{}) {
				ended = true // the run is over
				return false
			}
			killed := p.kill
			p.kill = false
			return !killed
		}
		for {
			p.session.seen.Reset()
			err := work(p.session)
			if ended || err == nil {
				return
			}
			if !errors.Is(err, errCrash) {
				p.err = err
				return
			}
		}
	})
	p.advance()
	return p
}

// writerOf returns the work of a writer of the documents; without any it is that of
// the one that removes an expired document.
func writerOf(docs []*store.Document) func(*session) error {
	return func(s *session) error {
		if docs == nil {
			return s.expireHolder("demo/x")
		}
		fmt.Fprintf(&s.seen, "at %d ", s.db.now)
		s.written, s.raised = nil, nil
		w := store.NewWriter(store.WriterConfig{Backend: s, Now: func() time.Time { return time.Unix(s.db.now, 0) }})
		w.ExpectHeld(s.db.replay)
		read, err := s.readBefore(docs)
		if err == nil {
			_, err = w.WriteOver(context.Background(), docs, read)
		}
		return err
	}
}

// advance runs the pending step and stops before the next one.
func (p *process) advance() {
	if _, more := p.next(); !more {
		p.done = true
	}
}

// choice is the number of the process that runs its next step; a negative one
// means that the process is killed instead.
type choice int

// run is one order of steps, up to some point.
type run struct {
	db        *database
	processes []*process
	crashes   int // how many remain
	choices   []choice
}

func (r *run) choose(c choice) {
	i := int(c)
	if c < 0 {
		i = -i - 1
		r.processes[i].kill = true
		r.crashes--
	}
	r.processes[i].advance()
	r.choices = append(r.choices, c)
}

func (r *run) nextChoices() []choice {
	var list []choice
	for i, p := range r.processes {
		if p.done {
			continue
		}
		list = append(list, choice(i))
		if r.crashes > 0 {
			list = append(list, choice(-i-1))
		}
	}
	return list
}

// stateText is the run's state as text: documents, and the knowledge of each
// writer.
func (r *run) stateText() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s|%d", r.db, r.crashes)
	for _, p := range r.processes {
		fmt.Fprintf(&b, "|%v %s", p.done, p.session.seen.String())
	}
	return b.String()
}

func (r *run) stopAll() {
	for _, p := range r.processes {
		p.stop()
	}
}

// exploration counts states and end states.
type exploration struct{ states, ends int }

// setting holds the constants of all orders of one exploration.
type setting struct {
	bug bug
	// replay makes writers read the holders before they insert, and handed makes each
	// read them itself and hand them to its Writer.
	replay, handed bool
	// raising is a database that raises revisions where documents stay as they are, by
	// a guard on the documents that it has read.
	raising bool
	// embedded is a database that marks its writes in the same step, and reports
	// which replacement matched.
	embedded bool
	// built is the slot of which a builder keeps the rows; 0 is no builder.
	built   int64
	crashes int
}

// explore returns the first fault that check finds in an end state, and the
// choices that lead there.
func explore(with setting, batches [][]*store.Document, check func(*database) error) (exploration, error) {
	replayRun := func(choices []choice) *run {
		db := &database{docs: make(map[string]*store.Document), marks: make(map[int64]int), setting: with}
		r := &run{db: db, crashes: with.crashes}
		for _, docs := range batches {
			r.processes = append(r.processes, startProcess(db, writerOf(docs)))
		}
		if with.built != 0 {
			r.processes = append(r.processes, startProcess(db, (*session).buildSlot))
		}
		for _, c := range choices {
			r.choose(c)
		}
		return r
	}
	var counted exploration
	seen := make(map[string]bool)
	todo := [][]choice{nil}
	for len(todo) > 0 {
		r := replayRun(todo[len(todo)-1])
		todo = todo[:len(todo)-1]
		branches, err := followFirst(r, seen, &counted, check)
		r.stopAll()
		if err != nil {
			return counted, fmt.Errorf("after choices %v: %w", r.choices, err)
		}
		todo = append(todo, branches...)
	}
	return counted, nil
}

// followFirst runs to the end or to a known state, always by the first choice,
// and returns the other choices on the way.
func followFirst(
	r *run, seen map[string]bool, counted *exploration, check func(*database) error,
) (branches [][]choice, err error) {
	for {
		key := r.stateText()
		if seen[key] {
			return branches, nil
		}
		seen[key] = true
		counted.states++
		options := r.nextChoices()
		if len(options) == 0 {
			counted.ends++
			for _, p := range r.processes {
				if p.err != nil {
					return branches, p.err
				}
			}
			return branches, check(r.db)
		}
		for _, o := range options[1:] {
			branches = append(branches, append(slices.Clone(r.choices), o))
		}
		r.choose(options[0])
	}
}
