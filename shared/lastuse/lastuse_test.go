package lastuse

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/kv"
	"github.com/theeye/theeye/shared/natsd/natstest"
	"github.com/theeye/theeye/shared/registry/registrytest"
	"github.com/theeye/theeye/shared/stream"
)

func TestMain(m *testing.M) { natstest.VerifyTestMain(m) }

// now is the hour of the tests: a past one, which the clock of the server has reached.
var now = time.Date(2026, 3, 4, 5, 0, 0, 0, time.UTC)

var (
	shopKey  = Credential{"shop", "0123456789ab"}
	shopKey2 = Credential{"shop", "ba9876543210"}
	blogKey  = Credential{"blog", "0123456789ab"}
	alice    = Credential{ID: "alice"}
)

// fixture is a server with the buckets of the running system.
type fixture struct {
	t    *testing.T
	nats *natstest.Server
	b    *kv.Bucket
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{t: t, nats: natstest.Start(t)}
	js := f.nats.JetStream()
	if err := stream.Ensure(t.Context(), js, stream.Config{MaxBytes: 1 << 20}); err != nil {
		t.Fatal(err)
	}
	f.b = kv.New(js, stream.BucketUses)
	return f
}

// start runs a recorder of a process with a connection of its own. stop ends it.
func (f *fixture) start(interval time.Duration) (r *Recorder, log *registrytest.Logs, stop func()) {
	f.t.Helper()
	log = new(registrytest.Logs)
	r = NewRecorder(Config{JetStream: f.nats.JetStream(), Interval: interval, Logger: slog.New(slog.NewTextHandler(log, nil))})
	ctx, cancel := context.WithCancel(f.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			f.t.Error(err)
		}
	})
	f.t.Cleanup(stop)
	return r, log, stop
}

// read returns the marks that match a pattern.
func (f *fixture) read(pattern Credential) map[Credential]time.Time {
	f.t.Helper()
	marks, err := Read(f.t.Context(), f.b, pattern)
	if err != nil {
		f.t.Fatal(err)
	}
	return marks
}

// writes returns how often any mark was written.
func (f *fixture) writes() uint64 {
	f.t.Helper()
	_, revision, err := f.b.Info(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	return revision
}

// waitFor polls until a condition holds.
func waitFor(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatal("not within 20 seconds: " + what)
		}
		<-tick.C
	}
}

