package faultproxy

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// chunk is how much travels at once, in bytes.
const chunk = 32 << 10

// Proxy passes TCP connections on to one target. It is safe for concurrent
// use.
type Proxy struct {
	listener net.Listener
	target   string
	closed   chan struct{}
	work     sync.WaitGroup

	mu      sync.Mutex
	refuses bool
	delay   time.Duration
	held    chan struct{} // closed when what travels may go on; nil: it may
	conns   map[net.Conn]bool
}

// New listens on a free port of 127.0.0.1 and passes everything on to target.
// Close ends it.
func New(target string) (*Proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("fault proxy: %w", err)
	}
	p := &Proxy{listener: l, target: target, closed: make(chan struct{}), conns: map[net.Conn]bool{}}
	p.work.Go(p.acceptConns)
	return p, nil
}

// Addr is where clients connect to.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Refuse resets new connections; those that are there stay.
func (p *Proxy) Refuse() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuses = true
}

// Cut resets every connection, and new ones too.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuses = true
	for c := range p.conns {
		reset(c)
	}
}

// Delay holds back whatever travels, in each direction, for d.
func (p *Proxy) Delay(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = d
}

// Hold keeps back whatever travels, in both directions, until Restore.
func (p *Proxy) Hold() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.held == nil {
		p.held = make(chan struct{})
	}
}

// Restore takes back Refuse, Cut, Delay and Hold. Connections that were reset
// stay so.
func (p *Proxy) Restore() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuses, p.delay = false, 0
	if p.held != nil {
		close(p.held)
		p.held = nil
	}
}

// Close ends the proxy with all its connections and waits for that. It may be
// called once.
func (p *Proxy) Close() error {
	p.Cut()
	close(p.closed)
	err := p.listener.Close()
	p.work.Wait()
	return err
}

func (p *Proxy) acceptConns() {
	for {
		client, err := p.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			p.work.Go(func() { p.forward(client) })
		}
	}
}

// forward passes one connection on until either side ends it.
func (p *Proxy) forward(client net.Conn) {
	defer p.unregister(client)
	if !p.register(client) {
		return
	}
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		reset(client)
		return
	}
	defer p.unregister(server)
	if !p.register(server) {
		return
	}
	var back sync.WaitGroup
	back.Go(func() { p.copyBytes(client, server) })
	p.copyBytes(server, client)
	back.Wait()
}

// register lists a connection for Cut. It resets one that may not be.
func (p *Proxy) register(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refuses {
		reset(c)
		return false
	}
	p.conns[c] = true
	return true
}

func (p *Proxy) unregister(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
	_ = c.Close()
}

// copyBytes copies one direction, then closes both connections: nothing that this
// proxy is for uses half of one.
func (p *Proxy) copyBytes(to, from net.Conn) {
	defer func() { _, _ = to.Close(), from.Close() }()
	buf := make([]byte, chunk)
	for {
		n, err := from.Read(buf)
		if !p.awaitRelease() {
			return
		}
		if _, writeErr := to.Write(buf[:n]); err != nil || writeErr != nil {
			return
		}
	}
}

// awaitRelease waits for the end of Hold and for the delay; false says that the proxy
// is closed.
func (p *Proxy) awaitRelease() bool {
	p.mu.Lock()
	d, held := p.delay, p.held
	p.mu.Unlock()
	if held != nil {
		select {
		case <-held:
		case <-p.closed:
			return false
		}
	}
	if d == 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-p.closed:
		return false
	}
}

// reset ends a connection as a crash does: with RST instead of FIN.
func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}
