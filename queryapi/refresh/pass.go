package refresh

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"time"

	"github.com/theeye/theeye/shared/columns"
	"github.com/theeye/theeye/shared/store"
)

// errNotReady says that the store is not prepared yet, or does not answer: its readiness
// shows it to the operator.
var errNotReady = errors.New("the store is not ready")

// runPass reads the marks of all days, and refreshes the days that have changed,
// unless so much has changed that the builder does.
func (r *Refresher) runPass(ctx context.Context) error {
	began := r.now()
	if err := r.cfg.Store.Ready(ctx); err != nil {
		return fmt.Errorf("%w: %w", errNotReady, err)
	}
	// The identity is read first: the marks of another store are noticed by the next
	// pass, and until then refused, as they are not later than those that are held.
	id, err := r.cfg.Store.StoreID(ctx)
	if err != nil {
		return fmt.Errorf("read the identity of the store: %w", err)
	}
	if err := r.useStore(id); err != nil {
		return err
	}
	marks, err := r.cfg.Store.DayMarks(ctx, nil, 0, math.MaxInt64)
	if err != nil {
		return fmt.Errorf("read the marks of days: %w", err)
	}
	for _, d := range r.noteMarks(began, marks) {
		// A day that cannot be built keeps no other from it: refreshDay logs it.
		err := r.refreshDay(ctx, d, r.limits.patchSlots)
		if isOfStore(err) || ctx.Err() != nil {
			return err
		}
	}
	return nil
}

// useStore gives up everything where the store is another one than before.
func (r *Refresher) useStore(id string) error {
	r.mu.Lock()
	same := r.storeID == id
	r.mu.Unlock()
	if same {
		return nil
	}
	folder, err := openFolder(r.cfg.Dir, id, r.cache)
	if err != nil {
		return err
	}
	folder.hook, folder.scan = r.folderHook, r.scanForQuestion
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.storeID != "" {
		r.log.Warn("the store is another one: all columns are rebuilt", slog.String("store", id))
	}
	r.storeID, r.folder, r.asOf = id, folder, time.Time{}
	r.trash = nil
	r.days = make(map[columns.Key]*day)
	r.nonce = newNonce()
	r.wakeQuestions()
	return nil
}

// noteMarks records the marks as of a moment. It returns the days to refresh in a pass,
// those that questions wait for first, then the newest.
func (r *Refresher) noteMarks(asOf time.Time, marks []store.DayMark) []*day {
	r.mu.Lock()
	defer r.mu.Unlock()
	marked := make(map[columns.Key]bool, len(marks))
	var stale []*day
	for _, m := range marks {
		key := columns.Key{Application: m.Application, Day: m.Day}
		marked[key] = true
		d := r.days[key]
		if d == nil {
			// As of the last pass, the day had no documents. At the start that is
			// not known, and everything has to be built.
			d = &day{key: key, heldAt: r.asOf, queued: r.asOf.IsZero()}
			r.days[key] = d
		}
		if d.mark != m.Generation {
			if d.complete() {
				d.heldAt = r.asOf
			}
			d.mark, d.timestamps, d.bounded = m.Generation, m.Timestamps, m.Bounded
		}
		if !d.complete() && !d.queued && !asOf.Before(d.retryAt) {
			stale = append(stale, d)
		}
	}
	for key, d := range r.days {
		if !marked[key] {
			r.discardFiles(d.dropSegments(asOf))
			delete(r.days, key)
		}
	}
	if r.asOf.IsZero() {
		r.wakeBuilders()
	}
	r.asOf = asOf
	r.wakeQuestions()
	slices.SortFunc(stale, func(a, b *day) int {
		return cmp.Or(cmp.Compare(r.wanted[b.key], r.wanted[a.key]), cmp.Compare(b.key.Day, a.key.Day), cmp.Compare(a.key.Application, b.key.Application))
	})
	return stale
}

// refreshDay brings a day up to its mark. If more than so many slots have changed, it
// leaves that to the builder.
func (r *Refresher) refreshDay(ctx context.Context, d *day, most int) error {
	err := r.tryRefreshDay(ctx, d, most)
	if err == nil || isOfStore(err) || ctx.Err() != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if d.failed == nil || d.failed.Error() != err.Error() {
		r.log.Error("a day cannot be built; trying again", slog.String("day", d.key.String()), slog.Any("error", err))
	}
	d.failed, d.retryAt = err, r.now().Add(retryAfter)
	r.wakeQuestions()
	return err
}

func (r *Refresher) tryRefreshDay(ctx context.Context, d *day, most int) error {
	r.countUsers(d, 1)
	defer r.countUsers(d, -1)
	if resumed, err := r.resumeDay(ctx, d); resumed || err != nil {
		return err
	}
	r.mu.Lock()
	mark, asOf, folder := d.mark, r.asOf, r.folder
	// A day built from nothing goes to a file at once: a restart should find it.
	place := placement{toFile: !d.held && !r.now().Before(startOf(d.key.Day+1)), dayMark: mark}
	r.mu.Unlock()
	var written []*segment
	place.later = &written
	// The generations are read before the documents (I3).
	marks, err := r.readSlotMarks(ctx, d.key)
	if err != nil {
		return err
	}
	if err := r.loadSlots(ctx, d, marks); err != nil {
		return err
	}
	r.mu.Lock()
	want, sound := d.findChanges(marks)
	if !sound {
		r.log.Warn("the marks of a day are not those by which it was built: it is rebuilt", slog.String("day", d.key.String()))
		r.discardFiles(d.dropSegments(r.now()))
		want, _ = d.findChanges(marks)
	}
	losses := d.losses
	if want.len() > most {
		d.queued = true
		r.mu.Unlock()
		r.wakeBuilders()
		return nil
	}
	r.mu.Unlock()
	if err := r.buildSlots(ctx, d, &want, marks, place); err != nil {
		return err
	}
	r.mu.Lock()
	if d.losses == losses {
		r.noteBuilt(d, mark, asOf)
	} else { // slots that were not wanted, as they were held, are held no longer
		d.queued = true
		r.wakeBuilders()
	}
	r.mu.Unlock()
	for _, s := range written {
		r.moveToFile(ctx, folder, d, s)
	}
	return nil
}

// noteBuilt records that everything of a day is held as of a mark, which was the newest at
// asOf. The caller holds mu.
func (r *Refresher) noteBuilt(d *day, mark uint64, asOf time.Time) {
	d.built, d.held = mark, true
	d.failed, d.retryAt, d.queued = nil, time.Time{}, false
	if !d.complete() {
		d.heldAt = asOf
	}
	r.wakeQuestions()
}

// isOfStore reports whether a failure is one of the whole store, not of a day.
func isOfStore(err error) bool {
	return errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrConfiguration)
}

// readSlotMarks returns the generations of the marked slots of a day.
func (r *Refresher) readSlotMarks(ctx context.Context, key columns.Key) (map[int64]uint64, error) {
	marks, err := r.cfg.Store.SlotMarks(ctx, key.Application, key.Day)
	if err != nil {
		return nil, fmt.Errorf("read the marks of slots: %w", err)
	}
	for slot, generation := range marks {
		if generation == 0 {
			delete(marks, slot)
		}
	}
	return marks, nil
}
