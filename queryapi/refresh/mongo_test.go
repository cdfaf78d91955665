package refresh

import (
	"fmt"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/raced"
	"github.com/theeye/theeye/shared/store/mongo/mongotest"
)

// The same schedules on MongoDB.
func TestRandomSchedulesOnMongo(t *testing.T) {
	// The server removes expired documents by its own clock.
	clock := &testClock{at: time.Now().Truncate(time.Millisecond)}
	cfg := mongotest.Config(t)
	cfg.Now = clock.now
	s := mongotest.Open(t, cfg)
	if err := s.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(raced.Cases(10)) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			if err := newSchedule(t, s, clock, seed).run(t.Context(), 12); err != nil {
				t.Fatal(err)
			}
		})
	}
}