// Each mark is found by itself and among those of its kind, and nowhere else.
func TestMarksAreReadByKindAndApplication(t *testing.T) {
	f := newFixture(t)
	r, _, stop := f.start(time.Hour)
	for i, c := range []Credential{shopKey, shopKey2, blogKey, alice} {
		r.NoteUse(c, now.Add(time.Duration(i)*time.Hour+59*time.Minute))
	}
	stop()
	at := func(hours int) time.Time { return now.Add(time.Duration(hours) * time.Hour) }
	for name, c := range map[string]struct {
		pattern Credential
		want    map[Credential]time.Time
	}{
		"all keys":      {EveryKey, map[Credential]time.Time{shopKey: at(0), shopKey2: at(1), blogKey: at(2)}},
		"keys of shop":  {KeysOf("shop"), map[Credential]time.Time{shopKey: at(0), shopKey2: at(1)}},
		"keys of other": {KeysOf("other"), map[Credential]time.Time{}},
		"one key":       {blogKey, map[Credential]time.Time{blogKey: at(2)}},
		"all tokens":    {EveryToken, map[Credential]time.Time{alice: at(3)}},
		"one token":     {alice, map[Credential]time.Time{alice: at(3)}},
	} {
		if diff := cmp.Diff(c.want, f.read(c.pattern)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// Any number of processes write the marks of the same credentials, at once and whatever
// their clocks say: each mark is the latest hour.
func TestMarksOfProcessesAtOnceAreTheLatest(t *testing.T) {
	f := newFixture(t)
	const processes, hours = 4, 8
	var all sync.WaitGroup
	for p := range processes {
		r, _, stop := f.start(time.Millisecond)
		all.Go(func() {
			defer stop()
			for h := range hours {
				for _, c := range []Credential{shopKey, alice} {
					r.NoteUse(c, now.Add(time.Duration(h+p)*time.Hour))
				}
				waitFor(t, "the marks are written", func() bool {
					marks, err := Read(context.Background(), f.b, shopKey)
					return err != nil || !marks[shopKey].Before(now.Add(time.Duration(h+p)*time.Hour))
				})
			}
		})
	}
	back := make(chan struct{})
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		for last := (time.Time{}); ; {
			marks, err := Read(context.Background(), f.b, shopKey)
			if err != nil || marks[shopKey].Before(last) {
				t.Errorf("a mark moved back from %s to %s: %v", last, marks[shopKey], err)
			}
			last = marks[shopKey]
			select {
			case <-back:
				return
			default:
			}
		}
	}()
	all.Wait()
	close(back)
	<-watched
	latest := now.Add((hours + processes - 2) * time.Hour)
	for _, c := range []Credential{shopKey, alice} {
		if got := f.read(c)[c]; !got.Equal(latest) {
			t.Errorf("the mark of %v is %s, want %s", c, got, latest)
		}
	}
}

// A process whose clock is behind, or was set back, leaves a later mark.
func TestMarkDoesNotMoveBack(t *testing.T) {
	f := newFixture(t)
	r, _, stop := f.start(time.Hour)
	r.NoteUse(shopKey, now)
	stop()
	late, _, stop := f.start(time.Hour)
	late.NoteUse(shopKey, now.Add(-72*time.Hour))
	stop()
	if got := f.read(shopKey)[shopKey]; !got.Equal(now) || f.writes() != 1 {
		t.Errorf("the mark is %s after %d writes, want %s after 1", got, f.writes(), now)
	}
}

// An hour that the server had not reached counts as that of the server, so that the next
// process with a right clock moves the mark on.
func TestHourOfTheFutureCountsAsThatOfTheServer(t *testing.T) {
	taken := now.Add(17 * time.Minute)
	for name, c := range map[string]struct {
		entry kv.Entry
		want  time.Time
		ok    bool
	}{
		"an hour before":       {kv.Entry{Revision: 1, Value: []byte("2026-03-04T04:00:00Z"), Created: taken}, now.Add(-time.Hour), true},
		"the hour itself":      {kv.Entry{Revision: 1, Value: []byte("2026-03-04T05:00:00Z"), Created: taken}, now, true},
		"an hour ahead":        {kv.Entry{Revision: 1, Value: []byte("2026-03-04T06:00:00Z"), Created: taken}, now, true},
		"years ahead":          {kv.Entry{Revision: 1, Value: []byte("2036-03-04T06:00:00Z"), Created: taken}, now, true},
		"no time":              {kv.Entry{Revision: 1, Value: []byte("soon"), Created: taken}, time.Time{}, false},
		"a removal":            {kv.Entry{Revision: 1, Removed: true, Created: taken}, time.Time{}, false},
		"a key without a mark": {kv.Entry{}, time.Time{}, false},
	} {
		if got, ok := readMark(c.entry); !got.Equal(c.want) || ok != c.ok {
			t.Errorf("%s: %s, %t; want %s, %t", name, got, ok, c.want, c.ok)
		}
	}
}

// A credential in constant use costs one write an hour, however many requests and
// intervals there are.
func TestMarkIsWrittenOnceAnHour(t *testing.T) {
	f := newFixture(t)
	r, _, stop := f.start(time.Millisecond)
	for hour := range 3 {
		for minute := range 60 {
			r.NoteUse(shopKey, now.Add(time.Duration(hour)*time.Hour+time.Duration(minute)*time.Minute))
		}
		// A request that was slower notes the hour before.
		r.NoteUse(shopKey, now.Add(time.Duration(hour)*time.Hour-time.Second))
		waitFor(t, "the mark is written", func() bool { return f.read(shopKey)[shopKey].Equal(now.Add(time.Duration(hour) * time.Hour)) })
	}
	stop()
	if got := f.writes(); got != 3 {
		t.Errorf("%d writes in 3 hours", got)
	}
}

// Noted uses cost memory within their hour alone.
func TestUsesOfEarlierHoursAreForgotten(t *testing.T) {
	f := newFixture(t)
	r, _, _ := f.start(time.Millisecond)
	for i := range 20 {
		r.NoteUse(Credential{"shop", strings.Repeat("a", i+1)}, now)
	}
	r.NoteUse(alice, now.Add(time.Hour))
	waitFor(t, "one use is left", func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return len(r.uses) == 1 && r.uses[alice].written
	})
	if got := len(f.read(EveryKey)); got != 20 {
		t.Errorf("%d marks of 20", got)
	}
}

// A use that is noted while the bucket does not exist, or NATS is down, is written later.
// The fault is logged once.
func TestUsesWaitForTheBucket(t *testing.T) {
	f := &fixture{t: t, nats: natstest.Start(t)}
	js := f.nats.JetStream()
	f.b = kv.New(js, stream.BucketUses)
	if got := f.read(EveryKey); len(got) != 0 {
		t.Errorf("without a bucket there are %v", got)
	}
	r, log, stop := f.start(time.Millisecond)
	r.NoteUse(shopKey, now)
	waitFor(t, "the fault is logged", func() bool { return strings.Contains(log.String(), "level=WARN") })
	if err := stream.Ensure(t.Context(), js, stream.Config{MaxBytes: 1 << 20}); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the mark is written", func() bool { return f.read(shopKey)[shopKey].Equal(now) })
	f.nats.Restart()
	r.NoteUse(shopKey, now.Add(time.Hour))
	waitFor(t, "the mark is written after the restart", func() bool {
		marks, err := Read(t.Context(), f.b, shopKey)
		return err == nil && marks[shopKey].Equal(now.Add(time.Hour))
	})
	stop()
	if got := strings.Count(log.String(), "bucket not found"); got != 1 {
		t.Errorf("the missing bucket is logged %d times:\n%s", got, log)
	}
}

func TestRemovedMarksAreGone(t *testing.T) {
	f := newFixture(t)
	r, _, stop := f.start(time.Hour)
	for _, c := range []Credential{shopKey, shopKey2, blogKey, alice} {
		r.NoteUse(c, now)
	}
	stop()
	for _, c := range []Credential{alice, {ID: "nobody"}, KeysOf("shop"), shopKey} {
		if err := Remove(t.Context(), f.b, c); err != nil {
			t.Error(err)
		}
	}
	if diff := cmp.Diff(map[Credential]time.Time{blogKey: now}, f.read(EveryKey)); diff != "" {
		t.Error(diff)
	}
	if got := f.read(EveryToken); len(got) != 0 {
		t.Errorf("%v", got)
	}
	// A credential that comes back, as a declared one can, has marks again.
	r, _, stop = f.start(time.Hour)
	r.NoteUse(shopKey, now)
	stop()
	if got := f.read(shopKey)[shopKey]; !got.Equal(now) {
		t.Errorf("the mark is %s", got)
	}
}

// The bucket drops marks by itself.
func TestMarksExpire(t *testing.T) {
	f := newFixture(t)
	s, err := f.b.JetStream().Stream(t.Context(), stream.BucketStream(stream.BucketUses))
	if err != nil {
		t.Fatal(err)
	}
	if c := s.CachedInfo().Config; c.MaxAge != stream.UsesTTL || c.MaxMsgsPerSubject != 1 || c.MaxBytes <= 0 || c.Storage != jetstream.FileStorage {
		t.Errorf("%+v", c)
	}
}
