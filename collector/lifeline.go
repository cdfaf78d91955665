package collector

import (
	"context"
	"sync"

	"github.com/nats-io/nats.go"
)

// lifeline ends the wait for acknowledgements when the connection is lost:
// those that are on their way will never come, and sites are not left hanging.
type lifeline struct {
	conn   *nats.Conn
	losses chan nats.Status
	ended  chan struct{}

	mu  sync.Mutex
	cut context.CancelCauseFunc // of the present wait, nil without one
}

func watch(conn *nats.Conn) *lifeline {
	l := &lifeline{
		conn: conn, losses: conn.StatusChanged(nats.RECONNECTING, nats.DISCONNECTED, nats.CLOSED), ended: make(chan struct{}),
	}
	go l.run()
	return l
}

func (l *lifeline) run() {
	defer close(l.ended)
	for range l.losses {
		l.mu.Lock()
		if l.cut != nil {
			l.cut(errDisconnected)
		}
		l.mu.Unlock()
	}
}

func (l *lifeline) stop() {
	l.conn.RemoveStatusListener(l.losses)
	<-l.ended
}

// hold returns a context that also ends with the connection. A loss before is
// seen by asking whether the connection is there after hold.
func (l *lifeline) hold(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cut := context.WithCancelCause(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = cut
	return ctx, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.cut = nil
		cut(nil)
	}
}
