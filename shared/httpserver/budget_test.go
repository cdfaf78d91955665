package httpserver

import (
	"context"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

const (
	mib       = 1 << 20
	smallSize = 64 << 10
)

func noDeadline(time.Time) error { return nil }

// claimAll claims pieces for a holder until it gets no more, and returns how much
// it has.
func claimAll(b *Budget[string], holder string, piece int64) (held int64) {
	for b.NewClaim(holder, math.MaxInt64, nil).Resize(context.Background(), piece) {
		held += piece
	}
	return held
}

// A holder may have as much as it leaves free, so that each one more finds room.
func TestBudgetIsShared(t *testing.T) {
	b := NewBudget[string](400*mib, smallSize) // 300 MiB for large claims
	for i, want := range []int64{150, 75, 38, 19, 9} {
		if got := claimAll(b, string(rune('a'+i)), mib); got != want*mib {
			t.Errorf("holder %d gets %d MiB, want %d", i, got/mib, want)
		}
	}
	if got := claimAll(b, "small", smallSize); got != 50*mib {
		t.Errorf("small claims get %d MiB beside large ones, want 50", got/mib)
	}
	if got := claimAll(b, "a", smallSize); got != 25*mib {
		t.Errorf("small claims of a holder of large ones get %d MiB, want 25", got/mib)
	}
}

func TestClaimHasABound(t *testing.T) {
	b := NewBudget[string](400*mib, smallSize)
	c := b.NewClaim("a", 10*mib, nil)
	if !c.Resize(t.Context(), 10*mib) || c.Resize(t.Context(), 10*mib+1) {
		t.Error("the bound of the holder does not hold")
	}
	if c.Size() != 10*mib || b.Used() != 10*mib {
		t.Errorf("size %d, used %d", c.Size(), b.Used())
	}
}

// Whatever claims come, grow, shrink and go, the sums are right and in bounds.
func TestBudgetAddsUp(t *testing.T) {
	const limit = 8 * mib
	b := NewBudget[int](limit, smallSize)
	random := rand.New(rand.NewPCG(1, 2))
	claims := make([]*Claim[int], 40)
	for i := range claims {
		claims[i] = b.NewClaim(i%5, 3*mib, nil)
	}
	for range 20_000 {
		c := claims[random.IntN(len(claims))]
		switch random.IntN(4) {
		case 0:
			c.Release()
		default:
			c.Resize(t.Context(), random.Int64N(300<<10))
		}
		var sum, listed int64
		for _, c := range claims {
			sum += c.Size()
		}
		for _, p := range []*part[int]{&b.small, &b.large} {
			for c := p.first; c != nil; c = c.next {
				listed += c.size
			}
		}
		if got := b.Used(); got != sum || got != listed || got > limit {
			t.Fatalf("used %d, claimed %d, listed %d of %d", got, sum, listed, limit)
		}
	}
	for _, c := range claims {
		c.Release()
	}
	if b.Used() != 0 || len(b.small.held) != 0 || len(b.large.held) != 0 {
		t.Errorf("used %d, held %v %v", b.Used(), b.small.held, b.large.held)
	}
}

// runningTransfer is a transfer that has moved n bytes since its start, and
// whose claim is released when it is cut.
func runningTransfer(n int) *Transfer {
	t := new(Transfer)
	t.Start(DefaultBodyPace, noDeadline)
	t.Advance(n)
	return t
}

// Transfers that are far behind give way to those of their holder and of smaller
// ones, those furthest behind first, and no more of them than needed.
func TestTransfersBehindGiveWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget[string](40*mib, smallSize) // 30 MiB for large claims
		var wg sync.WaitGroup
		defer wg.Wait()
		hold := func(holder string, transfer *Transfer) *Claim[string] {
			c := b.NewClaim(holder, math.MaxInt64, transfer)
			if !c.Resize(t.Context(), 5*mib) {
				t.Fatalf("%s gets nothing", holder)
			}
			return c
		}
		stalled := runningTransfer(100)
		first := hold("a", stalled)
		time.Sleep(time.Second)
		fast, later := runningTransfer(4*mib), runningTransfer(100)
		hold("a", fast)
		third := hold("a", later)
		next := b.NewClaim("a", math.MaxInt64, nil)
		if next.Resize(t.Context(), 5*mib) {
			t.Fatal("a holder gets more than its share while nothing is far behind")
		}
		time.Sleep(1500 * time.Millisecond) // first is behind, third not yet
		fast.Advance(1)
		for _, c := range []struct {
			transfer *Transfer
			claim    *Claim[string]
		}{{stalled, first}, {later, third}} {
			wg.Go(func() {
				for range 1000 {
					if time.Sleep(10 * time.Millisecond); c.transfer.WasCut() {
						c.claim.Release()
						return
					}
				}
			})
		}
		if !next.Resize(t.Context(), 5*mib) || !stalled.WasCut() || later.WasCut() || fast.WasCut() {
			t.Errorf("size %d; cut: %t %t %t", next.Size(), stalled.WasCut(), later.WasCut(), fast.WasCut())
		}
		time.Sleep(time.Second)
		if other := b.NewClaim("c", math.MaxInt64, nil); !other.Resize(t.Context(), 4*mib) {
			t.Error("another holder gets nothing")
		}
		if smaller := b.NewClaim("b", math.MaxInt64, nil); !smaller.Resize(t.Context(), 12*mib) || !later.WasCut() {
			t.Errorf("a smaller holder gets %d; cut: %t", smaller.Size(), later.WasCut())
		}
	})
}

// The wait for a transfer that gives way is bounded, and ends with its request.
func TestWaitForTransfersIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget[string](40*mib, smallSize)
		stuck := b.NewClaim("a", math.MaxInt64, runningTransfer(0))
		stuck.Resize(t.Context(), 14*mib)
		time.Sleep(time.Minute)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		start := time.Now()
		if b.NewClaim("a", math.MaxInt64, nil).Resize(ctx, 5*mib) || time.Since(start) != 0 {
			t.Errorf("it waits for %v beyond its request", time.Since(start))
		}
	})
}

// A body within its pace is not behind, however long it takes.
func TestDelayOfATransfer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fast := runningTransfer(0)
		for range 100 {
			time.Sleep(time.Second)
			fast.Advance(yieldRate)
		}
		if got := fast.delay(time.Now()); got != 0 {
			t.Errorf("a transfer at the rate is %v behind", got)
		}
		time.Sleep(3 * time.Second)
		if got := fast.delay(time.Now()); got != 3*time.Second {
			t.Errorf("after 3 s without a byte it is %v behind", got)
		}
		fast.End()
		if got := fast.delay(time.Now()); got != 0 {
			t.Errorf("a transfer at rest is %v behind", got)
		}
	})
}
