package e2e

import (
	"bytes"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/theeye/theeye/shared/kv"
	"github.com/theeye/theeye/shared/stream"
	"github.com/theeye/theeye/test/harness"
)

// splitAccounts runs the step that moves the data of a server of one account.
func splitAccounts(t *testing.T, dir string) (string, error) {
	t.Helper()
	script, err := filepath.Abs(filepath.Join("..", "..", "deploy", "nats", "split-accounts.sh"))
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "sh", script, filepath.Join(dir, "nats")).CombinedOutput()
	return string(out), err
}

// A server of one account, as it was shipped before, keeps its events and its
// registry when its data is moved into the accounts: the stream is the same one.
func TestDataOfOneAccountIsMoved(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	before, err := harness.NewEditedNATS(binaries(t), dir, inOneAccount)
	if err != nil {
		t.Fatal(err)
	}
	serveNATS(t, before)
	fillStreams(t, before)
	epoch, err := stream.Epoch(waiting(t), as(t, before, "processor"))
	if err != nil {
		t.Fatal(err)
	}
	before.Stop()

	out, err := splitAccounts(t, dir)
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, want := range []string{"EVENTS to account EVENTS", "KV_TOKENS to account REGISTRY", "CHANGES to account REGISTRY", "KV_JOBS to account RUNNING"} {
		if !strings.Contains(out, want) {
			t.Errorf("the step does not say %q: %s", want, out)
		}
	}
	after, err := harness.NewNATS(binaries(t), dir)
	if err != nil {
		t.Fatal(err)
	}
	serveNATS(t, after)
	if now, err := stream.Epoch(waiting(t), as(t, after, "processor")); err != nil || now != epoch {
		t.Errorf("the stream is of %d, %v; it was of %d", now, err, epoch)
	}
	events := 0
	for portion, err := range stream.Read(waiting(t), as(t, after, "queryapi"), stream.Range{}) {
		if err != nil {
			t.Fatal(err)
		}
		events += len(portion)
	}
	if events != 3 {
		t.Errorf("%d events are left of 3", events)
	}
	e, err := kv.New(as(t, after, "queryapi"), stream.BucketApplications).Get(waiting(t), "shop")
	if err != nil || !e.Exists() {
		t.Errorf("the application is %+v, %v", e, err)
	}
	after.Stop()
	if out, err := splitAccounts(t, dir); err != nil {
		t.Errorf("the step once more: %v: %s", err, out)
	}
}

// A server that ran with the new accounts before its data was moved has two
// streams of events: nothing is moved then.
func TestDataIsNotMovedOverOther(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, edit := range []func(string) string{inOneAccount, func(shipped string) string { return shipped }} {
		server, err := harness.NewEditedNATS(binaries(t), dir, edit)
		if err != nil {
			t.Fatal(err)
		}
		serveNATS(t, server)
		server.Stop()
	}
	out, err := splitAccounts(t, dir)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || !strings.Contains(out, "nothing was moved") {
		t.Errorf("the step ended with %v: %s", err, out)
	}
	left, err := filepath.Glob(filepath.Join(dir, "nats", "jetstream", "$G", "streams", "*"))
	if err != nil || len(left) < 7 {
		t.Errorf("left are %q, %v", left, err)
	}
}

// The query API takes snapshots of every stream that a backup has. It may choose
// where the parts go, also into the stream of events: no event can be made of them.
func TestSnapshotsOnShippedNATS(t *testing.T) {
	t.Parallel()
	server := startNATS(t)
	fillStreams(t, server)
	query := as(t, server, "queryapi")
	for name := range streamsOf(t, server) {
		if name == "KV_SERVICES" {
			continue
		}
		s, err := stream.OpenSnapshot(waiting(t), query, name)
		if err != nil {
			t.Fatal(err)
		}
		var parts bytes.Buffer
		if err := s.WriteAll(waiting(t), &parts); err != nil || parts.Len() == 0 {
			t.Errorf("the snapshot of %s has %d bytes, %v", name, parts.Len(), err)
		}
	}
	last := streamsOf(t, server)[stream.Name].Last
	body := `{"deliver_subject": "` + evilEvent + `", "chunk_size": 65536, "window_size": 1048576}`
	if _, err := query.Conn().RequestWithContext(waiting(t), "$JS.API.STREAM.SNAPSHOT.EVENTS", []byte(body)); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		if now := streamsOf(t, server)[stream.Name].Last; now <= last {
			return errors.New("no part is delivered into the stream")
		}
		return nil
	})
	for portion, err := range stream.Read(waiting(t), query, stream.Range{First: last + 1}) {
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range portion {
			if _, err := stream.Parse(m.Header, m.Payload); !errors.Is(err, stream.ErrNotAMessage) {
				t.Errorf("an event was made of a part of a snapshot: %v, %v", m.Header, err)
			}
		}
	}
	if alarms := server.Alarms(); len(alarms) > 0 {
		t.Error(alarms)
	}
}
