package mongo_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/store/mongo"
	"github.com/theeye/theeye/shared/store/mongo/mongotest"
	"github.com/theeye/theeye/shared/store/storetest"
)

// writeLayout2 makes a database of layout 2 with documents: as Insert of that layout
// encoded them, which is as that of this one without a slot of their own.
func writeLayout2(t *testing.T, cfg mongo.Config, docs []*store.Document) {
	t.Helper()
	layout := bson.D{{Key: "_id", Value: "layout"}, {Key: "value", Value: int64(2)}}
	if _, err := mongotest.Collection(t, cfg, "meta").InsertOne(t.Context(), layout); err != nil {
		t.Fatal(err)
	}
	insertLayout2(t, cfg, docs...)
}

func insertLayout2(t *testing.T, cfg mongo.Config, docs ...*store.Document) {
	t.Helper()
	raws := make([]any, len(docs))
	for i, d := range docs {
		raw, err := mongo.AppendDocument(nil, d)
		if err != nil {
			t.Fatal(err)
		}
		raws[i] = bson.Raw(raw)
	}
	if _, err := mongotest.Collection(t, cfg, "events").InsertMany(t.Context(), raws); err != nil {
		t.Fatal(err)
	}
}

// Every document that is there before the upgrade is in a marked slot of a marked day
// afterwards.
func TestUpgradeMarksDocuments(t *testing.T) {
	cfg := mongotest.Config(t)
	docs := storetest.UpgradeDocuments()
	writeLayout2(t, cfg, docs)
	now := time.Now()
	cfg.Now = func() time.Time { return now }
	s := mongotest.Open(t, cfg)
	if err := s.Ready(t.Context()); err == nil {
		t.Error("ready before the upgrade")
	}
	if err := s.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	storetest.ExpectMarked(t, s, docs)
	state := func() (string, []store.DayMark) {
		id, err := s.StoreID(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		days, err := s.DayMarks(t.Context(), nil, 0, math.MaxInt64)
		if err != nil {
			t.Fatal(err)
		}
		return id, days
	}
	prepare := func() {
		if err := s.Prepare(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	id, days := state()

	// A processor that starts during the upgrade marks what one of the former layout
	// has written beside the first, also where there is a mark already.
	now = now.Add(50 * time.Minute)
	beside := storetest.With(docs[0], func(d *store.Document) { d.EventID = "beside" })
	insertLayout2(t, cfg, beside)
	prepare()
	storetest.ExpectMarked(t, s, append(docs, beside))
	during, marked := state()
	if during == id || slices.ContainsFunc(days, func(m store.DayMark) bool { return slices.Contains(marked, m) }) {
		t.Errorf("during the upgrade: identity %s, then %s; days %v, then %v", id, during, days, marked)
	}

	now = now.Add(time.Hour)
	prepare()
	after, days := state()
	if diff := cmp.Diff(marked, days); diff != "" || after != during {
		t.Errorf("a preparation after the upgrade marks again: identity %s, then %s, days (-before +after):\n%s", during, after, diff)
	}
}

// Once a build that keeps no timestamps of days has marked one, those of that day are not
// known any more: they may be any.
func TestTimestampsOfDaysThatAnotherBuildMarked(t *testing.T) {
	cfg := mongotest.Config(t)
	s := mongotest.Open(t, cfg)
	if err := s.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	day := store.DayOf(storetest.Start())
	expect := func(want bool) {
		t.Helper()
		if _, err := store.NewWriter(store.WriterConfig{Backend: s}).Write(t.Context(), storetest.Events(0, 1)); err != nil {
			t.Fatal(err)
		}
		marks, err := s.DayMarks(t.Context(), nil, 0, day+1)
		if err != nil || len(marks) != 1 || marks[0].Bounded != want {
			t.Errorf("marks %+v, %v, want bounded %v", marks, err, want)
		}
	}
	expect(true)
	result, err := mongotest.Collection(t, cfg, "marks").UpdateMany(t.Context(), bson.D{},
		bson.D{{Key: "$inc", Value: bson.D{{Key: "generation", Value: int64(1)}}}})
	if err != nil || result.ModifiedCount == 0 {
		t.Fatalf("%+v, %v", result, err)
	}
	expect(false)
}

// A scan of slots reads entries of the index of received times, and documents of its own
// application alone, also in a database whose index of layout 3 did not have the
// application.
func TestScanReadsNoDocumentOfAnotherApplication(t *testing.T) {
	cfg := mongotest.Config(t)
	indexes := mongotest.Collection(t, cfg, "events").Indexes()
	former := driver.IndexModel{Keys: bson.D{{Key: "received_at", Value: 1}}, Options: options.Index().SetName("received_v1")}
	if _, err := indexes.CreateOne(t.Context(), former); err != nil {
		t.Fatal(err)
	}
	docs := storetest.Events(0, 2000)
	for i, d := range docs {
		docs[i] = storetest.With(d, func(d *store.Document) { d.Application = fmt.Sprintf("app-%d", i%20) })
	}
	insertLayout2(t, cfg, docs...)
	s := mongotest.Open(t, cfg)
	if err := s.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	slot := store.SlotOf(docs[0].ReceivedAt)
	plan, err := s.ExplainScan(t.Context(), "app-3", slot, slot+1)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"indexName:received_v2", "application:app-3,app-3"} {
		if !strings.Contains(plan, want) {
			t.Errorf("the plan has no %s:\n%s", want, plan)
		}
	}
}
