package collector

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// grouping decides as policy does.
type grouping interface {
	isAtomic(n int) bool
	planWait(n int, sinceAnswer time.Duration) time.Duration
	observe(n int, atomic bool, took time.Duration)
	observeReturn(took time.Duration)
	expectAgain(n, arrived int)
}

// fixedGrouping waits for all clients, no longer than wait, and publishes batches from
// a size on atomically, whatever it costs.
type fixedGrouping struct {
	atomicFrom int
	wait       time.Duration
	clients    int
}

func (f fixedGrouping) isAtomic(n int) bool { return n >= f.atomicFrom }

func (f fixedGrouping) planWait(n int, sinceAnswer time.Duration) time.Duration {
	if n >= most(f.clients) {
		return 0
	}
	return max(f.wait-sinceAnswer, 0)
}

func (fixedGrouping) observe(int, bool, time.Duration) {}
func (fixedGrouping) observeReturn(time.Duration)      {}
func (fixedGrouping) expectAgain(int, int)             {}

// simulation is a committer on a simulated clock, before clients in a closed loop with
// one event in flight each. Times are milliseconds.
type simulation struct {
	name    string
	clients int
	// answer is the processor time of an answer: those of a batch are read before the
	// next requests are served. serve is that of a request, one after the other. One in
	// twenty requests holds up those behind it for stall. travel is the rest of its way,
	// for all at once, give or take a half.
	answer, serve, stall, travel float64
	// each, flat and slope are what a commit costs, give or take the share noise.
	each, flat, slope, noise float64
}

// rate returns the events per second of the later half of 800 commits.
func (s simulation) rate(g grouping) float64 {
	r := simulationRun{simulation: s, random: rand.New(rand.NewPCG(1, 2))}
	for range s.clients {
		r.send()
	}
	const commits = 800
	events, start := 0, 0.0
	for i := range commits {
		if i == commits/2 {
			events, start = 0, r.now
		}
		n := r.gather(g)
		r.commit(g, n)
		events += n
	}
	return float64(events) / (r.now - start) * 1000
}

// simulationRun is the state of a simulation.
type simulationRun struct {
	simulation
	random   *rand.Rand
	now      float64
	free     float64   // when the processor is
	arrivals []float64 // of events at the committer, sorted
	answered float64   // when the last commit was
	sent     []float64 // arrivals of the events that follow those of the last commit, sorted
	awaited  int       // of them until most are there
}

// send makes an event arrive that a client sends now.
func (r *simulationRun) send() {
	r.free = max(r.free, r.now) + r.serve
	if r.random.IntN(20) == 0 {
		r.free += r.stall
	}
	at := r.free + r.travel*(0.5+r.random.Float64())
	r.arrivals = insert(r.arrivals, at)
	r.sent = insert(r.sent, at)
}

func insert(sorted []float64, v float64) []float64 {
	i, _ := slices.BinarySearch(sorted, v)
	return slices.Insert(sorted, i, v)
}

// take takes the events that have arrived.
func (r *simulationRun) take() int {
	n, _ := slices.BinarySearch(r.arrivals, r.now+1e-9)
	r.arrivals = r.arrivals[n:]
	return n
}

// gather does as committer.gatherBatch does.
func (r *simulationRun) gather(g grouping) int {
	r.now = max(r.now, r.arrivals[0])
	for n := r.take(); ; {
		patience := g.planWait(n, time.Duration((r.now-r.answered)*1e6))
		if patience == 0 {
			return n
		}
		end := r.now + float64(patience)/1e6
		if len(r.arrivals) == 0 || r.arrivals[0] > end {
			r.now = end
			return n
		}
		r.now = r.arrivals[0]
		n += r.take()
	}
}

func (r *simulationRun) commit(g grouping, n int) {
	atomic := g.isAtomic(n)
	took := r.each * float64(n)
	if atomic {
		took = r.flat + r.slope*float64(n)
	}
	took *= 1 + r.noise*(2*r.random.Float64()-1)
	r.now += took
	arrived, _ := slices.BinarySearch(r.arrivals, r.now)
	g.observe(n, atomic, time.Duration(took*1e6))
	returned := r.now
	if r.awaited > 0 {
		returned = min(returned, r.sent[r.awaited-1])
	}
	g.observeReturn(time.Duration((returned - r.answered) * 1e6))
	g.expectAgain(n, arrived)
	r.answered, r.sent, r.awaited = r.now, r.sent[:0], most(n)
	r.free = max(r.free, r.now) + float64(n)*r.answer
	for range n {
		r.send()
	}
}

