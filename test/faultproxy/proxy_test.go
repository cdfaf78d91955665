package faultproxy_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/theeye/theeye/test/faultproxy"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// echo answers every line with itself.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var work sync.WaitGroup
	t.Cleanup(func() {
		_ = l.Close()
		work.Wait()
	})
	work.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			work.Go(func() {
				defer func() { _ = c.Close() }()
				_, _ = io.Copy(c, c)
			})
		}
	})
	return l.Addr().String()
}

func proxy(t *testing.T) *faultproxy.Proxy {
	t.Helper()
	p, err := faultproxy.New(echo(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// line is a connection that sends lines and wants them back.
type line struct {
	net.Conn
	answers *bufio.Reader
}

func dial(t *testing.T, p *faultproxy.Proxy) line {
	t.Helper()
	c, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return line{c, bufio.NewReader(c)}
}

// refused checks that a new connection is reset, at once or when it is used.
func refused(t *testing.T, p *faultproxy.Proxy) {
	t.Helper()
	c, err := net.Dial("tcp", p.Addr())
	if err != nil {
		return
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	if err := (line{c, bufio.NewReader(c)}).ask("refused"); err == nil || timedOut(err) {
		t.Errorf("a new connection is not reset: %v", err)
	}
}

func (l line) ask(text string) error {
	if _, err := fmt.Fprintln(l, text); err != nil {
		return err
	}
	got, err := l.answers.ReadString('\n')
	if err == nil && got != text+"\n" {
		err = fmt.Errorf("got %q, want %q", got, text)
	}
	return err
}

func TestPassesOnBothWays(t *testing.T) {
	p := proxy(t)
	a, b := dial(t, p), dial(t, p)
	for i := range 100 {
		if err := errors.Join(a.ask(fmt.Sprint("a", i)), b.ask(fmt.Sprint("b", i))); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCutAndRestore(t *testing.T) {
	p := proxy(t)
	before := dial(t, p)
	if err := before.ask("there"); err != nil {
		t.Fatal(err)
	}
	p.Cut()
	if err := before.ask("gone"); err == nil || timedOut(err) {
		t.Errorf("a cut connection answers: %v", err)
	}
	refused(t, p)
	p.Restore()
	if err := dial(t, p).ask("back"); err != nil {
		t.Error(err)
	}
}

func TestRefuseLeavesWhatIsThere(t *testing.T) {
	p := proxy(t)
	before := dial(t, p)
	if err := before.ask("there"); err != nil {
		t.Fatal(err)
	}
	p.Refuse()
	if err := before.ask("still there"); err != nil {
		t.Error(err)
	}
	refused(t, p)
}

// An answer cannot be faster than the delay, in each direction.
func TestDelay(t *testing.T) {
	const delay = 30 * time.Millisecond
	p := proxy(t)
	c := dial(t, p)
	p.Delay(delay)
	start := time.Now()
	if err := c.ask("slow"); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took < 2*delay {
		t.Errorf("answered after %s", took)
	}
	p.Delay(time.Hour) // Close must not wait for it
	_, _ = fmt.Fprintln(c, "for ever")
}

// Nothing travels while it is held, and nothing of it is lost.
func TestHold(t *testing.T) {
	p := proxy(t)
	c := dial(t, p)
	p.Hold()
	answered := make(chan error, 1)
	go func() { answered <- c.ask("held") }()
	select {
	case err := <-answered:
		t.Fatalf("it was answered while held: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	p.Restore()
	if err := errors.Join(<-answered, c.ask("after")); err != nil {
		t.Error(err)
	}
	p.Hold() // Close must not wait for it
	_, _ = fmt.Fprintln(c, "for ever")
}

// What the server ends, ends for the client; what cannot be reached is reset.
func TestUnreachableTarget(t *testing.T) {
	p, err := faultproxy.New("127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	refused(t, p)
}

func timedOut(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}
