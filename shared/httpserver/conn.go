package httpserver

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Bounds of the connections of one listener.
const (
	// maxConnections bounds the connections; one more closes the oldest that
	// has no complete request.
	maxConnections = 8192
	// maxLingering bounds the connections that are closed lingering; one more
	// ends the oldest of them.
	maxLingering = 256
	// maxLingeringBytes bounds the bytes read of each.
	maxLingeringBytes = 64 << 20
)

// lingerPace is the least progress of a client whose connection lingers.
var lingerPace = Pace{Rate: 16 << 10, Stall: 5 * time.Second, Longest: 30 * time.Second}

// connListener wraps the connections of a listener in a *conn, and bounds them.
type connListener struct {
	net.Listener

	// waiting has the connections without a complete request: new ones, and
	// idle ones.
	waiting   *oldestFirst[*conn]
	lingering *oldestFirst[*conn]
	lingers   sync.WaitGroup
	// open counts the connections that hold a file, at most limit: one that is
	// ended counts no more, though the server may notice it later.
	open  atomic.Int64
	limit int64
}

func newConnListener(l net.Listener) *connListener {
	end := func(c *conn) { _ = c.closeFile() }
	return &connListener{
		Listener:  l,
		waiting:   newOldestFirst(maxConnections, end),
		lingering: newOldestFirst(maxLingering, end),
		limit:     maxConnections,
	}
}

// Accept returns the next connection. Where the process has no file left for
// it, or the listener no room, the oldest connection that waits for a request
// is closed first: never are more than limit connections served.
func (l *connListener) Accept() (net.Conn, error) {
	for {
		accepted, err := l.Listener.Accept()
		if err != nil {
			if outOfFiles(err) && l.waiting.endOldest() {
				continue
			}
			return nil, err
		}
		if l.open.Load() >= l.limit && !l.waiting.endOldest() {
			_ = accepted.Close() // every connection has a request in work
			continue
		}
		l.open.Add(1)
		c := &conn{Conn: accepted, listener: l}
		c.place.value, c.lingerPlace.value = c, c
		l.waiting.addMember(&c.place)
		return c, nil
	}
}

func outOfFiles(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

// stopLingering ends the connections that linger and waits until they are closed.
func (l *connListener) stopLingering() {
	l.lingering.endAll()
	l.lingers.Wait()
}

// conn is a connection that is closed without losing the last answer: while its
// client may still be sending, close would reset it, and the client would not
// get to read.
type conn struct {
	net.Conn

	listener *connListener
	// closing is done when the server closes the connection, releasing when its
	// file is closed.
	closing, releasing sync.Once
	// dirty is set while bytes of a request were read that is not complete.
	dirty atomic.Bool
	// ended is set when the client has closed its side, or is gone.
	ended atomic.Bool

	// place is in listener.waiting while the connection waits for a request,
	// lingerPlace in listener.lingering while it is being closed.
	place, lingerPlace member[*conn]
}

func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 && !c.dirty.Load() {
		c.dirty.Store(true)
	}
	if err != nil {
		var timeout net.Error
		if !errors.As(err, &timeout) || !timeout.Timeout() {
			c.ended.Store(true)
		}
	}
	return n, err
}

// CloseWrite sends all that was written and ends this direction.
func (c *conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// Close closes the connection. If the client may be sending, it does so in the
// background: it ends its own direction and reads on for a bounded time.
func (c *conn) Close() error {
	var err error
	c.closing.Do(func() {
		c.listener.waiting.removeMember(&c.place)
		if c.ended.Load() || !c.dirty.Load() {
			err = c.closeFile()
			return
		}
		c.listener.lingers.Go(c.linger)
	})
	return err
}

// closeFile closes the connection's file, and counts it no more. Only the first
// call does.
func (c *conn) closeFile() error {
	var err error
	c.releasing.Do(func() {
		err = c.Conn.Close()
		c.listener.open.Add(-1)
	})
	return err
}

func (c *conn) linger() {
	c.listener.lingering.addMember(&c.lingerPlace)
	defer func() {
		c.listener.lingering.removeMember(&c.lingerPlace)
		_ = c.closeFile()
	}()
	if c.CloseWrite() != nil {
		return
	}
	var t Transfer
	t.Start(lingerPace, c.SetReadDeadline)
	_ = discardBody(c.Conn, maxLingeringBytes, &t)
}

// trackState is the hook of http.Server that follows the state of connections.
func trackState(nc net.Conn, state http.ConnState) {
	c, ok := nc.(*conn)
	if !ok {
		return
	}
	switch state {
	case http.StateActive:
		c.listener.waiting.removeMember(&c.place)
	case http.StateIdle:
		c.listener.waiting.addMember(&c.place)
	}
}

// connKey is the key of the *conn in the context of a request.
type connKey struct{}

func withConn(ctx context.Context, nc net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, nc)
}

// markComplete marks the connection of a request that was read to its end.
func markComplete(r *http.Request) {
	if c, ok := r.Context().Value(connKey{}).(*conn); ok {
		c.dirty.Store(false)
	}
}
