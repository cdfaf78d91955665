package queryapi

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

// A trace that finds all places taken gives up its own place among the queries
// soon.
func TestTraceDoesNotWaitLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Service{traces: make(chan struct{})} // nobody leaves
		start := time.Now()
		_, _, err := s.recompute(t.Context(), &store.Document{}, stream.Raw{})
		var f *failure
		if !errors.As(err, &f) || f.Status != http.StatusServiceUnavailable || f.Code != codeOverloaded || time.Since(start) != maxTraceWait {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, _, err := s.recompute(ctx, &store.Document{}, stream.Raw{}); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	})
}
