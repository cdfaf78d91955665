package processor

import (
	"errors"
	"sync"

	"github.com/theeye/theeye/shared/daemon"
)

// part is something that a processor needs, as readiness names it.
type part string

const (
	partNATS     part = "nats"
	partRegistry part = "registry"
	partStore    part = "store"
	partStart    part = "start"
)

var parts = []part{partNATS, partRegistry, partStore, partStart}

var (
	errNotYet     = errors.New("not reached yet")
	errNoSnapshot = errors.New("no complete snapshot yet")
	errNATSAway   = errors.New("NATS is away")
)

// readiness remembers how each part was met last. The zero value has met none.
type readiness struct {
	mu  sync.Mutex
	met map[part]error
}

func (r *readiness) set(p part, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.met == nil {
		r.met = make(map[part]error, len(parts))
	}
	r.met[p] = err
}

func (r *readiness) get(p part) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err, ok := r.met[p]; ok {
		return err
	}
	return errNotYet
}

// Ready says what the processor has and lacks: nats (with stream and consumer),
// registry, store, and start, which is nil while the lanes run. It asks nobody
// and does not block.
func (s *Service) Ready() []daemon.Check {
	checks := make([]daemon.Check, len(parts))
	for i, p := range parts {
		err := s.state.get(p)
		if p == partNATS && err == nil && !s.cfg.Conn.IsConnected() {
			err = errNATSAway // the lanes are waiting for it
		}
		checks[i] = daemon.Check{Name: string(p), Err: err}
	}
	return checks
}
