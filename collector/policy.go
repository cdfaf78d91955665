package collector

import "time"

// policy decides how events are grouped: whether a batch is published as one atomic
// batch or event by event, and how long it waits for more events. It knows what the
// last commits cost:
//
//	event by event   a sync each             n · each
//	atomic batch     staging and one sync    flat + n · slope
//
// Where the two meet depends on the disk, on the other files that are synced there and
// on where the server stages batches: between 2 events and more than 20. So it is
// measured. So is the time in which clients whose events are answered send the next
// ones: it depends on them, on the network and on busy processors. It is not safe for
// concurrent use.
type policy struct {
	each    average // seconds of an event published alone
	atomic  lineFit // seconds of an atomic batch, by its events
	returns lineFit // seconds until most of the events answered are followed by others, by their number
	// sinceEach and sinceAtomic are the seconds of commits since the last one of each kind.
	sinceEach, sinceAtomic float64
	// answered is how many events the last commit answered, expected how many the next
	// batch waits for.
	answered, expected int
}

const (
	// maxLinger bounds the wait of a batch for more events.
	maxLinger = 20 * time.Millisecond
	// firstEach, firstAtomic and firstReturn stand for times that are not measured yet,
	// in seconds.
	firstEach, firstAtomic, firstReturn = 0.00025, 0.004, 0.0005
	// weightOfNewest is the share that the newest commit has in an estimate.
	weightOfNewest = 1.0 / 16
	// maxOutlier bounds the time of a commit by its estimate: one stall of the disk
	// says little about the next commit.
	maxOutlier = 4
	// attemptAfter is how many times what the dearer kind costs more must have passed in
	// commits before it is measured again. So attempts cost a hundredth at most.
	attemptAfter = 100
	// lateness is how many times the estimated time a batch waits for the events that
	// follow an answer.
	lateness = 1.3
)

func newPolicy() *policy {
	p := &policy{each: average{firstEach}}
	p.atomic.addPoint(1, firstAtomic)
	p.returns.addPoint(1, firstReturn)
	return p
}

// isAtomic reports whether n events are published as one atomic batch: if that is
// cheaper, or if it costs little to measure it again.
func (p *policy) isAtomic(n int) bool {
	if n < 2 {
		return false
	}
	each, atomic := float64(n)*p.each.value, p.atomic.valueAt(n)
	if atomic < each {
		return p.sinceEach < attemptAfter*(each-atomic)
	}
	return p.sinceAtomic >= attemptAfter*(atomic-each)
}

// planWait returns how much longer a batch of n events waits for the next one, so long
// after the last answer; 0 commits it.
//
// It waits for all events that are expected, if they are committed earlier together,
// when they should be there, than by a commit now and another for those that come
// during it. It does not decide for each event alone: after an answer none comes for a
// while, and then all do.
func (p *policy) planWait(n int, sinceAnswer time.Duration) time.Duration {
	if n >= p.expected {
		return 0
	}
	returns := p.returns.valueAt(p.answered)
	rest := max(returns-sinceAnswer.Seconds(), 0)
	if rest+p.estimateCost(p.expected) >= max(p.estimateCost(n), rest)+p.estimateCost(p.expected-n) {
		return 0
	}
	last := min(time.Duration(lateness*returns*float64(time.Second)), maxLinger)
	return max(last-sinceAnswer, 0)
}

// estimateCost returns the seconds of a commit of n events by the cheaper kind.
func (p *policy) estimateCost(n int) float64 {
	return min(float64(n)*p.each.value, p.atomic.valueAt(n))
}

// observe takes in the cost of a commit of n events.
func (p *policy) observe(n int, atomic bool, took time.Duration) {
	if atomic {
		seconds := min(took.Seconds(), maxOutlier*p.atomic.valueAt(n))
		p.atomic.addPoint(n, seconds)
		p.sinceEach, p.sinceAtomic = p.sinceEach+seconds, 0
	} else {
		seconds := min(took.Seconds(), maxOutlier*float64(n)*p.each.value)
		p.each.addCost(seconds / float64(n))
		p.sinceEach, p.sinceAtomic = 0, p.sinceAtomic+seconds
	}
}

// expectAgain takes in that n events were committed while others arrived. Together
// they are all that were in flight, and nearly as many will be: clients send the next
// event when one is answered. The slowest are not waited for.
func (p *policy) expectAgain(n, arrived int) {
	p.answered, p.expected = n, min(most(n+arrived), maxBatch)
}

// observeReturn takes in how long after the last answers most of their events were
// followed by others. An estimate of 0 would bound every later one to 0.
func (p *policy) observeReturn(took time.Duration) {
	if p.answered > 0 {
		seconds := max(took, time.Microsecond).Seconds()
		p.returns.addPoint(p.answered, min(seconds, maxOutlier*p.returns.valueAt(p.answered)))
	}
}

// most is the part of n events that is waited for.
func most(n int) int { return max(n*7/8, 1) }

// average is a mean in which old values fade.
type average struct{ value float64 }

func (a *average) addCost(v float64) { a.value += weightOfNewest * (v - a.value) }

// lineFit is the line through points (n, v) by least squares, in which old points
// fade. Its zero value has no points and no line.
type lineFit struct{ weight, n, v, nn, nv float64 }

func (f *lineFit) addPoint(count int, v float64) {
	n := float64(count)
	f.weight = f.weight*(1-weightOfNewest) + 1
	f.n = f.n*(1-weightOfNewest) + n
	f.v = f.v*(1-weightOfNewest) + v
	f.nn = f.nn*(1-weightOfNewest) + n*n
	f.nv = f.nv*(1-weightOfNewest) + n*v
}

// valueAt returns the value of the line at a count. The line never falls and never
// begins below 0; through points of one count it is level.
func (f *lineFit) valueAt(count int) float64 {
	meanN, meanV := f.n/f.weight, f.v/f.weight
	variance := f.nn/f.weight - meanN*meanN
	slope := (f.nv/f.weight - meanN*meanV) / (variance + 1)
	slope = min(max(slope, 0), meanV/meanN)
	return meanV + slope*(float64(count)-meanN)
}