// simulations are disks by loads: a disk of its own, one that stages in memory, one
// that others keep busy, a fast one, one that is busy and stages in memory.
func simulations() []simulation {
	var all []simulation
	for _, d := range []simulation{
		{name: "quiet disk", each: 0.25, flat: 3.5, slope: 0.02, noise: 0.3},
		{name: "slow batches", each: 0.45, flat: 8, slope: 0.02, noise: 0.3},
		{name: "staged in memory", each: 0.4, flat: 1, slope: 0.02, noise: 0.3},
		{name: "busy disk", each: 2, flat: 20, slope: 0.04, noise: 0.5},
		{name: "fast disk", each: 0.05, flat: 3.5, slope: 0.02, noise: 0.3},
		{name: "busy, staged in memory", each: 1, flat: 2, slope: 0.02, noise: 0.5},
	} {
		for _, load := range []simulation{
			{name: "2 clients", clients: 2, serve: 0.05, travel: 0.1},
			{name: "8 clients", clients: 8, serve: 0.05, travel: 0.3},
			{name: "64 clients", clients: 64, serve: 0.05, travel: 0.3},
			{name: "64 clients, busy processor", clients: 64, serve: 0.15, travel: 0.5},
			{name: "64 clients, stalling processor", clients: 64, serve: 0.15, travel: 1, stall: 2},
			{name: "64 clients, far away", clients: 64, serve: 0.15, travel: 3},
			{name: "64 clients, in bursts", clients: 64, answer: 0.04, serve: 0.03, travel: 0.3},
			{name: "500 clients", clients: 500, serve: 0.05, travel: 0.3},
		} {
			load.name = d.name + ", " + load.name
			load.each, load.flat, load.slope, load.noise = d.each, d.flat, d.slope, d.noise
			all = append(all, load)
		}
	}
	return all
}

// The policy comes near the best of several fixed groupings on every disk under every
// load, and none of those does.
func TestPolicyIsNearTheBestEverywhere(t *testing.T) {
	const near, far = 0.8, 0.6
	fixed := []fixedGrouping{
		{atomicFrom: maxBatch + 1},
		{atomicFrom: 1},
		{atomicFrom: 16},
		{atomicFrom: 16, wait: 2 * time.Millisecond},
		{atomicFrom: 1, wait: 2 * time.Millisecond},
		{atomicFrom: 1, wait: 5 * time.Millisecond},
		{atomicFrom: 1, wait: 10 * time.Millisecond},
		{atomicFrom: 1, wait: 20 * time.Millisecond},
	}
	worst := slices.Repeat([]float64{1}, len(fixed))
	for _, s := range simulations() {
		rates := make([]float64, len(fixed))
		for i, f := range fixed {
			f.clients = s.clients
			rates[i] = s.rate(f)
		}
		best := slices.Max(rates)
		for i, r := range rates {
			worst[i] = min(worst[i], r/best)
		}
		share := s.rate(newPolicy()) / best
		t.Logf("%-50s %6.0f/s is the best fixed grouping, the policy %.2f of it", s.name, best, share)
		if share < near {
			t.Errorf("%s: %.2f of the best fixed grouping, want %.2f", s.name, share, near)
		}
	}
	for i, share := range worst {
		if share > far {
			t.Errorf("%+v is nowhere below %.2f of the best: nothing needs measuring", fixed[i], share)
		}
	}
}

// The policy follows a disk that changes, in both directions.
func TestPolicyFollowsTheDisk(t *testing.T) {
	if err := checkFollowsTheDisk(newPolicy()); err != nil {
		t.Error(err)
	}
}

func checkFollowsTheDisk(g grouping) error {
	for _, d := range []simulation{
		{name: "batches at twice the cost", each: 0.25, flat: 5},
		{name: "batches at a fifth of it", each: 0.25, flat: 0.5}, // only an attempt shows it
		{name: "slow batches", each: 0.25, flat: 20},
		{name: "slow batches", each: 0.45, flat: 8, slope: 0.02, noise: 0.3},
		{name: "staged in memory", each: 1, flat: 1.2},
		{name: "slow batches again", each: 0.25, flat: 20},
	} {
		const n = 10
		const commits, last = 2000, 100
		right := 0 // of the last commits
		for i := range commits {
			took := d.each * n
			atomic := g.isAtomic(n)
			if atomic {
				took = d.flat
			}
			g.observe(n, atomic, time.Duration(took*1e6))
			if i >= commits-last && atomic == (d.flat < d.each*n) {
				right++
			}
		}
		if right < last*9/10 {
			return fmt.Errorf("%s: %d of the last %d commits are of the cheaper kind", d.name, right, last)
		}
	}
	return nil
}

// A lone event is committed at once, and one stall changes nothing.
func TestPolicyWaitsForNobodyAlone(t *testing.T) {
	if err := checkAlone(newPolicy()); err != nil {
		t.Error(err)
	}
}

