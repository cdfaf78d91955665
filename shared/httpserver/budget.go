package httpserver

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"
)

// Budget bounds the memory that requests hold, and shares it between the
// holders K, such as write keys: a holder may have as much as is left free. So
// one alone has half, two have a third each, and there is always room for one
// more, however much the others ask for.
//
// Small claims have a part of their own, a quarter, so that large ones do not
// stop them, nor those of the same holder. Where a share does not suffice, a
// transfer of that holder, or of a larger one, that is behind gives way: it is
// cut, and its memory goes to the new claim.
//
// A Budget is safe for concurrent use, a Claim is not.
type Budget[K comparable] struct {
	smallSize int64 // claims up to this size are small

	mu           sync.Mutex
	small, large part[K]
}

// part is one part of the budget.
type part[K comparable] struct {
	limit, used int64
	held        map[K]int64
	// first and last are the ends of the list of claims, in order of age.
	first, last *Claim[K]
	// searched is when no transfer was found to give way.
	searched time.Time
}

// NewBudget returns a budget of limit bytes, in which claims of up to small
// bytes are small.
func NewBudget[K comparable](limit, small int64) *Budget[K] {
	return &Budget[K]{
		smallSize: small,
		small:     part[K]{limit: limit / 4, held: map[K]int64{}},
		large:     part[K]{limit: limit - limit/4, held: map[K]int64{}},
	}
}

// Used returns how much is held.
func (b *Budget[K]) Used() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.small.used + b.large.used
}

// Claim is the memory that a request holds of a budget.
type Claim[K comparable] struct {
	budget *Budget[K]
	holder K
	// most bounds what the holder may have, whatever is free.
	most     int64
	transfer *Transfer // nil if the claim never waits for its client

	in         *part[K] // nil while size is 0
	size       int64
	prev, next *Claim[K]
	freed      chan struct{} // made by a claim that waits for this one
}

// NewClaim returns a claim on nothing yet. Of each part of the budget the holder
// may have at most most bytes. transfer, if not nil, is what the claim waits
// for.
func (b *Budget[K]) NewClaim(holder K, most int64, transfer *Transfer) *Claim[K] {
	return &Claim[K]{budget: b, holder: holder, most: most, transfer: transfer}
}

// Beside returns a claim of the same holder on nothing yet, that waits for no
// client.
func (c *Claim[K]) Beside() *Claim[K] { return c.budget.NewClaim(c.holder, c.most, nil) }

// Size returns how much the claim has.
func (c *Claim[K]) Size() int64 { return c.size }

// SetTransfer sets the transfer that the claim waits for from now on.
func (c *Claim[K]) SetTransfer(t *Transfer) {
	c.budget.mu.Lock()
	defer c.budget.mu.Unlock()
	c.transfer = t
}

// Resize changes the size of the claim and reports whether the holder may have
// it; if not, the size stays. It waits only for transfers that it cut, at most
// a second.
func (c *Claim[K]) Resize(ctx context.Context, size int64) bool {
	b := c.budget
	b.mu.Lock()
	ok := b.resize(c, size)
	var behind []yielding
	if !ok {
		behind = b.findBehind(c, size)
	}
	b.mu.Unlock()
	if ok || len(behind) == 0 {
		return ok
	}
	for _, other := range behind {
		other.transfer.Cut()
	}
	late := time.NewTimer(time.Second)
	defer late.Stop()
	for _, other := range behind {
		select {
		case <-other.freed:
		case <-late.C:
			return false
		case <-ctx.Done():
			return false
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.resize(c, size)
}

// Release gives everything back.
func (c *Claim[K]) Release() {
	c.budget.mu.Lock()
	defer c.budget.mu.Unlock()
	c.budget.resize(c, 0)
	if c.freed != nil {
		close(c.freed)
		c.freed = nil
	}
}

// partOf returns the part that serves claims of a size.
func (b *Budget[K]) partOf(size int64) *part[K] {
	if size <= b.smallSize {
		return &b.small
	}
	return &b.large
}

// resize changes a claim if its holder may have the new size. A claim that gets
// smaller stays where it is.
func (b *Budget[K]) resize(c *Claim[K], size int64) bool {
	to := b.partOf(size)
	if c.in != nil && size <= c.size {
		to = c.in
	}
	more := size
	if to == c.in {
		more -= c.size
	}
	if more > 0 && !to.allows(c.holder, c.most, more) {
		return false
	}
	if to != c.in || size == 0 {
		if c.in != nil {
			c.in.take(c.holder, -c.size)
			c.in.unlink(c)
		}
		if c.in = nil; size > 0 {
			c.in = to
			to.link(c)
		}
	}
	if c.in != nil {
		to.take(c.holder, more)
	}
	c.size = size
	return true
}

// allows reports whether a holder may have more bytes.
func (p *part[K]) allows(holder K, most, more int64) bool {
	held := p.held[holder] + more
	return held <= most && held <= p.limit-p.used
}

func (p *part[K]) take(holder K, n int64) {
	p.used += n
	if held := p.held[holder] + n; held > 0 {
		p.held[holder] = held
	} else {
		delete(p.held, holder)
	}
}

func (p *part[K]) link(c *Claim[K]) {
	if c.prev = p.last; c.prev != nil {
		c.prev.next = c
	} else {
		p.first = c
	}
	p.last = c
}

func (p *part[K]) unlink(c *Claim[K]) {
	if c.prev != nil {
		c.prev.next = c.next
	} else {
		p.first = c.next
	}
	if c.next != nil {
		c.next.prev = c.prev
	} else {
		p.last = c.prev
	}
	c.prev, c.next = nil, nil
}

// yielding is a claim that gives way: its transfer, and a channel that is closed
// when its memory is free.
type yielding struct {
	transfer *Transfer
	freed    <-chan struct{}
}

// searchInterval is the least time between two searches that find nothing.
const searchInterval = 100 * time.Millisecond

// findBehind returns the claims whose transfers must give way so that c may
// have size, those that are behind most first. It returns none if all that are
// behind do not suffice.
func (b *Budget[K]) findBehind(c *Claim[K], size int64) []yielding {
	to, now := b.partOf(size), time.Now()
	if now.Sub(to.searched) < searchInterval {
		return nil
	}
	more := size
	if to == c.in {
		more -= c.size
	}
	all := b.listBehind(c, to, to.held[c.holder]+more, now)
	held, used := to.held[c.holder]+more, to.used
	var chosen []yielding
	for _, a := range all {
		if a.claim.freed == nil {
			a.claim.freed = make(chan struct{})
		}
		chosen = append(chosen, yielding{a.claim.transfer, a.claim.freed})
		used -= a.claim.size
		if a.claim.holder == c.holder {
			held -= a.claim.size
		}
		if held <= c.most && held <= to.limit-used {
			return chosen
		}
	}
	to.searched = now
	return nil
}

// delayed is a claim whose transfer is behind.
type delayed[K comparable] struct {
	claim *Claim[K]
	delay time.Duration
}

// listBehind returns the claims of a part that are behind, most first: those of
// the holder of c, and of holders that have at least held.
func (b *Budget[K]) listBehind(c *Claim[K], p *part[K], held int64, now time.Time) []delayed[K] {
	var all []delayed[K]
	for other := p.first; other != nil; other = other.next {
		if other == c || other.transfer == nil || other.holder != c.holder && p.held[other.holder] < held {
			continue
		}
		if delay := other.transfer.delay(now); delay >= yieldAfter {
			all = append(all, delayed[K]{other, delay})
		}
	}
	slices.SortFunc(all, func(a, b delayed[K]) int { return cmp.Compare(b.delay, a.delay) })
	return all
}
