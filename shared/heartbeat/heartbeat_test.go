package heartbeat

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"

	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/shared/stream"
)

func TestBeatIdentifiesServiceAndRevision(t *testing.T) {
	_, js := startServer(t)
	if beats := listBeats(t, js); len(beats) != 0 {
		t.Fatalf("before the first there is %+v", beats)
	}
	cfg := quietConfig(js, registryAt(7), "collector", "")
	cfg.Oldest = func() uint64 { return 5 }
	h := New(cfg)
	runHeartbeat(t, h)
	var beats []Beat
	waitUntil(t, "a beat arrives", func() bool { beats = listBeats(t, js); return len(beats) > 0 })
	got, build := beats[0], daemon.BuildInfo()
	if age := time.Since(got.SeenAt); age > patience || age < -patience {
		t.Errorf("seen at %s", got.SeenAt)
	}
	if got.StartedAt.After(got.SeenAt.Add(time.Second)) || time.Since(got.StartedAt) > patience {
		t.Errorf("started at %s, seen at %s", got.StartedAt, got.SeenAt)
	}
	want := Beat{
		Service: "collector", Instance: h.Instance(), Version: build.Version, Commit: build.Commit,
		Revision: 7, OldestRevision: 5,
		StartedAt: got.StartedAt, SeenAt: got.SeenAt,
	}
	if diff := cmp.Diff([]Beat{want}, beats); diff != "" {
		t.Errorf("beats (-want +got):\n%s", diff)
	}
	waitUntil(t, "another beat follows", func() bool { return listBeats(t, js)[0].SeenAt.After(got.SeenAt) })
}

// A change is sent at once: the ticker of this heartbeat never fires.
func TestBeatIsSentWhenTheRevisionChanges(t *testing.T) {
	_, js := startServer(t)
	r := registryAt(0)
	h := New(quietConfig(js, r, "processor", "a"))
	h.interval = time.Hour
	runHeartbeat(t, h)
	waitUntil(t, "a beat arrives", func() bool { return len(listBeats(t, js)) == 1 })
	if got := listBeats(t, js)[0].Revision; got != 0 {
		t.Errorf("before the first snapshot the revision is %d", got)
	}
	for n := uint64(1); n <= 50; n++ {
		r.setRevision(n)
		waitUntil(t, "the beat names revision "+strconv.FormatUint(n, 10), func() bool { return listBeats(t, js)[0].Revision == n })
	}
}

func TestListIsSortedAndOmitsStoppedServices(t *testing.T) {
	_, js := startServer(t)
	names := func() string {
		var all []string
		for _, b := range listBeats(t, js) {
			all = append(all, b.Service+"/"+b.Instance)
		}
		return strings.Join(all, " ")
	}
	ends := map[string]func(){}
	for _, name := range []string{"queryapi/x", "processor/b.b", "collector/x", "processor/a"} {
		service, instance, _ := strings.Cut(name, "/")
		ends[name] = runHeartbeat(t, New(quietConfig(js, registryAt(1), service, instance)))
	}
	const all = "collector/x processor/a processor/b.b queryapi/x"
	waitUntil(t, "all beat", func() bool { return names() == all })
	ends["processor/a"]()
	if got, want := names(), "collector/x processor/b.b queryapi/x"; got != want {
		t.Errorf("after the end of one: %s, want %s", got, want)
	}
}

// A process that is killed does not remove its beat: the bucket drops it.
func TestBeatOfKilledProcessExpires(t *testing.T) {
	_, js := startServer(t)
	dead := New(quietConfig(js, registryAt(1), "processor", "dead"))
	if err := dead.putBeat(bounded(t)); err != nil {
		t.Fatal(err)
	}
	if got := len(listBeats(t, js)); got != 1 {
		t.Fatalf("%d beats", got)
	}
	runHeartbeat(t, New(quietConfig(js, registryAt(1), "processor", "live")))
	waitUntil(t, "only the live one is left", func() bool {
		beats := listBeats(t, js)
		return len(beats) == 1 && beats[0].Instance == "live"
	})
}

