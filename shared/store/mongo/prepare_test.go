package mongo_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/theeye/theeye/shared/store/mongo/mongotest"
)

// Prepare makes exactly the indexes of this layout, drops their old versions and
// keeps indexes of other origin.
func TestPrepareMakesTheIndexes(t *testing.T) {
	ctx := t.Context()
	cfg := mongotest.Config(t)
	indexes := mongotest.Collection(t, cfg, "events").Indexes()
	for _, old := range []string{"time_v0", "received_v1", "somebody_elses", "other_v1"} {
		model := driver.IndexModel{Keys: bson.D{{Key: old, Value: 1}}, Options: options.Index().SetName(old)}
		if _, err := indexes.CreateOne(ctx, model); err != nil {
			t.Fatal(err)
		}
	}
	s := mongotest.Open(t, cfg)
	for range 2 {
		if err := s.Prepare(ctx); err != nil {
			t.Fatal(err)
		}
	}
	specs, err := indexes.ListSpecifications(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, spec := range specs {
		got = append(got, spec.Name)
		if spec.Name == "expiry_v1" && (spec.ExpireAfterSeconds == nil || *spec.ExpireAfterSeconds != 0) {
			t.Error("the expiry index does not expire")
		}
	}
	slices.Sort(got)
	want := []string{
		"_id_", "application_time_v1", "category_time_v2", "expiry_v1", "other_v1", "received_v2", "rejected_code_v1",
		"rejected_event_id_v1", "rejected_received_v1", "session_time_v1", "slot_v1", "somebody_elses", "time_v1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("indexes (-want +got):\n%s", diff)
	}
}
