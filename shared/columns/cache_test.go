package columns

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/query/filter"
)

// countedCache counts the values that a cache makes.
type countedCache struct {
	*Cache
	made atomic.Int32
}

// load asks for a value of so many bytes, and reports whether it was held.
func (c *countedCache) load(t *testing.T, name string, size int) (held bool) {
	t.Helper()
	made := false
	v, err := c.loadValue(t.Context(), cacheKey{name: name}, func() (any, error) {
		c.made.Add(1)
		made = true
		return make([]uint16, size/2), nil
	})
	if err != nil || len(v.([]uint16)) != size/2 {
		t.Errorf("%s: %v, %v", name, v, err)
	}
	return !made
}

func TestCacheMakesAValueOnceAndStaysBounded(t *testing.T) {
	c := countedCache{Cache: NewCache(1000)}
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() { c.load(t, "a", 400) })
	}
	all.Wait()
	if c.made.Load() != 1 || c.Bytes() != 400 {
		t.Fatalf("made %d times, %d bytes", c.made.Load(), c.Bytes())
	}
	c.load(t, "b", 400)
	c.load(t, "large", 2000)
	if !c.load(t, "a", 400) || !c.load(t, "b", 400) || c.load(t, "large", 2000) || c.Bytes() != 800 {
		t.Fatalf("made %d times, %d bytes", c.made.Load(), c.Bytes())
	}
	// A new value gives way to those that are in use, until it is asked for again.
	first, second := c.load(t, "c", 400), c.load(t, "c", 400)
	if first || second || !c.load(t, "c", 400) || !c.load(t, "b", 400) || c.Bytes() != 800 {
		t.Fatalf("made %d times, %d bytes", c.made.Load(), c.Bytes())
	}
	if c.load(t, "a", 400) {
		t.Fatal("three values of 400 bytes are held in 1000 bytes")
	}
}

// askRounds asks for n values of one byte each, one after the other, and returns how many
// of them were held in the last round.
func (c *countedCache) askRounds(t *testing.T, prefix string, n, rounds int) (held int) {
	t.Helper()
	for range rounds {
		held = 0
		for i := range n {
			if c.load(t, fmt.Sprint(prefix, i), 2) {
				held++
			}
		}
	}
	return held
}

func TestCacheKeepsAPartOfValuesThatAreMoreThanItHolds(t *testing.T) {
	const room = 100
	for _, n := range []int{room, room + 1, 3 * room / 2, 5 * room} {
		c := countedCache{Cache: NewCache(2 * room)}
		if held := c.askRounds(t, "a", n, 10); held < room-1 || c.Bytes() != 2*room {
			t.Errorf("of %d values %d are held, %d bytes", n, held, c.Bytes())
		}
		// Others that are asked for from now on take the place of these.
		if held := c.askRounds(t, "b", n, 10); held < room-1 {
			t.Errorf("of %d other values %d are held", n, held)
		}
	}
}

func TestIdleValuesGiveWayAtOnce(t *testing.T) {
	c := countedCache{Cache: NewCache(20)}
	c.askRounds(t, "a", 10, 1)
	c.askRounds(t, "a", 5, 2*idleRounds*10/5+1)
	c.load(t, "b", 10)
	if !c.load(t, "b", 10) || c.askRounds(t, "a", 5, 1) != 5 {
		t.Error("a value gave way to idle ones, or took the place of others")
	}
}

func TestUsesThatAreNotedAreBounded(t *testing.T) {
	c := countedCache{Cache: NewCache(0)}
	if c.askRounds(t, "a", mostAsked+10, 1); len(c.asked) > mostAsked || len(c.asked) == 0 || len(c.entries) > 0 {
		t.Errorf("%d uses are noted, %d values held", len(c.asked), len(c.entries))
	}
}

func TestCacheKeepsNoFailure(t *testing.T) {
	c := NewCache(1000)
	key := cacheKey{name: "x"}
	failure := errors.New("x")
	if _, err := c.loadValue(t.Context(), key, func() (any, error) { return nil, failure }); !errors.Is(err, failure) {
		t.Fatal(err)
	}
	func() {
		defer func() { _ = recover() }()
		_, _ = c.loadValue(t.Context(), key, func() (any, error) { panic("x") })
	}()
	// Who waits for a maker whose context ends makes the value itself.
	started, ended := make(chan bool), make(chan bool)
	go func() {
		_, _ = c.loadValue(t.Context(), key, func() (any, error) {
			close(started)
			<-ended
			return nil, context.Canceled
		})
	}()
	<-started
	waiting := make(chan error)
	go func() {
		_, err := c.loadValue(t.Context(), key, func() (any, error) { return []uint16{}, nil })
		waiting <- err
	}()
	close(ended)
	if err := <-waiting; err != nil {
		t.Fatal(err)
	}
}

func TestValuesLeaveTheCacheWithTheirPart(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 4))
	cache := NewCache(DefaultCacheBytes)
	kept := buildPart(t, randomDocuments(r, 50))
	loadType := func(p *Part) {
		if _, err := p.Column(t.Context(), filter.Field{Name: filter.Type}); err != nil {
			t.Fatal(err)
		}
	}
	kept.UseCache(cache)
	loadType(kept)
	before := cache.Bytes()
	func() {
		gone := buildPart(t, randomDocuments(r, 50))
		gone.UseCache(cache)
		loadType(gone)
	}()
	for deadline := time.Now().Add(time.Minute); cache.Bytes() != before; runtime.Gosched() {
		if runtime.GC(); time.Now().After(deadline) {
			t.Fatalf("%d bytes, want %d", cache.Bytes(), before)
		}
	}
	runtime.KeepAlive(kept)
}

// Columns are asked for at once from many goroutines while the cache drops them.
func TestColumnsAreSafeForConcurrentUse(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 4))
	docs := randomDocuments(r, 60)
	p, _ := writePart(t, buildPart(t, docs))
	p.UseCache(NewCache(2000))
	docs = sortedDocuments(docs)
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			r := rand.New(rand.NewPCG(uint64(i), 4))
			for range 20 {
				checkColumn(t, p, docs, randomField(r))
			}
		})
	}
	all.Wait()
}
