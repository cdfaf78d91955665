package editor

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/registry/registrytest"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/stream"
)

// Every reader sees the new revision, with the same types.
func TestBumpMakesARevisionThatValidatesAlike(t *testing.T) {
	e, js := newEditor(t)
	put := putType(t, e, registrytest.SomeType, `{"minProperties": 1}`, 0)
	r := run(t, registry.Config{JetStream: js})
	loaded := registrytest.AwaitSnapshot(t, r, "the revision is known", func(s *registry.Snapshot) bool { return s.Schemas.Revision() == put })
	first, err := e.Bump(registrytest.Context(t), ann)
	if err != nil {
		t.Fatal(err)
	}
	if first <= put {
		t.Errorf("the revision is %d, and was %d", first, put)
	}
	s := registrytest.AwaitSnapshot(t, r, "the revision is known", func(s *registry.Snapshot) bool { return s.Schemas.Revision() == first })
	if diff := cmp.Diff(loaded.Schemas.Types(), s.Schemas.Types()); diff != "" {
		t.Errorf("types changed (-before +after):\n%s", diff)
	}
	second, err := e.Bump(registrytest.Context(t), ann)
	if err != nil || second <= first {
		t.Errorf("the second one is %d (%v), after %d", second, err, first)
	}
	rebuilt, err := registry.At(registrytest.Context(t), js, second)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]schema.Type{registrytest.SomeType}, rebuilt.Types()); diff != "" || rebuilt.Revision() != second {
		t.Errorf("rebuilt at revision %d (-want +got):\n%s", rebuilt.Revision(), diff)
	}
}

// The history names who made it and why, as of every other change.
func TestBumpIsAmongTheChanges(t *testing.T) {
	e, _ := newEditor(t)
	putType(t, e, registrytest.SomeType, `{}`, 0)
	for range 2 {
		if _, err := e.Bump(registrytest.Context(t), ann); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"replay / updated 3 by ann:  -> ", "replay / created 2 by ann:  -> "}
	if diff := cmp.Diff(want, briefs(changesOf(t, e, ChangesQuery{Kind: KindReplay}))); diff != "" {
		t.Errorf("replays (-want +got):\n%s", diff)
	}
	all := changesOf(t, e, ChangesQuery{})
	if len(all) != 3 || all[0].Kind != KindReplay {
		t.Fatalf("all changes: %v", briefs(all))
	}
	wantAuthor(t, all[0].Author, all[0].Note, all[0].Time)
	if types, err := e.Schemas(registrytest.Context(t)); err != nil || len(types) != 1 {
		t.Errorf("%d types, error %v", len(types), err)
	}
}

func TestConcurrentBumpsMakeDifferentRevisions(t *testing.T) {
	e, js := newEditor(t)
	const n = 8
	var mu sync.Mutex
	seen := map[uint64]bool{}
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			revision, err := New(js).Bump(registrytest.Context(t), ann)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			seen[revision] = true
		})
	}
	all.Wait()
	if len(seen) != n {
		t.Errorf("%d bumps made the revisions %v", n, seen)
	}
	s, err := js.Stream(registrytest.Context(t), stream.BucketStream(stream.BucketSchemas))
	if err != nil {
		t.Fatal(err)
	}
	if last := s.CachedInfo().State.LastSeq; last != n || !seen[last] {
		t.Errorf("the bucket ends at %d, the bumps made %v", last, seen)
	}
	_, err = e.Bump(registrytest.Context(t), registry.ChangeInfo{Author: "ann", Note: strings.Repeat("x", MaxNote+1)})
	var invalid *InvalidError
	if !errors.As(err, &invalid) {
		t.Errorf("a note that is too long: %v", err)
	}
}
