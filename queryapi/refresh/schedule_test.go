package refresh

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/columns"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/query/filter"
	"github.com/theeye/theeye/shared/raced"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/store/storetest"
)

var schemaVersion = filter.Field{Name: filter.SchemaVersion}

// sweeper is a store that removes expired documents on request.
type sweeper interface {
	Sweep(ctx context.Context) (int64, error)
}

// schedule is one random history: events that arrive, documents that change and expire,
// and a refresher that is killed and whose files are damaged. After every step its rows
// are to be those of the store, each once.
type schedule struct {
	t        testing.TB
	random   *rand.Rand
	clock    *testClock
	store    *hookedStore
	writer   *store.Writer
	dir      string
	r        *Refresher
	apps     []string
	revision uint64
	seq      uint64
	// small says that parts have few rows, so that most go to files and days have many.
	small bool
	// answered counts the answers about ranges of timestamps.
	answered int
	// depth bounds the steps within steps.
	depth int
	log   []string
}

func newSchedule(t testing.TB, s store.Store, clock *testClock, seed uint64) *schedule {
	p := &schedule{
		t: t, random: rand.New(rand.NewPCG(seed, 7)), clock: clock, store: &hookedStore{Store: s}, dir: filepath.Join(t.TempDir(), "columns"),
		apps: []string{fmt.Sprintf("a%d", seed), fmt.Sprintf("b%d", seed)}, revision: 1, seq: 1 << 20,
	}
	p.small = seed%2 == 0
	p.writer = store.NewWriter(store.WriterConfig{Backend: s, Now: clock.now})
	p.store.hook = p.disturb
	p.restart()
	return p
}

func (p *schedule) chance(percent int) bool { return p.random.IntN(100) < percent }

func (p *schedule) restart() {
	p.r = newRefresher(p.t, &ownDays{p.store, p.apps}, p.dir, p.clock.now)
	p.r.folderHook = p.failWrite
	if p.small {
		p.r.limits.patchSlots, p.r.limits.sealRows, p.r.limits.mostRows = 3, 2, 4
	}
}

// ownDays hides the applications of other schedules in the same store.
type ownDays struct {
	*hookedStore
	apps []string
}

func (s *ownDays) DayMarks(ctx context.Context, _ []string, from, to int64) ([]store.DayMark, error) {
	return s.hookedStore.DayMarks(ctx, s.apps, from, to)
}

// run runs some steps and compares after each.
func (p *schedule) run(ctx context.Context, steps int) error {
	for range steps {
		p.step(ctx)
		if p.chance(50) {
			continue
		}
		if err := p.compare(ctx); err != nil {
			return fmt.Errorf("%w\nafter %v", err, p.log)
		}
	}
	return nil
}

// step does one thing. A failure that is not planted ends the schedule in compare.
func (p *schedule) step(ctx context.Context) {
	switch n := p.random.IntN(100); {
	case n < 35:
		p.write(ctx)
	case n < 50:
		p.note("pass", p.r.runPass(ctx))
	case n < 65:
		_, _, err := p.r.runWork(ctx, false)
		p.note("work", err)
	case n < 72:
		p.note("kill", nil)
		p.restart()
	case n < 80:
		p.damage()
	case n < 84:
		if s, ok := p.store.Store.(sweeper); ok {
			_, err := s.Sweep(ctx)
			p.note("sweep", err)
		}
	case n < 88:
		p.applyRetention(ctx)
	default:
		d := []time.Duration{time.Second, 11 * time.Second, 2 * time.Minute, 20 * time.Minute, 70 * time.Minute, 25 * time.Hour}[p.random.IntN(6)]
		p.clock.advance(d)
		p.note(d.String(), nil)
	}
}

func (p *schedule) note(step string, err error) {
	if err != nil {
		step += "!"
	}
	p.log = append(p.log, step)
	if err != nil && !errors.Is(err, errPlanted) {
		p.t.Errorf("%v: %v", p.log, err)
	}
}

// disturb is the hook of the store: between any two reads of the refresher others write,
// the other half of the refresher works, or the read fails.
func (p *schedule) disturb(step string) error {
	if p.depth >= 2 {
		return nil
	}
	p.depth++
	defer func() { p.depth-- }()
	switch n := p.random.IntN(100); {
	case step == "after scan" && n < 20: // the scanned rows are old by now, and others know it
		p.write(context.Background())
		p.note("pass within", p.r.runPass(context.Background()))
	case n < 8:
		p.write(context.Background())
	case n < 10:
		p.note("pass within", p.r.runPass(context.Background()))
	case n < 12:
		_, _, err := p.r.runWork(context.Background(), false)
		p.note("work within", err)
	case n < 14:
		return errPlanted
	case n < 40: // a question or the check notices that a file is gone
		p.damageFile(p.random.IntN(3))
		p.r.checkFiles()
	}
	return nil
}

// write delivers some events: new ones, copies, other contents, later revisions.
func (p *schedule) write(ctx context.Context) {
	var docs []*store.Document
	for range 1 + p.random.IntN(5) {
		docs = append(docs, p.document())
	}
	_, err := p.writer.Write(ctx, docs)
	p.note(fmt.Sprintf("write %d", len(docs)), err)
}

