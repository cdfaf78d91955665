package heartbeat

import (
	"bytes"
	"context"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/shared/stream"
)

// revisions is a registry whose revision a test sets.
type revisions struct {
	mu      sync.Mutex
	now     uint64
	changed chan struct{}
}

func (r *revisions) Revision() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now
}

func (r *revisions) Changed() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.changed
}

func (r *revisions) set(revision uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = revision
	close(r.changed)
	r.changed = make(chan struct{})
}

func at(revision uint64) *revisions { return &revisions{now: revision, changed: make(chan struct{})} }

// quiet are the settings of a heart that logs nothing.
func quiet(js jetstream.JetStream, r *revisions, service, instance string) Config {
	return Config{
		JetStream: js, Service: service, Instance: instance, Revision: r.Revision, Changed: r.Changed,
		Logger: slog.New(slog.DiscardHandler),
	}
}

// run runs a heart. The function that it returns ends it, as the end of the
// test does.
func run(t *testing.T, h *Heartbeat) (end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	end = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("Run returned %v", err)
			}
		case <-time.After(patience):
			t.Error("Run does not end")
		}
	})
	t.Cleanup(end)
	return end
}

func list(t *testing.T, js jetstream.JetStream) []Beat {
	t.Helper()
	beats, err := List(bounded(t), js)
	if err != nil {
		t.Fatal(err)
	}
	return beats
}

func TestABeatTellsWhoAndWhat(t *testing.T) {
	_, js := startServer(t)
	if beats := list(t, js); len(beats) != 0 {
		t.Fatalf("before the first there is %+v", beats)
	}
	cfg := quiet(js, at(7), "collector", "")
	cfg.Oldest = func() uint64 { return 5 }
	h := New(cfg)
	run(t, h)
	var beats []Beat
	until(t, "a beat arrives", func() bool { beats = list(t, js); return len(beats) > 0 })
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
	until(t, "another beat follows", func() bool { return list(t, js)[0].SeenAt.After(got.SeenAt) })
}

// A change is told at once: the clock of this heart never comes to a beat.
func TestABeatFollowsTheRevision(t *testing.T) {
	_, js := startServer(t)
	r := at(0)
	h := New(quiet(js, r, "processor", "a"))
	h.every = time.Hour
	run(t, h)
	until(t, "a beat arrives", func() bool { return len(list(t, js)) == 1 })
	if got := list(t, js)[0].Revision; got != 0 {
		t.Errorf("before the first snapshot the revision is %d", got)
	}
	for n := uint64(1); n <= 50; n++ {
		r.set(n)
		until(t, "the beat names revision "+strconv.FormatUint(n, 10), func() bool { return list(t, js)[0].Revision == n })
	}
}

func TestBeatsAreSortedAndEndOneByOne(t *testing.T) {
	_, js := startServer(t)
	names := func() string {
		var all []string
		for _, b := range list(t, js) {
			all = append(all, b.Service+"/"+b.Instance)
		}
		return strings.Join(all, " ")
	}
	ends := map[string]func(){}
	for _, name := range []string{"queryapi/x", "processor/b.b", "collector/x", "processor/a"} {
		service, instance, _ := strings.Cut(name, "/")
		ends[name] = run(t, New(quiet(js, at(1), service, instance)))
	}
	const all = "collector/x processor/a processor/b.b queryapi/x"
	until(t, "all beat", func() bool { return names() == all })
	ends["processor/a"]()
	if got, want := names(), "collector/x processor/b.b queryapi/x"; got != want {
		t.Errorf("after the end of one: %s, want %s", got, want)
	}
}

// A process that is killed removes nothing: the bucket forgets it.
func TestABeatExpires(t *testing.T) {
	_, js := startServer(t)
	dead := New(quiet(js, at(1), "processor", "dead"))
	if err := dead.put(bounded(t)); err != nil {
		t.Fatal(err)
	}
	if got := len(list(t, js)); got != 1 {
		t.Fatalf("%d beats", got)
	}
	run(t, New(quiet(js, at(1), "processor", "live")))
	until(t, "only the live one is left", func() bool {
		beats := list(t, js)
		return len(beats) == 1 && beats[0].Instance == "live"
	})
}

// The bucket lives in memory: after a restart of the server the processor makes
// it again, and everybody's beats are back.
func TestBeatsOutliveTheServer(t *testing.T) {
	s, js := startServer(t)
	var text logged
	cfg := quiet(js, at(3), "collector", "c")
	cfg.Logger = text.logger()
	collector := New(cfg)
	collector.every, collector.tellAfter = 10*time.Millisecond, 50*time.Millisecond
	run(t, collector)
	cfg = quiet(js, at(3), "processor", "p")
	cfg.MakeBucket = func(ctx context.Context) error { return stream.EnsureServices(ctx, js, stream.Config{}) }
	end := run(t, New(cfg))
	until(t, "both beat", func() bool { return len(list(t, js)) == 2 })
	for n := range 2 {
		s.Shutdown()
		until(t, "the failure is told", func() bool { return strings.Count(text.String(), "heartbeats do not arrive") > n })
		if n, err := js.Conn().Buffered(); err != nil || n > 0 {
			t.Errorf("%d bytes wait for the server, error %v: they would be stale", n, err)
		}
		s.Restart()
		until(t, "both beat again", func() bool {
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

func TestListWithoutABucket(t *testing.T) {
	_, js := startServer(t)
	if err := js.DeleteKeyValue(bounded(t), stream.BucketServices); err != nil {
		t.Fatal(err)
	}
	_, err := List(bounded(t), js)
	if err == nil || !strings.Contains(err.Error(), nats.ErrNoResponders.Error()) {
		t.Errorf("error %v", err)
	}
}

// What it says in a beat does not matter where the key says otherwise, and what
// is no beat is passed over.
func TestTheKeyTellsWhoseBeatItIs(t *testing.T) {
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
	beats := list(t, js)
	if len(beats) != 1 || beats[0].Service != "collector" || beats[0].Instance != "c" || beats[0].Revision != 4 {
		t.Errorf("beats %+v", beats)
	}
}

// As many processes as anybody runs, and more than one answer can tell.
func TestManyBeats(t *testing.T) {
	_, js := startServer(t)
	for n := range MaxListed + 1 {
		if n == MaxListed {
			if got := len(list(t, js)); got != MaxListed {
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
			t.Fatal("beats are not taken")
		}
	}
	if beats, err := List(bounded(t), js); err == nil {
		t.Errorf("no error, but %d beats", len(beats))
	}
}

// logged collects what is logged.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *logged) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }
