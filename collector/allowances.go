package collector

import (
	"fmt"
	"iter"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/httpserver"
	"github.com/theeye/theeye/shared/registry"
)

// allowances are those of exactly the limited write keys of one snapshot; what
// a key has left outlives the snapshot. They hold in this process alone: n
// collectors let n times as much through.
//
// Requests of different keys share no lock: they read one table, which a change
// of the registry replaces.
type allowances struct {
	access  func() *registry.Access // the newest
	clock   func() time.Time
	limited *prometheus.CounterVec

	table  atomic.Pointer[allowanceTable]
	making sync.Mutex // held while a table is made
}

// allowanceTable is immutable, but for the allowances in it.
type allowanceTable struct {
	access *registry.Access
	of     map[keyName]*allowance
}

// keyName tells write keys apart.
type keyName struct{ application, id string }

func nameOf(k registry.Key) keyName { return keyName{k.Application, k.ID} }

// find returns the allowance of a key, nil where it has no limits.
func (s *allowances) find(k registry.Key) *allowance {
	if !k.Limited() {
		return nil
	}
	return s.present().of[nameOf(k)]
}

// present returns the table of the newest snapshot.
func (s *allowances) present() *allowanceTable {
	if t := s.table.Load(); t != nil && t.access == s.access() {
		return t
	}
	s.making.Lock()
	defer s.making.Unlock()
	// Read under the lock: a table never makes place for an older one, which
	// would forget the keys that are new.
	access, old := s.access(), s.table.Load()
	if old != nil && old.access == access {
		return old
	}
	t := &allowanceTable{access: access, of: takeOver(old, access.Limited(), s.clock())}
	s.table.Store(t)
	return t
}

// takeOver returns the allowances of the keys: the old ones with the limits of
// now, and new ones.
func takeOver(old *allowanceTable, keys iter.Seq[registry.Key], now time.Time) map[keyName]*allowance {
	of := map[keyName]*allowance{}
	for k := range keys {
		a := (*allowance)(nil)
		if old != nil {
			a = old.of[nameOf(k)]
		}
		if a == nil {
			a = newAllowance(k)
		} else {
			a.set(k, now)
		}
		of[nameOf(k)] = a
	}
	return of
}

// charged is what a request took. The zero value is nothing.
type charged struct {
	allowance *allowance
	cost      cost
	clock     func() time.Time
}

// giveBack undoes the charge of a request that was turned down.
func (c charged) giveBack() {
	if c.allowance != nil {
		c.allowance.giveBack(c.cost, c.clock)
	}
}

// charge takes what a request costs from its key's allowance, or fails with
// 429 and takes nothing.
func (s *allowances) charge(k registry.Key, c cost) (charged, error) {
	a := s.find(k)
	if a == nil {
		return charged{}, nil
	}
	if wait, limit := a.take(c, s.clock); wait > 0 {
		return charged{}, s.turnDown(k, wait, limit)
	}
	return charged{allowance: a, cost: c, clock: s.clock}, nil
}

// spent returns why a request is turned down that is known to cost that much at
// least, nil where it may pass.
func (s *allowances) spent(k registry.Key, atLeast cost) error {
	a := s.find(k)
	if a == nil {
		return nil
	}
	if wait, limit := a.look(atLeast, s.clock); wait > 0 {
		return s.turnDown(k, wait, limit)
	}
	return nil
}

func (s *allowances) turnDown(k registry.Key, wait time.Duration, limit string) error {
	s.limited.WithLabelValues(limit).Inc()
	perSecond := k.EventsPerSecond
	if limit == limitBytes {
		perSecond = k.BytesPerSecond
	}
	return &httpserver.Failure{
		Status: http.StatusTooManyRequests, Code: api.CodeRateLimited, RetryAfter: wait,
		Detail: fmt.Sprintf("the write key may send %d %s a second; nothing of this request is kept", perSecond, limit),
	}
}