func checkAlone(g grouping) error {
	for range 50 {
		if g.isAtomic(1) || g.planWait(1, 0) != 0 {
			return errors.New("a lone event waits or is a batch")
		}
		g.observe(1, false, time.Millisecond)
		g.expectAgain(1, 0)
	}
	before := g.isAtomic(3)
	g.observe(1, false, time.Minute)
	if after := g.isAtomic(3); before || after {
		return fmt.Errorf("3 events are an atomic batch: %v before the stall, %v after it", before, after)
	}
	return nil
}

// A batch stalls for a minute, and the disk is as before: from the next commits on, the
// policy chooses as before.
func TestPolicyForgetsAStall(t *testing.T) {
	if err := checkForgetsAStall(newPolicy()); err != nil {
		t.Error(err)
	}
}

func checkForgetsAStall(g grouping) error {
	const n = 40
	commit := func(atomic bool) {
		took := 40 * time.Millisecond // event by event
		if atomic {
			took = 4 * time.Millisecond
		}
		g.observe(n, atomic, took)
	}
	for i := range 400 {
		commit(i%2 == 0)
	}
	g.observe(n, true, time.Minute)
	for range 50 {
		if !g.isAtomic(n) {
			return fmt.Errorf("one stall turned %d events from the kind that costs a tenth", n)
		}
		commit(true)
	}
	return nil
}

// plantedPolicy is a policy with bugs.
type plantedPolicy struct {
	*policy
	waitsAlone, keepsWorst, believesStalls, neverRetries bool
}

func (p plantedPolicy) planWait(n int, sinceAnswer time.Duration) time.Duration {
	if p.waitsAlone {
		return max(maxLinger-sinceAnswer, 0)
	}
	return p.policy.planWait(n, sinceAnswer)
}

func (p plantedPolicy) isAtomic(n int) bool {
	if p.neverRetries {
		p.sinceEach, p.sinceAtomic = 0, 0
	}
	return p.policy.isAtomic(n)
}

func (p plantedPolicy) observe(n int, atomic bool, took time.Duration) {
	before := *p.policy
	p.policy.observe(n, atomic, took)
	seconds := took.Seconds()
	switch {
	case p.believesStalls && atomic:
		p.atomic = before.atomic
		p.atomic.addPoint(n, seconds)
	case p.believesStalls:
		p.each.value = before.each.value + weightOfNewest*(seconds/float64(n)-before.each.value)
	case p.keepsWorst && atomic && p.atomic.valueAt(n) < before.atomic.valueAt(n):
		p.atomic = before.atomic
	case p.keepsWorst && !atomic:
		p.each.value = max(p.each.value, before.each.value)
	}
}

// The checks of the policy find the bugs that they are for.
func TestChecksFindPlantedPolicies(t *testing.T) {
	checks := map[string]func(grouping) error{
		"follows the disk": checkFollowsTheDisk, "alone": checkAlone, "forgets a stall": checkForgetsAStall,
	}
	for name, bug := range map[string]struct {
		plant func(*plantedPolicy)
		found string // by this check
	}{
		"a group is never sent while idle":     {func(p *plantedPolicy) { p.waitsAlone = true }, "alone"},
		"an estimate stays at its worst":       {func(p *plantedPolicy) { p.keepsWorst = true }, "follows the disk"},
		"a stall is taken for the cost":        {func(p *plantedPolicy) { p.believesStalls = true }, "forgets a stall"},
		"the other kind is not tried any more": {func(p *plantedPolicy) { p.neverRetries = true }, "follows the disk"},
	} {
		p := plantedPolicy{policy: newPolicy()}
		if err := checks[bug.found](p); err != nil {
			t.Errorf("without a bug: %s: %v", bug.found, err)
		}
		p = plantedPolicy{policy: newPolicy()}
		bug.plant(&p)
		if checks[bug.found](p) == nil {
			t.Errorf("%s: not found", name)
		}
	}
}

// No wait exceeds its bound, however slow the disk is.
func TestPolicyBoundsTheWait(t *testing.T) {
	p := newPolicy()
	for range 100 {
		p.observe(100, true, 10*time.Second)
		p.observe(1, false, 10*time.Second)
		p.observeReturn(maxLinger)
		p.expectAgain(100, 400)
	}
	for _, tc := range []struct {
		n                 int
		sinceAnswer, want time.Duration
	}{
		{1, 0, maxLinger},
		{50, maxLinger / 4, maxLinger * 3 / 4},
		{50, maxLinger, 0},
		{50, 2 * maxLinger, 0},
		{437, 0, 0}, // seven eighths have come
		{436, 0, maxLinger},
	} {
		if got := p.planWait(tc.n, tc.sinceAnswer); got != tc.want {
			t.Errorf("%d events, %v after an answer: waits %v, want %v", tc.n, tc.sinceAnswer, got, tc.want)
		}
	}
}
