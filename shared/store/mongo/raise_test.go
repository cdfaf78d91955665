package mongo_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/store/mongo"
	"github.com/theeye/theeye/shared/store/mongo/mongotest"
	"github.com/theeye/theeye/shared/store/storetest"
)

// Between the comparison of a document and the raise of its revision, any other process
// may write. Then the raise has no effect on it.
func TestRaiseAffectsNothingThatWasWrittenSince(t *testing.T) {
	t.Parallel()
	raised := func(d *store.Document, by uint64) *store.Document {
		return storetest.With(d, func(d *store.Document) { d.Revision += by })
	}
	for name, change := range map[string]func(context.Context, *testing.T, *mongo.Store, *driver.Collection, *store.Document){
		"a newer revision": func(ctx context.Context, t *testing.T, s *mongo.Store, _ *driver.Collection, d *store.Document) {
			replaceOne(ctx, t, s, storetest.With(raised(d, 7), func(d *store.Document) { d.Data = []byte(`{"newer":1}`) }))
		},
		"an earlier copy": func(ctx context.Context, t *testing.T, s *mongo.Store, _ *driver.Collection, d *store.Document) {
			replaceOne(ctx, t, s, storetest.With(d, func(d *store.Document) { d.Origin.Seq, d.Data = 1<<40, []byte(`{"earlier":1}`) }))
		},
		"another retention": func(ctx context.Context, t *testing.T, s *mongo.Store, _ *driver.Collection, _ *store.Document) {
			_, n := storetest.ApplyAll(t, s, store.RetentionPortion{Limit: 100, Retention: store.Retention{
				Revision: 1 << 20, Of: func(string, string, store.Status) time.Duration { return 100 * 365 * 24 * time.Hour },
			}})
			if n == 0 {
				t.Error("the retention changes nothing")
			}
		},
		"an expiry, and another insertion into another slot": func(ctx context.Context, t *testing.T, s *mongo.Store, events *driver.Collection, d *store.Document) {
			if _, err := events.DeleteOne(ctx, bson.D{{Key: "_id", Value: d.ID}}); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Insert(ctx, []*store.Document{d.InSlot(d.EffectiveSlot() + 1)}); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := mongotest.Config(t)
			s := mongotest.Open(t, cfg)
			if err := s.Prepare(t.Context()); err != nil {
				t.Fatal(err)
			}
			events := mongotest.Collection(t, cfg, "events")
			docs := storetest.Events(0, 3)
			docs[1].Origin.Seq = 1 << 41
			if _, err := s.Insert(t.Context(), docs); err != nil {
				t.Fatal(err)
			}
			var after []*store.Document
			higher := []*store.Document{raised(docs[0], 1), raised(docs[1], 1), raised(docs[2], 1)}
			errs, err := s.ReplaceAfter(t.Context(), higher, func() {
				change(t.Context(), t, s, events, docs[1])
				after = lookUp(t, s, docs[1].ID)
			})
			if err != nil {
				t.Fatal(err)
			}
			if !errors.Is(errs[1], store.ErrNoMatch) {
				t.Errorf("the raise of the changed document: %v", errs[1])
			}
			if diff := cmp.Diff(after, lookUp(t, s, docs[1].ID)); diff != "" {
				t.Errorf("the raise changed it (-before +after):\n%s", diff)
			}
			// The others are raised at the latest when the writer tries again.
			if _, err := store.NewWriter(store.WriterConfig{Backend: s}).Write(t.Context(), higher); err != nil {
				t.Fatal(err)
			}
			for _, i := range []int{0, 2} {
				if got := lookUp(t, s, docs[i].ID); got[0].Revision != docs[i].Revision+1 {
					t.Errorf("document %d is at %d", i, got[0].Revision)
				}
			}
		})
	}
}

func replaceOne(ctx context.Context, t *testing.T, s *mongo.Store, d *store.Document) {
	t.Helper()
	errs, err := s.Replace(ctx, []*store.Document{d})
	if err = errors.Join(append(errs, err)...); err != nil {
		t.Fatal(err)
	}
}

func lookUp(t *testing.T, s *mongo.Store, id string) []*store.Document {
	t.Helper()
	docs, err := s.Lookup(t.Context(), []string{id})
	if err != nil || len(docs) != 1 {
		t.Fatalf("%d documents under %s: %v", len(docs), id, err)
	}
	return docs
}
