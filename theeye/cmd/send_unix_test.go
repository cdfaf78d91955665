//go:build !windows

package cmd

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"syscall"
	"testing"

	"github.com/theeye/theeye/shared/daemon/daemontest"
)

// The Eye is killed and started again while events are sent.
func TestSendStoresEveryEventOnceAcrossARestart(t *testing.T) {
	listen := daemontest.FreeAddr() // no connection can take it while nothing listens
	e := startEyeAt(t, listen)
	send := e.shellCommand(t.Context(), "exec theeye send")
	in, err := send.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var out syncBuffer
	send.Stdout, send.Stderr = &out, &out
	if err := send.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { // however it ends
		if t.Failed() {
			t.Logf("send printed:\n%s", out.String())
		}
	}()
	writeEvents(t, in, 0, 1500)
	eventually(t, func() error {
		if e.countStored(t) == 0 {
			return errors.New("nothing is stored")
		}
		return nil
	})
	if err := e.up.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = e.up.Wait() // killed
	written := make(chan struct{})
	go func() { // it blocks until a collector accepts events again
		defer close(written)
		writeEvents(t, in, 1500, 1500)
		_ = in.Close()
	}()
	e.startUp(t, listen)
	<-written
	if err := send.Wait(); err != nil || out.String() != "accepted 3000, refused 0\n" {
		t.Fatalf("%v: %s", err, out.String())
	}
	eventually(t, func() error {
		if n := e.countStored(t); n != 3000 {
			return fmt.Errorf("%d events are stored", n)
		}
		return nil
	})
}

// writeEvents writes n events, numbered from first.
func writeEvents(t *testing.T, to io.Writer, first, n int) {
	t.Helper()
	for i := range n {
		if _, err := fmt.Fprintf(to, `{"session_id":"e2085be5-9137-1e4e-80b5-f1ffddc25423","category":"page interaction","name":"pageview",`+
			`"data":{"host":"www.example.com","path":"/%d"},"timestamp":"2021-01-01 09:15:27"}`+"\n", first+i); err != nil {
			t.Error(err)
			return
		}
	}
}

// countStored counts the stored events.
func (e *eye) countStored(t *testing.T) int {
	t.Helper()
	list, err := e.shellCommand(t.Context(), "theeye events --all --json").Output()
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Count(list, []byte("\n"))
}