// The bucket is in memory: after a restart of the server the processor creates it
// again, and the beats of all services return.
func TestBeatsReturnAfterServerRestart(t *testing.T) {
	s, js := startServer(t)
	var text logBuffer
	cfg := quietConfig(js, registryAt(3), "collector", "c")
	cfg.Logger = text.logger()
	collector := New(cfg)
	collector.interval, collector.warnAfter = 10*time.Millisecond, 50*time.Millisecond
	runHeartbeat(t, collector)
	cfg = quietConfig(js, registryAt(3), "processor", "p")
	cfg.CreateBucket = func(ctx context.Context) error { return stream.EnsureServices(ctx, js, stream.Config{}) }
	end := runHeartbeat(t, New(cfg))
	waitUntil(t, "both beat", func() bool { return len(listBeats(t, js)) == 2 })
	for n := range 2 {
		s.Shutdown()
		waitUntil(t, "the failure is logged", func() bool { return strings.Count(text.String(), "heartbeats do not arrive") > n })
		if n, err := js.Conn().Buffered(); err != nil || n > 0 {
			t.Errorf("%d bytes wait for the server, error %v: they would be stale", n, err)
		}
		s.Restart()
		waitUntil(t, "both beat again", func() bool {
			beats, err := List(bounded(t), js)
			return err == nil && len(beats) == 2
		})
	}
	if n := strings.Count(text.String(), "\n"); n != 2 {
		t.Errorf("two outages made %d lines of log:\n%s", n, text.String())
	}
	s.Shutdown()
	end() // does not wait for the server
}

func TestListWithoutBucketFails(t *testing.T) {
	_, js := startServer(t)
	if err := js.DeleteKeyValue(bounded(t), stream.BucketServices); err != nil {
		t.Fatal(err)
	}
	_, err := List(bounded(t), js)
	if err == nil || !strings.Contains(err.Error(), nats.ErrNoResponders.Error()) {
		t.Errorf("error %v", err)
	}
}

// The service and instance in the body are ignored, and messages that are not
// beats are skipped.
func TestServiceAndInstanceComeFromTheKey(t *testing.T) {
	_, js := startServer(t)
	for subject, body := range map[string]string{
		subjectOf("collector", "c"): `{"service":"processor","instance":"p","revision":4,"later":{}}`,
		keyPrefix + "collector.x":   `[]`,
		keyPrefix + "collector.y":   `{"revision":-1}`,
		keyPrefix + "collector":     `{}`,
		keyPrefix + "a.=zz":         `{}`,
	} {
		if _, err := js.Publish(bounded(t), subject, []byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	removed := &nats.Msg{
		Subject: subjectOf("collector", "z"), Data: []byte(`{"revision":4}`), Header: nats.Header{"KV-Operation": {"DEL"}},
	}
	if _, err := js.PublishMsg(bounded(t), removed); err != nil {
		t.Fatal(err)
	}
	beats := listBeats(t, js)
	if len(beats) != 1 || beats[0].Service != "collector" || beats[0].Instance != "c" || beats[0].Revision != 4 {
		t.Errorf("beats %+v", beats)
	}
}

// MaxListed beats are listed; one more is an error instead of half a list.
func TestListFailsAboveMaxListed(t *testing.T) {
	_, js := startServer(t)
	for n := range MaxListed + 1 {
		if n == MaxListed {
			if got := len(listBeats(t, js)); got != MaxListed {
				t.Errorf("%d of %d beats", got, MaxListed)
			}
		}
		if _, err := js.PublishAsync(subjectOf("collector", strconv.Itoa(n)), []byte(`{}`)); err != nil {
			t.Fatal(err)
		}
		if n < MaxListed-1 {
			continue
		}
		select {
		case <-js.PublishAsyncComplete():
		case <-bounded(t).Done():
			t.Fatal("beats are not acknowledged")
		}
	}
	if beats, err := List(bounded(t), js); err == nil {
		t.Errorf("no error, but %d beats", len(beats))
	}
}
