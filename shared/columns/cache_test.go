package columns

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/theeye/theeye/shared/query/filter"
)

func TestCacheMakesAValueOnceAndStaysBounded(t *testing.T) {
	c := NewCache(1000)
	var made atomic.Int32
	load := func(name string, size int) []uint16 {
		v, err := c.loadValue(t.Context(), cacheKey{nil, name}, func() (any, error) {
			made.Add(1)
			return make([]uint16, size/2), nil
		})
		if err != nil {
			t.Error(err)
			return nil
		}
		return v.([]uint16)
	}
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() { load("a", 400) })
	}
	all.Wait()
	if made.Load() != 1 || c.Bytes() != 400 {
		t.Fatalf("made %d times, %d bytes", made.Load(), c.Bytes())
	}
	load("b", 400)
	load("a", 400)
	load("c", 400) // drops b
	load("large", 2000)
	load("a", 400)
	if made.Load() != 4 || c.Bytes() != 800 {
		t.Fatalf("made %d times, %d bytes", made.Load(), c.Bytes())
	}
	load("b", 400)
	load("large", 2000)
	if made.Load() != 6 {
		t.Fatalf("made %d times", made.Load())
	}
}

func TestCacheKeepsNoFailure(t *testing.T) {
	c := NewCache(1000)
	key := cacheKey{nil, "x"}
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

func TestForgottenPartsLeaveTheCache(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 4))
	cache := NewCache(DefaultCacheBytes)
	a, b := buildPart(t, randomDocuments(r, 50)), buildPart(t, randomDocuments(r, 50))
	for _, p := range []*Part{a, b} {
		p.UseCache(cache)
		if _, err := p.Column(t.Context(), filter.Field{Name: filter.Type}); err != nil {
			t.Fatal(err)
		}
	}
	before := cache.Bytes()
	if cache.Forget(a); cache.Bytes() == 0 || cache.Bytes() >= before {
		t.Errorf("%d bytes of %d", cache.Bytes(), before)
	}
	if cache.Forget(b); cache.Bytes() != 0 {
		t.Errorf("%d bytes", cache.Bytes())
	}
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
