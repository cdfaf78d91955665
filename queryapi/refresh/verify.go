package refresh

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/theeye/theeye/shared/columns"
	"github.com/theeye/theeye/shared/query/filter"
	"github.com/theeye/theeye/shared/store"
)

// verifyRounds is how often slots that change during a verification are counted again.
const verifyRounds = 3

// verifyMargin is how long before its expiry a document is no longer counted: the store
// may remove it during the verification.
const verifyMargin = 10 * time.Minute

// Counts are numbers of documents by outcome.
type Counts struct{ Stored, Rejected int64 }

// Verified is the result of the verification of one application-day.
type Verified struct {
	Key columns.Key
	// Store and Columns are the counts of both sides, without documents that
	// expire soon.
	Store, Columns Counts
	// Different are the slots whose counts, or the hash over the ids, differ.
	Different int
	// Changing are the slots that were written to all the time: they were not
	// compared.
	Changing int
	// Rebuilt says that the day was given up for the difference and rebuilt.
	Rebuilt bool
}

// digest sums up the documents of one slot: their numbers, and the sum of the hashes of
// ids, times and outcomes, in any order; of stored events also of category, name and
// session id. Data is not in it: columns hold it by its leaves, and a few of them not at
// all.
type digest struct {
	stored, rejected uint32
	hash             uint64
}

// addRow adds a document. texts are category, name and session id, of a stored event.
func (g *digest) addRow(status store.Status, id []byte, timestamp, received, expires int64, texts [3]string) {
	var b [24]byte
	binary.LittleEndian.PutUint64(b[:], uint64(timestamp))
	binary.LittleEndian.PutUint64(b[8:], uint64(received))
	binary.LittleEndian.PutUint64(b[16:], uint64(expires))
	h := fnv.New64a()
	_, _ = h.Write(b[:])
	_, _ = h.Write([]byte(status))
	_, _ = h.Write(id)
	for _, text := range texts {
		_, _ = h.Write([]byte{0})
		_, _ = h.Write([]byte(text))
	}
	g.hash += h.Sum64()
	if status == store.Stored {
		g.stored++
	} else {
		g.rejected++
	}
}

// digests are those of a day, by slot.
type digests [slotsPerDay]digest

