package analytics

import (
	"context"
	"time"

	"github.com/theeye/theeye/queryapi/refresh"
	"github.com/theeye/theeye/shared/columns"
	"github.com/theeye/theeye/shared/query/filter"
)

// Source takes snapshots.
type Source interface {
	Snapshot(ctx context.Context, n refresh.Need) (*columns.Snapshot, error)
}

// Scope is the common part of every question: which stored events.
type Scope struct {
	// Applications are concrete names.
	Applications   []string
	Category, Name string
	SessionID      string
	Filter         filter.Filter
	From, To       time.Time
	Location       *time.Location
}

func (s *Scope) zone() string { return s.Location.String() }

// Analytics answers statistics.
type Analytics struct {
	source       Source
	crossings    crossingCache
	dictionaries dictionaries
	// maxGathered is that of its walks, maxGroupCells that of its series; 0 is the
	// default.
	maxGathered, maxGroupCells int
}

// New returns Analytics over snapshots of a source.
func New(source Source) *Analytics { return &Analytics{source: source} }

// Applications returns the applications that the source knows, whether or not the
// registry does; none from a source without a list.
func (a *Analytics) Applications() []string {
	if lister, ok := a.source.(interface{ Applications() []string }); ok {
		return lister.Applications()
	}
	return nil
}
