package analytics

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/raced"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/test/analytics/oracle"
)

// schedule is one random history of a pair of applications.
type schedule struct {
	*generator
	in     *installation
	pair   int
	apps   []string
	rules  []*rules // of all revisions, the present last
	sent   []*message
	model  *model
	db     *failing
	writer *store.Writer
	seq    uint64
	// damaged says that files of columns were damaged.
	damaged bool
	log     []string
}

func newSchedule(in *installation, pair int, seed uint64) *schedule {
	s := &schedule{
		generator: &generator{rand.New(rand.NewPCG(seed, 3))}, in: in, pair: pair, apps: applications(pair),
		model: &model{kept: map[string]*kept{}}, db: &failing{Store: in.store, after: -2},
		rules: []*rules{{revision: 10, version: 10, least: -1000, category: fmt.Sprintf("shop %d", pair)}},
	}
	s.present().keep = pick(s.generator, 0, 0, 2*time.Hour, 35*time.Hour)
	s.writer = store.NewWriter(store.WriterConfig{Backend: s.db, Now: in.clock.now})
	return s
}

func (s *schedule) present() *rules { return s.rules[len(s.rules)-1] }

// run runs the steps of the schedule and compares now and then.
func (s *schedule) run(ctx context.Context) error {
	s.ingest(ctx)
	for range 6 {
		s.step(ctx)
		if s.chance(40) {
			if err := s.compare(5); err != nil {
				return fmt.Errorf("%w\nafter %v", err, s.log)
			}
		}
	}
	if err := s.compare(25); err != nil {
		return fmt.Errorf("%w\nafter %v", err, s.log)
	}
	return nil
}

func (s *schedule) note(err error, format string, args ...any) {
	s.log = append(s.log, fmt.Sprintf(format, args...))
	if err != nil {
		s.in.t.Errorf("%v: %v", s.log, err)
	}
}

func (s *schedule) step(ctx context.Context) {
	switch n := s.IntN(100); {
	case n < 35:
		s.ingest(ctx)
	case n < 50:
		s.redeliver(ctx)
	case n < 65:
		s.replay(ctx)
	case n < 73:
		s.changeRetention(ctx)
	case n < 83:
		s.pass()
	case n < 87:
		s.sweep(ctx)
	case n < 90:
		s.note(nil, "restart")
		s.in.restartAPI()
	default:
		s.damage()
	}
}

// ingest sends some events: new ones, and others under the same ids.
func (s *schedule) ingest(ctx context.Context) {
	var batch []*message
	for range 2 + s.IntN(12) {
		batch = append(batch, s.newMessage())
	}
	s.deliver(ctx, batch, s.present(), "ingest")
}

func (s *schedule) newMessage() *message {
	now := s.in.clock.now()
	received := now.Add(-pick(s.generator, 0, 3*time.Second, 15*time.Second, time.Hour, 30*time.Hour)).Truncate(time.Millisecond)
	s.seq++
	m := &message{seq: s.seq, Event: oracle.Event{
		Application: pick(s.generator, s.apps...), ID: fmt.Sprintf("e%d", s.IntN(60)), Session: pick(s.generator, sessions...),
		Category: s.present().category, Name: pick(s.generator, "view", "view", "click", "buy"), Received: received, Data: s.data(),
	}}
	if s.chance(5) {
		m.Name = "unknown"
	}
	// Few times, so that several events have the same.
	grid := pick(s.generator, time.Second, 10*time.Minute, 8*time.Hour)
	m.Timestamp = received.Add(-time.Duration(s.IntN(16)) * grid).Truncate(pick(s.generator, time.Microsecond, time.Second, time.Minute))
	if len(s.sent) > 0 && s.chance(15) { // the same event once more
		again := *pick(s.generator, s.sent...)
		again.seq, again.Received = m.seq, received
		m = &again
	}
	m.DocumentID = m.Application + "/" + m.ID
	m.encode()
	s.sent = append(s.sent, m)
	return m
}

// redeliver delivers earlier messages again, by the rules of then or of now.
func (s *schedule) redeliver(ctx context.Context) {
	var batch []*message
	for _, m := range s.sent {
		if s.chance(30) {
			batch = append(batch, m)
		}
	}
	s.deliver(ctx, batch, pick(s.generator, s.rules...), "redeliver")
}

// replay changes the schema and delivers everything again, or one type.
func (s *schedule) replay(ctx context.Context) {
	r := *s.present()
	r.revision++
	r.version, r.least = r.revision, pick(s.generator, -1000, 0, 0.15, 2, 1e6)
	s.rules = append(s.rules, &r)
	batch := s.sent
	if s.chance(30) {
		name := pick(s.generator, names...)
		batch = slices.DeleteFunc(slices.Clone(batch), func(m *message) bool { return m.Name != name })
	}
	s.deliver(ctx, batch, &r, "replay by %v of", r.least)
}

