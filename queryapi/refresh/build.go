package refresh

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/theeye/theeye/shared/columns"
)

// errSlotTooLarge says that the documents of ten seconds do not fit into memory.
var errSlotTooLarge = errors.New("refresh: ten seconds of one application have too many events for the memory")

// errNoRoom says that a part can go neither to memory nor to a file.
var errNoRoom = errors.New("refresh: the folder of columns cannot be written, and the memory for parts is full")

// placement says where a part goes.
type placement struct {
	// toFile demands a file, whatever the size.
	toFile bool
	// madeAt is since when the part is in memory; zero is now.
	madeAt time.Time
	// dayMark is the mark of the day, which was read before those of its slots.
	dayMark uint64
	// later collects segments that go to files once the day is complete, if there is room
	// in memory until then: a question need not wait for that. nil writes them at once.
	later *[]*segment
}

// buildSlots scans slots of a day and installs parts with their rows, valid for the
// given generations, which were read before. Where the rows are too many for one part,
// each half of the slots gets its own.
func (r *Refresher) buildSlots(ctx context.Context, d *day, want *slotSet, marks map[int64]uint64, p placement) error {
	if *want == (slotSet{}) {
		return nil
	}
	r.mu.Lock()
	folder := r.folder // of the store as it is now, whatever it is when the part is written
	r.mu.Unlock()
	part, err := r.scanSlots(ctx, d.key, want, marks, p.dayMark)
	if errors.Is(err, columns.ErrTooLarge) {
		first, second := split(want)
		if second == (slotSet{}) {
			return fmt.Errorf("%w: %w", errSlotTooLarge, err)
		}
		if err := r.buildSlots(ctx, d, &first, marks, p); err != nil {
			return err
		}
		return r.buildSlots(ctx, d, &second, marks, p)
	}
	if err != nil {
		return err
	}
	generations := make(map[int64]uint64, want.len())
	for offset := range want.all() {
		slot := d.key.FirstSlot() + int64(offset)
		generations[slot] = marks[slot]
	}
	s, err := r.placePart(ctx, folder, part, want, p)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.discardFiles(d.installSegment(s, generations, r.now()))
	r.stats.partsBuilt++
	return nil
}

// split divides a set into halves; the second is empty if it has one member.
func split(set *slotSet) (first, second slotSet) {
	n := 0
	for offset := range set.all() {
		if n++; n <= (set.len()+1)/2 {
			first.addSlot(offset)
		} else {
			second.addSlot(offset)
		}
	}
	return first, second
}

// scanSlots builds the part of the documents in the wanted slots, nil if there are
// none. Documents in slots that are not marked yet belong to a later scan, those that
// have expired to none. Where every marked slot is wanted, the part is that of the whole
// day as of dayMark.
func (r *Refresher) scanSlots(ctx context.Context, key columns.Key, want *slotSet, marks map[int64]uint64, dayMark uint64) (*columns.Part, error) {
	b := columns.NewBuilder(key)
	b.MaxBytes = r.limits.builderBytes
	if wantsAll(key, want, marks) {
		b.DayMark = dayMark
	}
	now := r.now()
	for _, slots := range runsOf(key.Day, want, marks) {
		for d, err := range r.cfg.Store.Scan(ctx, key.Application, slots.from, slots.to) {
			if err != nil {
				return nil, fmt.Errorf("scan %s: %w", key, err)
			}
			if !want.has(int(d.EffectiveSlot()-key.FirstSlot())) || !d.ExpiresAt.IsZero() && !d.ExpiresAt.After(now) {
				continue
			}
			if b.Rows() >= r.limits.mostRows && want.len() > 1 {
				return nil, columns.ErrTooLarge
			}
			if err := b.Add(d); err != nil {
				return nil, fmt.Errorf("build %s: %w", key, err)
			}
		}
	}
	if b.Rows() == 0 {
		return nil, nil
	}
	generations := make(map[int64]uint64)
	for offset := range want.all() {
		slot := key.FirstSlot() + int64(offset)
		generations[slot] = marks[slot]
	}
	part, err := b.Build(generations)
	if err != nil {
		return nil, fmt.Errorf("build %s: %w", key, err)
	}
	return part, nil
}

// wantsAll reports whether every marked slot of a day is wanted.
func wantsAll(key columns.Key, want *slotSet, marks map[int64]uint64) bool {
	for slot := range marks {
		if offset := slot - key.FirstSlot(); offset < 0 || offset >= slotsPerDay || !want.has(int(offset)) {
			return false
		}
	}
	return true
}

