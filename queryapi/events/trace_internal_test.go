package events

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/theeye/theeye/queryapi/problem"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

// A trace that finds every slot for traces in use soon frees its own slot among
// the queries.
func TestTraceDoesNotWaitLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &Finder{traces: make(chan struct{})} // no slot becomes free
		start := time.Now()
		_, _, err := f.recompute(t.Context(), &store.Document{}, stream.Raw{})
		var p *problem.Error
		if !errors.As(err, &p) || p.Code != api.CodeOverloaded || time.Since(start) != maxTraceWait {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, _, err := f.recompute(ctx, &store.Document{}, stream.Raw{}); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	})
}
