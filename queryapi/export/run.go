package export

import (
	"context"
	"errors"
	"time"

	"github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/store"
)

// Encoder writes events in one format to a writer. It is for one goroutine. It
// reads documents and keeps none beyond a call.
type Encoder interface {
	// Encode writes events. It may hold bytes back, at most a few megabytes.
	Encode(docs []*store.Document) error
	// Flush writes the bytes held back where the format allows it.
	Flush() error
	// End writes the bytes held back, and the end. next is "" for a whole export;
	// else it is the cursor that continues, and the end says so.
	End(next string) error
}

// ErrStopped is the error of an export that was asked to stop.
var ErrStopped = errors.New("the export was stopped")

// idleTime is how long the next page may take until the present events are flushed.
const idleTime = time.Second

// Run is one run of an export.
type Run struct {
	Source  *Source
	Encoder Encoder
	// Stop ends the run with ErrStopped at the next page; nil never does.
	Stop <-chan struct{}
	// Check is called before each page; its error ends the run. It may be nil.
	Check func() error
	// Flush is called where the next page takes long; it may be nil.
	Flush func() error

	// Events counts the events that were encoded. End is the position behind the
	// last page that was encoded; nil before the first one.
	Events int64
	End    *query.Position
}

// Write encodes page after page. The error is nil when all is encoded. It does not
// end the encoder.
func (r *Run) Write(ctx context.Context) error {
	for {
		next, err := r.nextPage(ctx)
		if err != nil {
			return err
		}
		if r.Check != nil {
			if err := r.Check(); err != nil {
				return err
			}
		}
		if err := r.Encoder.Encode(next.page.Documents); err != nil {
			return err
		}
		r.Events += int64(len(next.page.Documents))
		r.End = &next.page.End
		if next.last {
			return nil
		}
	}
}

// nextPage waits for the next page.
func (r *Run) nextPage(ctx context.Context) (reading, error) {
	select {
	case <-r.Stop:
		return reading{}, ErrStopped
	default:
	}
	if p := r.Source.pending; p != nil {
		r.Source.pending = nil
		return *p, nil
	}
	idle := time.NewTimer(idleTime)
	defer idle.Stop()
	for {
		select {
		case next, ok := <-r.Source.pages:
			if !ok {
				return reading{}, context.Cause(ctx)
			}
			return next, next.err
		case <-r.Stop:
			return reading{}, ErrStopped
		case <-ctx.Done():
			return reading{}, context.Cause(ctx)
		case <-idle.C:
			if err := r.flush(); err != nil {
				return reading{}, err
			}
		}
	}
}

// flush writes everything that is held back.
func (r *Run) flush() error {
	if err := r.Encoder.Flush(); err != nil || r.Flush == nil {
		return err
	}
	return r.Flush()
}