// deliver writes messages, perhaps through failures, and updates the model.
func (s *schedule) deliver(ctx context.Context, batch []*message, r *rules, format string, args ...any) {
	batch = sortMessages(batch)
	if s.chance(25) {
		s.db.after = s.IntN(5)
		format += " (failing)"
	}
	err := writeMessages(ctx, s.writer, r.compile(), s.in.epoch, batch, func() {
		if s.chance(50) {
			s.refresh()
		}
	})
	s.db.after = -2
	for _, m := range batch {
		s.model.deliver(m, r, s.in.clock.now())
	}
	s.note(err, format+" %d", append(args, len(batch))...)
}

// changeRetention changes it, and applies it to the present events.
func (s *schedule) changeRetention(ctx context.Context) {
	r := *s.present()
	r.revision++
	r.keep = pick(s.generator, 0, 2*time.Hour, 20*time.Hour, 50*time.Hour)
	s.rules = append(s.rules, &r)
	portion := store.RetentionPortion{Limit: 1000, Retention: store.Retention{
		Revision: r.revision, Of: func(_, _ string, _ store.Status) time.Duration { return r.keep },
	}}
	for {
		result, err := s.in.store.ApplyRetention(ctx, portion)
		if err != nil || result.Next == "" {
			s.note(err, "retention %v", r.keep)
			break
		}
		portion.After = result.Next
	}
	s.model.retain(&r)
}

// pass lets time pass, often until something expires.
func (s *schedule) pass() {
	if id := slices.Sorted(maps.Keys(s.model.kept)); len(id) > 0 && s.chance(70) {
		if left := s.model.kept[pick(s.generator, id...)].event.Expires.Sub(s.in.clock.now()); left > 0 && left < 60*time.Hour {
			s.in.clock.advance(left)
			s.note(nil, "%v, until one expires", left)
			return
		}
	}
	d := pick(s.generator, time.Second, 20*time.Second, 70*time.Minute, 3*time.Hour)
	s.in.clock.advance(d)
	s.note(nil, "%v", d)
}

// sweeper is a store that removes the expired documents on demand.
type sweeper interface {
	Sweep(ctx context.Context) (int64, error)
}

func (s *schedule) sweep(ctx context.Context) {
	if sw, ok := s.in.store.(sweeper); ok {
		_, err := sw.Sweep(ctx)
		s.model.sweep(s.in.clock.now())
		s.note(err, "sweep")
	}
}

// refresh asks for anything, so that the columns are refreshed.
func (s *schedule) refresh() {
	s.in.clock.advance(3 * time.Second)
	s.in.ask("GET", tokenOf(s.pair, "both"), "/v1/stats/timeseries", "")
}

// damage removes the folder of the columns, or damages some of its files, and perhaps
// restarts the query API.
func (s *schedule) damage() {
	restart := s.chance(30)
	s.damaged = true
	if restart {
		s.in.stop()
	}
	what := pick(s.generator, "remove", "truncate", "flip", "remove all")
	if what == "remove all" {
		_ = os.RemoveAll(s.in.dir) // fails where the columns are written at the same time: some stay
	}
	_ = filepath.WalkDir(s.in.dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".parquet" && s.chance(30) {
			err = s.damageFile(what, path)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				s.in.t.Error(err)
			}
		}
		return nil
	})
	if restart {
		s.in.startAPI()
	}
	s.note(nil, "%s, restart: %t", what, restart)
}

func (s *schedule) damageFile(what, path string) error {
	if what == "remove" {
		return os.Remove(path)
	}
	raw, err := os.ReadFile(path)
	if err != nil || len(raw) == 0 {
		return err
	}
	if what == "truncate" {
		return os.Truncate(path, int64(s.IntN(len(raw))))
	}
	raw[s.IntN(len(raw))] ^= 0x10
	return os.WriteFile(path, raw, 0o600)
}

// runSchedules runs schedules with numbers from first, some on each installation.
func runSchedules(t *testing.T, first, n int, start func(testing.TB) *installation) {
	for base := 0; base < n; base += pairs {
		t.Run(fmt.Sprint(first+base), func(t *testing.T) {
			t.Parallel()
			in := start(t)
			for i := range min(pairs, n-base) {
				seed := first + base + i
				if err := newSchedule(in, i, uint64(seed)).run(t.Context()); err != nil || t.Failed() {
					t.Fatalf("EYE_ORACLE_SEED=%d: %v", seed, err)
				}
			}
		})
	}
}

// After any history every statistic is that of the events that were sent, counted one by
// one.
func TestEveryAnswerIsTheOraclesAfterAnyHistory(t *testing.T) {
	runSchedules(t, number(t, "EYE_ORACLE_SEED", 0), number(t, "EYE_ORACLE_SCHEDULES", raced.Cases(500)), newInstallation)
}

func TestEveryAnswerIsTheOraclesOnMongoDB(t *testing.T) {
	runSchedules(t, number(t, "EYE_ORACLE_SEED", 0), number(t, "EYE_ORACLE_SCHEDULES", raced.Cases(200))/5, newMongoInstallation)
}
