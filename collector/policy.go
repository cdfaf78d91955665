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
// measured. It is not safe for concurrent use.
type policy struct {
	each   average // seconds of an event published alone
	atomic lineFit // seconds of an atomic batch, by its events
	// sinceEach and sinceAtomic count the commits since the last one of each kind.
	sinceEach, sinceAtomic int
	// expected is how many events the next batch waits for.
	expected int
}

const (
	// maxLinger bounds the wait of a batch for more events.
	maxLinger = 20 * time.Millisecond
	// firstEach and firstAtomic stand for costs that are not measured yet, in seconds.
	firstEach, firstAtomic = 0.00025, 0.004
	// weightOfNewest is the share that the newest commit has in an estimate.
	weightOfNewest = 1.0 / 16
	// maxOutlier bounds the cost of a commit by its estimate: one stall of the disk
	// says little about the next commit.
	maxOutlier = 4
	// retryAfter is the number of commits after which the kind that was not chosen is
	// measured again, if it is estimated below retryCost times the other.
	retryAfter, retryCost = 100, 3
)

func newPolicy() *policy {
	p := &policy{each: average{firstEach}}
	p.atomic.addPoint(1, firstAtomic)
	return p
}

// isAtomic reports whether n events are published as one atomic batch.
func (p *policy) isAtomic(n int) bool {
	each, atomic := float64(n)*p.each.value, p.atomic.valueAt(n)
	switch {
	case n < 2:
		return false
	case p.sinceEach > retryAfter && each < retryCost*atomic:
		return false
	case p.sinceAtomic > retryAfter && atomic < retryCost*each:
		return true
	}
	return atomic < each
}

// patience returns how much longer a batch of n events waits for the next one; 0
// commits it. It has waited already, and came events arrived in that time.
//
// It waits only for events that are expected, and for each no longer than an event of
// this batch costs: a later one delays the others by more than it saves. What the
// early ones leave of that, the late ones may use.
func (p *policy) patience(n, came int, waited time.Duration) time.Duration {
	together := p.atomic.valueAt(p.expected)
	if n >= p.expected || together >= float64(p.expected)*p.each.value {
		return 0
	}
	cost := min(p.each.value, p.atomic.valueAt(n)/float64(n))
	budget := time.Duration(cost * float64(came+1) * float64(time.Second))
	return max(min(budget, maxLinger)-waited, 0)
}

// observe takes in the cost of a commit of n events.
func (p *policy) observe(n int, atomic bool, took time.Duration) {
	p.sinceEach, p.sinceAtomic = p.sinceEach+1, p.sinceAtomic+1
	if seconds := took.Seconds(); atomic {
		p.sinceAtomic = 0
		p.atomic.addPoint(n, min(seconds, maxOutlier*p.atomic.valueAt(n)))
	} else {
		p.sinceEach = 0
		p.each.addCost(min(seconds/float64(n), maxOutlier*p.each.value))
	}
}

// expectAgain takes in that n events were committed while others arrived. Together
// they are all that were in flight, and nearly as many will be: clients send the next
// event when one is answered. The slowest are not waited for.
func (p *policy) expectAgain(n, arrived int) {
	p.expected = min((n+arrived)*7/8, maxBatch)
}

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
