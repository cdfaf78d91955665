package mongo_test

import (
	"fmt"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/store/mongo/mongotest"
)

// A reader takes the marks of a day's slots for those of every document that the mark of
// the day counts. So the mark of a day is raised after those of its slots, and not
// where one of them is not.
func TestDayIsMarkedAfterItsSlots(t *testing.T) {
	t.Parallel()
	cfg := mongotest.Config(t)
	s := mongotest.Open(t, cfg)
	if err := s.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}

	first := store.Slot{Application: "shop", Number: time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC).Unix() / 10}
	broken := store.Slot{Application: "shop", Number: first.Number + 1}
	mark := func(slots ...store.Slot) error {
		var marks []store.SlotMark
		for _, slot := range slots {
			marks = append(marks, store.SlotMark{Slot: slot})
		}
		return s.Mark(t.Context(), marks)
	}
	ofDay := func() uint64 {
		days, err := s.DayMarks(t.Context(), []string{"shop"}, first.Day(), first.Day()+1)
		if err != nil || len(days) != 1 {
			t.Fatalf("marks of the day: %v, %v", days, err)
		}
		return days[0].Generation
	}
	if err := mark(first, broken); err != nil {
		t.Fatal(err)
	}
	before := ofDay()
	marks := mongotest.Collection(t, cfg, "marks")
	result, err := marks.UpdateOne(t.Context(), bson.D{{Key: "_id", Value: bson.D{{Key: "$regex", Value: fmt.Sprint(broken.Number) + "$"}}}},
		bson.D{{Key: "$set", Value: bson.D{{Key: "generation", Value: "a text, which no update can raise"}}}})
	if err != nil || result.ModifiedCount != 1 {
		t.Fatalf("break the mark of a slot: %+v, %v", result, err)
	}
	if err := mark(first, broken); err == nil {
		t.Error("a mark that cannot be raised is no error")
	}
	if after := ofDay(); after != before {
		t.Errorf("the day went from %d to %d, and a mark of its slots was not raised", before, after)
	}
}
