//go:build !windows

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"testing"
)

// What is sent while The Eye is killed and started again is stored once, all
// of it.
func TestSendOutlivesTheCollector(t *testing.T) {
	e := startEye(t)
	send := e.command(t.Context(), "exec theeye send")
	in, err := send.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var out output
	send.Stdout, send.Stderr = &out, &out
	if err := send.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { // however it ends
		if t.Failed() {
			t.Logf("send printed:\n%s", out.String())
		}
	}()
	visit(t, in, 0, 1500)
	await(t, func() error {
		if e.stored(t) == 0 {
			return errors.New("nothing is stored")
		}
		return nil
	})
	if err := e.up.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = e.up.Wait() // killed
	written := make(chan struct{})
	go func() { // nobody reads it all before there is a collector again
		defer close(written)
		visit(t, in, 1500, 1500)
		_ = in.Close()
	}()
	e.start(t, strings.TrimPrefix(e.url, "http://"))
	<-written
	if err := send.Wait(); err != nil || out.String() != "accepted 3000, refused 0\n" {
		t.Fatalf("%v: %s", err, out.String())
	}
	await(t, func() error {
		if n := e.stored(t); n != 3000 {
			return fmt.Errorf("%d events are stored", n)
		}
		return nil
	})
}

// visit writes n events, numbered from first.
func visit(t *testing.T, to io.Writer, first, n int) {
	t.Helper()
	for i := range n {
		if _, err := fmt.Fprintf(to, `{"session_id":"e2085be5-9137-1e4e-80b5-f1ffddc25423","category":"page interaction","name":"pageview",`+
			`"data":{"host":"www.example.com","path":"/%d"},"timestamp":"2021-01-01 09:15:27"}`+"\n", first+i); err != nil {
			t.Error(err)
			return
		}
	}
}

// stored counts the stored events.
func (e *eye) stored(t *testing.T) int {
	t.Helper()
	list, err := e.command(t.Context(), "theeye events --all --json").Output()
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Count(list, []byte("\n"))
}
