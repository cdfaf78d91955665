package demo

import (
	"math/rand/v2"
	"time"
	_ "time/tzdata" // the zones of the visitors, on every machine
)

// plan is what a visitor has signed up for.
type plan uint8

const (
	planNone plan = iota
	planFree
	planPro
	planTeam
)

// String is the plan's name in events.
func (p plan) String() string { return [...]string{"", "free", "pro", "team"}[p] }

// visitor is one person with one device.
type visitor struct {
	number  uint32
	home    *country
	device  string
	source  *source // how the first visit came
	variant string  // of the page under test
	plan    plan
	// pause is the mean time between two visits, 0 where there is only one.
	pause time.Duration
}

// newVisitor returns the visitor before the first visit.
func (s *Sample) newVisitor(number uint32) visitor {
	rng := s.newRand(number, planStream+1)
	v := visitor{number: number}
	v.home = pick(rng, countries, func(c *country) int { return c.share })
	v.device = pick(rng, devices, func(d *device) int { return d.share }).name
	v.source = pick(rng, sources, func(o *source) int { return o.share })
	v.pause = pick(rng, habits, func(h *habit) int { return h.share }).pause
	v.variant = [...]string{"exp-a", "exp-b"}[rng.IntN(2)]
	return v
}

// firstVisit returns when the visitor comes first, which may be before the
// sample. The shop grows slowly.
func (v *visitor) firstVisit(rng *rand.Rand, s *Sample) int64 {
	from := s.from - history.Microseconds()
	at := v.chooseTime(rng, from, s.until)
	if rng.IntN(4) == 0 {
		at = max(at, v.chooseTime(rng, from, s.until))
	}
	return at
}

// nextVisit returns when the visitor comes back after a visit that ended at end;
// that may be after the sample.
func (v *visitor) nextVisit(rng *rand.Rand, s *Sample, end int64) int64 {
	if v.pause == 0 {
		return s.until
	}
	const around, rest = 36 * 3600 * 1_000_000, 1800 * 1_000_000
	about := end + spread(rng, v.pause.Microseconds())
	return v.chooseTime(rng, max(end+rest, about-around), max(end+rest, about)+around)
}

// chooseTime returns a time in [from, to) at which the visitor is likely awake.
func (v *visitor) chooseTime(rng *rand.Rand, from, to int64) int64 {
	var at int64
	for range 100 { // two or three suffice, but for a range within one night
		at = from + rng.Int64N(to-from)
		local := time.UnixMicro(at).In(v.home.zone)
		if rng.IntN(100*100) < weekdayBusy[local.Weekday()]*hourBusy[local.Hour()] {
			break
		}
	}
	return at
}

// spread returns a time of the given mean, distributed as waiting times are:
// mostly short, sometimes long. It uses integers alone, so it is the same on
// every machine.
func spread(rng *rand.Rand, mean int64) int64 {
	// Thousandths of the mean, at sixteenths of the exponential distribution.
	quantiles := [...]int64{0, 65, 134, 208, 288, 375, 470, 575, 693, 827, 981, 1163, 1386, 1674, 2079, 2773, 4300}
	i := rng.IntN(len(quantiles) - 1)
	return mean * (quantiles[i] + rng.Int64N(quantiles[i+1]-quantiles[i])) / 1000
}

// pick returns one of the choices by their shares.
func pick[T any](rng *rand.Rand, choices []T, share func(*T) int) *T {
	sum := 0
	for i := range choices {
		sum += share(&choices[i])
	}
	n := rng.IntN(sum)
	for i := range choices {
		if n -= share(&choices[i]); n < 0 {
			return &choices[i]
		}
	}
	return &choices[0] // not reached: n is below the sum
}