// placePart makes a segment of a part: in a file if it is large, or if the memory is
// used up, else in memory. A folder that cannot be written leaves it in memory as long
// as there is room.
func (r *Refresher) placePart(ctx context.Context, folder *folder, part *columns.Part, covers *slotSet, p placement) (*segment, error) {
	if part == nil {
		return nil, nil
	}
	now := r.now()
	if p.madeAt.IsZero() {
		p.madeAt = now
	}
	size := int64(part.Size())
	r.mu.Lock()
	used := r.tailSize()
	r.mu.Unlock()
	s := newSegment(part, covers)
	s.madeAt, s.bytes = p.madeAt, size
	toFile, room := p.toFile || part.Rows() >= r.limits.sealRows, used+size <= r.limits.tailBytes
	if room && (!toFile || p.later != nil) {
		if r.keepInMemory(part); toFile {
			*p.later = append(*p.later, s)
		}
		return s, nil
	}
	err := folder.writePart(ctx, s)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	r.noteWrite(err)
	if err == nil {
		s.madeAt = now
		return s, nil
	}
	if used+size > 2*r.limits.tailBytes {
		return nil, fmt.Errorf("%w: %w", errNoRoom, err)
	}
	r.keepInMemory(part)
	return s, nil
}

// moveToFile writes a segment in memory to a file, from which questions read it from then
// on. Where that fails, or the segment is no part of the day any more, nothing changes.
func (r *Refresher) moveToFile(ctx context.Context, folder *folder, d *day, s *segment) {
	moved := &segment{part: s.part}
	err := folder.writePart(ctx, moved)
	if ctx.Err() != nil {
		return
	}
	if r.noteWrite(err); err != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Contains(d.segments, s) || r.folder != folder {
		r.trash = append(r.trash, trashed{folder: folder, file: moved.file, at: r.now()})
		return
	}
	s.part, s.file, s.bytes, s.madeAt = moved.part, moved.file, moved.bytes, r.now()
}

// noteWrite records the end of an attempt to write a file. After a failure, the builder
// moves nothing from memory to files for a while, which doubles with every failure: until
// then, questions are answered from memory.
func (r *Refresher) noteWrite(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		if r.writePause > 0 {
			r.log.Info("the folder of columns is written again", slog.String("folder", r.cfg.Dir))
		}
		r.writePause, r.writeAt = 0, time.Time{}
		return
	}
	r.stats.writesFailed++
	if r.writePause == 0 {
		r.log.Error("the folder of columns cannot be written; rows stay in memory until it can", slog.String("folder", r.cfg.Dir), slog.Any("error", err))
	}
	r.writePause = min(max(2*r.writePause, retryAfter), maxWritePause)
	r.writeAt = r.now().Add(r.writePause)
}

// keepInMemory lets a part that has no file use the cache and the store.
func (r *Refresher) keepInMemory(part *columns.Part) {
	part.UseCache(r.cache)
	part.UseStore(r.scanForQuestion)
}

// newSegment returns the segment of a part, in memory.
func newSegment(part *columns.Part, covers *slotSet) *segment {
	s := &segment{part: part, rows: part.Rows(), covers: *covers}
	if first, last, ok := part.Span(); ok {
		s.stored = span{time.UnixMicro(first), time.UnixMicro(last), true}
	}
	if ms, ok := part.LeastExpiry(); ok {
		s.expires = time.UnixMilli(ms)
	}
	for _, c := range []*columns.ReceivedCounts{part.StoredReceived(), part.RejectedReceived()} {
		if first, last, ok := c.Span(); ok {
			s.received.include(time.UnixMilli(first))
			s.received.include(time.UnixMilli(last))
		}
	}
	return s
}

// include extends the span to a moment.
func (s *span) include(t time.Time) {
	if !s.some || t.Before(s.first) {
		s.first = t
	}
	if !s.some || t.After(s.last) {
		s.last = t
	}
	s.some = true
}

// tailSize returns the size of the parts in memory. The caller holds mu.
func (r *Refresher) tailSize() (bytes int64) {
	for _, d := range r.days {
		for _, s := range d.segments {
			if s.inMemory() {
				bytes += s.bytes
			}
		}
	}
	return bytes
}
