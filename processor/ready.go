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
	partHeart    part = "heartbeat"
)

var parts = []part{partNATS, partRegistry, partStore, partStart, partHeart}

var (
	errNotYet     = errors.New("not reached yet")
	errNoSnapshot = errors.New("no complete snapshot yet")
	errNATSAway   = errors.New("NATS is away")
	errNotSteady  = errors.New("no heartbeat arrives, or the registry is not up to date; what is in hand waits")
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

// steady is nil while everybody counts on this process.
func (s *Service) steady() error {
	if s.cfg.Heart == nil {
		return nil
	}
	if _, fresh := s.cfg.Heart.Liveness(); !fresh {
		return errNotSteady
	}
	return nil
}

// Ready says what the processor has and lacks: nats (with stream and consumer),
// registry, store, start, which is nil while the lanes run, and heartbeat. It
// asks nobody and does not block.
func (s *Service) Ready() []daemon.Check {
	checks := make([]daemon.Check, len(parts))
	for i, p := range parts {
		if p == partHeart {
			checks[i] = daemon.Check{Name: string(p), Err: s.steady()}
			continue
		}
		err := s.state.get(p)
		if p == partNATS && err == nil && !s.cfg.Conn.IsConnected() {
			err = errNATSAway // the lanes are waiting for it
		}
		checks[i] = daemon.Check{Name: string(p), Err: err}
	}
	return checks
}