// Days returns the application-days that overlap a range of received time, from the
// newest on; a zero bound is open.
func (r *Refresher) Days(from, to time.Time) []columns.Key {
	r.mu.Lock()
	defer r.mu.Unlock()
	var keys []columns.Key
	for key := range r.days {
		if (to.IsZero() || startOf(key.Day).Before(to)) && (from.IsZero() || startOf(key.Day+1).After(from)) {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, CompareKeys)
	return keys
}

// CompareKeys orders keys as Days does.
func CompareKeys(a, b columns.Key) int {
	if a.Day != b.Day {
		return int(b.Day - a.Day)
	}
	return strings.Compare(a.Application, b.Application)
}

// Verify counts the documents of an application-day in the store, and compares them with
// the held rows, slot by slot. A day that differs is rebuilt from the store.
func (r *Refresher) Verify(ctx context.Context, key columns.Key) (Verified, error) {
	v := Verified{Key: key}
	horizon := r.now().Add(verifyMargin)
	var fromStore, held digests
	for range verifyRounds {
		d, err := r.awaitDay(ctx, key)
		if err != nil || d == nil {
			return v, err
		}
		slots, err := r.digestDay(ctx, d, horizon, &fromStore, &held)
		if err != nil {
			return v, err
		}
		v.Store, v.Columns, v.Different, v.Changing = Counts{}, Counts{}, 0, 0
		v.compareDigests(&fromStore, &held, &slots)
		if v.Changing == 0 {
			break
		}
	}
	if v.Different == 0 {
		return v, nil
	}
	return v, r.rebuild(ctx, &v)
}

// compareDigests fills in the counts of both sides.
func (v *Verified) compareDigests(fromStore, held *digests, settled *slotSet) {
	for offset := range fromStore {
		s, h := &fromStore[offset], &held[offset]
		if !settled.has(offset) {
			if *s != (digest{}) || *h != (digest{}) {
				v.Changing++
			}
			continue
		}
		v.Store.Stored += int64(s.stored)
		v.Store.Rejected += int64(s.rejected)
		v.Columns.Stored += int64(h.stored)
		v.Columns.Rejected += int64(h.rejected)
		if *s != *h {
			v.Different++
		}
	}
}

// awaitDay waits until everything of a day is held, as of the call. It returns nil if the
// store has no such day.
func (r *Refresher) awaitDay(ctx context.Context, key columns.Key) (*day, error) {
	begun := r.now()
	for {
		r.mu.Lock()
		d := r.days[key]
		m := &missing{changed: r.changed, building: true, pass: r.asOf.Before(begun), failed: r.explainStandstill()}
		ready := !r.asOf.Before(begun) && (d == nil || !d.asOf(r.asOf).Before(begun))
		if d != nil && !ready {
			m.addDay(d)
		}
		r.mu.Unlock()
		if ready {
			return d, nil
		}
		if err := r.awaitChange(ctx, m); err != nil {
			return nil, err
		}
	}
}

// digestDay sums up a day on both sides. It returns the slots that can be compared: whose
// generation was that of the held rows, before the documents were read and after.
func (r *Refresher) digestDay(ctx context.Context, d *day, horizon time.Time, fromStore, held *digests) (settled slotSet, err error) {
	*fromStore, *held = digests{}, digests{}
	r.countUsers(d, 1)
	defer r.countUsers(d, -1)
	before, err := r.readSlotMarks(ctx, d.key)
	if err != nil {
		return settled, err
	}
	if err := r.loadSlots(ctx, d, before); err != nil {
		return settled, err
	}
	r.mu.Lock()
	parts, generations := selectDay(d), d.slots.generations
	r.mu.Unlock()
	if err := r.digestStore(ctx, d.key, horizon, fromStore); err != nil {
		return settled, err
	}
	after, err := r.readSlotMarks(ctx, d.key)
	if err != nil {
		return settled, err
	}
	for offset, generation := range generations {
		slot := d.key.FirstSlot() + int64(offset)
		if before[slot] == generation && after[slot] == generation {
			settled.addSlot(offset)
		}
	}
	for _, p := range parts {
		err := r.digestPart(ctx, p, horizon, held)
		if errors.Is(err, columns.ErrDamaged) {
			r.loseSegment(p.day, p.segment, err)
			settled = slotSet{} // another round compares the rows built in its place
			continue
		}
		if err != nil {
			return settled, err
		}
	}
	return settled, nil
}

// selectDay selects all parts of a day. The caller holds mu.
func selectDay(d *day) (parts []selected) {
	for _, s := range d.segments {
		owned := s.owned
		parts = append(parts, selected{day: d, segment: s, owned: &owned})
	}
	return parts
}

func (r *Refresher) digestStore(ctx context.Context, key columns.Key, horizon time.Time, sums *digests) error {
	first := key.FirstSlot()
	for d, err := range r.cfg.Store.Scan(ctx, key.Application, first, first+slotsPerDay) {
		if err != nil {
			return fmt.Errorf("scan %s: %w", key, err)
		}
		expires := int64(math.MaxInt64)
		if !d.ExpiresAt.IsZero() {
			if !d.ExpiresAt.After(horizon) {
				continue
			}
			expires = d.ExpiresAt.UnixMilli()
		}
		timestamp := d.Timestamp.UnixMicro()
		if d.Status != store.Stored && d.Timestamp.IsZero() {
			timestamp = math.MinInt64
		}
		var texts [3]string
		if d.Status == store.Stored {
			texts = [3]string{d.Category, d.Name, d.SessionID}
		}
		sums[d.EffectiveSlot()-first].addRow(d.Status, []byte(d.EventID), timestamp, d.ReceivedAt.UnixMilli(), expires, texts)
	}
	return nil
}

// digestPart adds the live rows of a part.
func (r *Refresher) digestPart(ctx context.Context, p selected, horizon time.Time, sums *digests) error {
	view, err := r.openView(ctx, p)
	if err != nil {
		return err
	}
	part := view.Part
	timestamps, err := part.Timestamps(ctx)
	if err != nil {
		return err
	}
	received, err := part.ReceivedAt(ctx)
	if err != nil {
		return err
	}
	expires, err := part.ExpiresAt(ctx)
	if err != nil {
		return err
	}
	slots, err := part.SlotNumbers(ctx)
	if err != nil {
		return err
	}
	ids, err := part.EventIDs(ctx)
	if err != nil {
		return err
	}
	var fields [3]*columns.Column
	for i, name := range []filter.Name{filter.Category, filter.EventName, filter.SessionID} {
		if fields[i], err = part.Column(ctx, filter.Field{Name: name}); err != nil {
			return err
		}
	}
	for row := range part.Rows() {
		status, expiry, texts := store.Stored, int64(math.MaxInt64), [3]string{}
		if row >= part.Stored() {
			status = store.Rejected
		} else {
			for i, c := range fields {
				texts[i], _ = c.Values.ValueOf(c.Codes.CodeAt(row)).TextValue()
			}
		}
		if expires != nil {
			expiry = expires.TimeAt(row)
		}
		if view.IsLive(row) && expiry > horizon.UnixMilli() {
			sums[slots[row]].addRow(status, ids.At(row), timestamps.TimeAt(row), received.TimeAt(row), expiry, texts)
		}
	}
	return nil
}

// rebuild gives up a day that differs from the store, and waits until it is rebuilt.
func (r *Refresher) rebuild(ctx context.Context, v *Verified) error {
	r.mu.Lock()
	d := r.days[v.Key]
	r.stats.daysDifferent++
	r.log.Error("the columns of a day differ from the store: it is rebuilt", slog.String("day", v.Key.String()),
		slog.Int("slots", v.Different), slog.Int64("stored", v.Store.Stored), slog.Int64("rows", v.Columns.Stored))
	if d != nil {
		r.discardFiles(d.dropSegments(r.now()))
		d.queued = true
	}
	r.wakeQuestions()
	r.mu.Unlock()
	if _, err := r.awaitDay(ctx, v.Key); err != nil {
		return fmt.Errorf("rebuild %s: %w", v.Key, err)
	}
	v.Rebuilt = true
	return nil
}
