package mongo_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/store/mongo/mongotest"
	"github.com/theeye/theeye/shared/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The suite passes with and without windows of time, whatever the server needs.
func TestConformance(t *testing.T) {
	for name, windows := range map[string]bool{"one query a page": false, "time windows": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Run(t, func(t *testing.T) store.Store {
				cfg := mongotest.Config(t)
				cfg.TimeWindows = windows
				return mongotest.Open(t, cfg)
			})
		})
	}
}