func (p *schedule) document() *store.Document {
	n := p.random.IntN(12)
	d := storetest.Event(n)
	d.Application = p.apps[p.random.IntN(2)]
	if p.chance(30) {
		d.Status, d.Errors = store.Rejected, []event.Fault{{Code: event.CodeSchemaViolation, Path: "/data"}}
	}
	if p.chance(15) {
		d.ContentHash = fmt.Sprintf("%032x", 1000+n)
	}
	// A copy has a place in the stream and a received time of its own.
	copyOf := uint64(p.random.IntN(3))
	d.ReceivedAt = p.clock.now().Add(-[]time.Duration{0, 3 * time.Second, 15 * time.Second, time.Hour, 30 * time.Hour}[p.random.IntN(5)]).Truncate(time.Millisecond)
	p.seq++
	d.Origin.Seq = p.seq
	if p.chance(40) {
		d.Origin.Seq = copyOf + 1 + uint64(n)*3
	}
	if p.chance(20) {
		p.revision++
	}
	d.Revision, d.SchemaVersion = p.revision, int64(p.revision)
	if p.chance(40) {
		d.ExpiresAt = d.ReceivedAt.Add([]time.Duration{time.Minute, time.Hour, 40 * time.Hour}[p.random.IntN(3)])
		d.RejectedExpiresAt = d.ExpiresAt
	}
	d.Timestamp = d.ReceivedAt.Add(-time.Duration(p.random.IntN(1000)) * time.Second)
	if p.chance(30) { // a clock that is wrong, or an event that was sent late
		d.Timestamp = d.ReceivedAt.Add(time.Duration(p.random.IntN(200_000)-100_000) * time.Second)
	}
	d.ID = store.DocumentID(d.Application, d.EventID)
	return d
}

// applyRetention changes the expiry of all documents.
func (p *schedule) applyRetention(ctx context.Context) {
	p.revision++
	keep := []time.Duration{0, 2 * time.Hour, 50 * time.Hour}[p.random.IntN(3)]
	portion := store.RetentionPortion{
		Retention: store.Retention{Revision: p.revision, Of: func(string, string, store.Status) time.Duration { return keep }}, Limit: 100,
	}
	for {
		result, err := p.store.ApplyRetention(ctx, portion)
		if err != nil || result.Next == "" {
			p.note(fmt.Sprintf("retention %s", keep), err)
			return
		}
		portion.After = result.Next
	}
}

// compare brings the refresher up to date, through planted failures, and compares its
// rows with the documents.
func (p *schedule) compare(ctx context.Context) error {
	hook := p.store.hook
	defer func() { p.store.hook = hook }()
	p.store.hook = nil
	p.clock.advance(time.Millisecond) // the written events are older than the next pass
	if err := p.compareRange(ctx); err != nil {
		return err
	}
	snapshot, err := settle(ctx, p.r, Need{Applications: p.apps})
	if err != nil {
		return err
	}
	got, err := snapshotRows(ctx, snapshot)
	if errors.Is(err, columns.ErrDamaged) { // the file was damaged while it was open
		if err := p.r.VerifySnapshot(ctx, snapshot); err != nil {
			return err
		}
		if snapshot, err = settle(ctx, p.r, Need{Applications: p.apps}); err != nil {
			return err
		}
		got, err = snapshotRows(ctx, snapshot)
	}
	if err != nil {
		return err
	}
	want, err := storeRows(ctx, p.store, p.apps, snapshot.Now)
	if err != nil {
		return err
	}
	if !slices.Equal(got, want) {
		return fmt.Errorf("rows\n%v\nwant\n%v", got, want)
	}
	return nil
}

// compareRange asks for a range of timestamps after one pass, and compares the rows with
// the documents if there is an answer: that does not need all days.
func (p *schedule) compareRange(ctx context.Context) error {
	if err := p.r.runPass(ctx); err != nil {
		return err
	}
	from := p.clock.now().Add(-time.Duration(p.random.IntN(100_000)) * time.Second)
	n := Need{Applications: p.apps, From: from, To: from.Add(time.Duration(p.random.IntN(100_000)) * time.Second)}
	selection, missing := p.r.selectParts(n, p.clock.now())
	if missing != nil {
		return nil
	}
	snapshot, lost, err := p.r.openViews(ctx, selection)
	if err != nil || lost {
		return err
	}
	got, err := snapshotRows(ctx, snapshot)
	if errors.Is(err, columns.ErrDamaged) { // compare mends it
		return nil
	}
	if err != nil {
		return err
	}
	want, err := storeRows(ctx, p.store, p.apps, snapshot.Now)
	if err != nil {
		return err
	}
	outside := func(x row) bool {
		return x.status != store.Stored || x.timestamp < n.From.UnixMicro() || x.timestamp >= n.To.UnixMicro()
	}
	got, want = slices.DeleteFunc(got, outside), slices.DeleteFunc(want, outside)
	if !slices.Equal(got, want) {
		return fmt.Errorf("from %s to %s, rows\n%v\nwant\n%v", n.From, n.To, got, want)
	}
	p.answered++
	return nil
}

// After any history, the rows of the columns are the documents of the store, each once.
func TestRandomSchedules(t *testing.T) {
	const workers = 4
	each := uint64(raced.Cases(80))
	for worker := range uint64(workers) {
		t.Run(fmt.Sprint(worker), func(t *testing.T) {
			t.Parallel()
			clock := newClock()
			s := openSQLite(t, clock.now)
			answered := 0
			for i := range each {
				seed := worker*each + i
				p := newSchedule(t, s, clock, seed)
				if err := p.run(t.Context(), 14); err != nil {
					t.Fatalf("schedule %d: %v", seed, err)
				}
				answered += p.answered
			}
			if answered == 0 {
				t.Error("no question about timestamps had an answer after one pass")
			}
		})
	}
}
