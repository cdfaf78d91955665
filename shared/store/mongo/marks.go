package mongo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/theeye/theeye/shared/store"
)

// The collection marks has a document for every slot, {_id, generation}, and every day,
// {_id, generation, spanned, first_us, last_us}. The timestamps of a day are known where
// every mark of it has told its own: where spanned is the generation.
// Its _id is the kind, the application and the number with leading zeros, so that the
// marks of a range are neighbours in the index and no other index is needed.

const (
	fieldGeneration = "generation"
	fieldSpanned    = "spanned"
	fieldFirstUS    = "first_us"
	fieldLastUS     = "last_us"
	markOfSlot      = "slot"
	markOfDay       = "day"
	// markDigits holds every number of a time that a date can keep.
	markDigits = 16
	// markAttempts bounds how often a mark is tried whose document another process
	// makes at the same moment.
	markAttempts = 5
)

func markID(kind, application string, number int64) string {
	return fmt.Sprintf("%s/%s/%0*d", kind, application, markDigits, max(0, number))
}

// parseMarkID reverses markID.
func parseMarkID(id string) (application string, number int64, err error) {
	_, rest, _ := strings.Cut(id, "/")
	i := strings.LastIndexByte(rest, '/')
	if i < 0 {
		return "", 0, fmt.Errorf("%w: mark %q has no number", store.ErrConfiguration, id)
	}
	number, err = strconv.ParseInt(rest[i+1:], 10, 64)
	if err != nil {
		return "", 0, fmt.Errorf("%w: mark %q has no number", store.ErrConfiguration, id)
	}
	return rest[:i], number, nil
}

// MarksWrites implements store.Backend: an insertion and its mark are two operations.
func (s *Store) MarksWrites() bool { return false }

// Mark implements store.Backend by one ordered bulk: the slots, then their days. A reader
// that has seen the mark of a day, and reads those of its slots after it, must not miss one
// of them: it would hold the day as complete without the documents of that slot.
func (s *Store) Mark(ctx context.Context, marks []store.SlotMark) error {
	updates := markUpdates(marks)
	for range markAttempts + len(updates) { // another process can make each of them once
		var err error
		if updates, err = s.updateMarks(ctx, updates); err != nil {
			return fmt.Errorf("mark slots: %w", err)
		}
		if len(updates) == 0 {
			return nil
		}
	}
	return fmt.Errorf("mark slots: %w: %d marks were made by others again and again", store.ErrUnavailable, len(updates))
}

// markUpdate is a change of one mark.
type markUpdate struct {
	id     string
	change bson.D
}

// markUpdates returns the changes of the slots, then those of their days. Both are sorted
// by _id, so that concurrent bulks do not wait for each other in a circle.
func markUpdates(marks []store.SlotMark) []markUpdate {
	marks = store.JoinMarks(slices.Clone(marks))
	updates := make([]markUpdate, 0, 2*len(marks))
	for _, m := range marks {
		updates = append(updates, markUpdate{markID(markOfSlot, m.Application, m.Number), raise(fieldGeneration)})
	}
	for _, m := range store.JoinDays(marks) {
		change := raise(fieldGeneration, fieldSpanned)
		if t := m.Timestamps; t.Some {
			change = append(change,
				bson.E{Key: "$min", Value: bson.D{{Key: fieldFirstUS, Value: t.First}}}, bson.E{Key: "$max", Value: bson.D{{Key: fieldLastUS, Value: t.Last}}})
		}
		updates = append(updates, markUpdate{markID(markOfDay, m.Application, m.Day()), change})
	}
	byID := func(a, b markUpdate) int { return strings.Compare(a.id, b.id) }
	slices.SortFunc(updates[:len(marks)], byID)
	slices.SortFunc(updates[len(marks):], byID)
	return updates
}

// raise returns the change that adds 1 to each field.
func raise(fields ...string) bson.D {
	var each bson.D
	for _, field := range fields {
		each = append(each, bson.E{Key: field, Value: int64(1)})
	}
	return bson.D{{Key: "$inc", Value: each}}
}

// updateMarks changes the marks in their order. It stops where another process made one at
// the same moment, and returns the updates from that one on, which changed nothing.
func (s *Store) updateMarks(ctx context.Context, updates []markUpdate) (again []markUpdate, err error) {
	if len(updates) == 0 {
		return nil, nil
	}
	models := make([]mongo.WriteModel, len(updates))
	for i, u := range updates {
		models[i] = mongo.NewUpdateOneModel().SetFilter(bson.D{{Key: fieldID, Value: u.id}}).SetUpdate(u.change).SetUpsert(true)
	}
	_, err = s.marks.BulkWrite(ctx, models, options.BulkWrite().SetOrdered(true))
	errs, err := perDocument(len(updates), err)
	if err != nil {
		return nil, err
	}
	for i, e := range errs {
		switch {
		case e == nil:
		case errors.Is(e, store.ErrDuplicate):
			return updates[i:], nil
		default:
			return nil, fmt.Errorf("%w: mark %q: %w", store.ErrUnknown, updates[i].id, e)
		}
	}
	return nil, nil
}

// readMarks calls use with the marks whose _id lies in from <= _id < to, in its order.
func (s *Store) readMarks(ctx context.Context, from, to string, use func(mark bson.Raw, application string, number int64, generation uint64)) error {
	cur, err := s.marks.Find(ctx, bson.D{{Key: fieldID, Value: bson.D{{Key: "$gte", Value: from}, {Key: "$lt", Value: to}}}},
		options.Find().SetBatchSize(marksBatch))
	if err != nil {
		return classify(err)
	}
	defer func() { _ = cur.Close(context.WithoutCancel(ctx)) }()
	for cur.Next(ctx) {
		id, _ := cur.Current.Lookup(fieldID).StringValueOK()
		generation, ok := cur.Current.Lookup(fieldGeneration).AsInt64OK()
		application, number, err := parseMarkID(id)
		if err != nil || !ok {
			return fmt.Errorf("%w: mark %q is none", store.ErrConfiguration, id)
		}
		use(cur.Current, application, number, uint64(generation))
	}
	return classify(cur.Err())
}

// marksBatch is one more than the slots of a day, so that they come in one answer.
const marksBatch = 8641

// DayMarks implements store.Marks.
func (s *Store) DayMarks(ctx context.Context, applications []string, from, to int64) ([]store.DayMark, error) {
	var marks []store.DayMark
	use := func(mark bson.Raw, application string, day int64, generation uint64) {
		if from <= day && day < to {
			m := store.DayMark{Application: application, Day: day, Generation: generation}
			m.Timestamps, m.Bounded = spanOf(mark, generation)
			marks = append(marks, m)
		}
	}
	var err error
	if applications == nil {
		err = s.readMarks(ctx, markOfDay+"/", markOfDay+"0", use) // '0' is behind '/'
	}
	for _, a := range slices.Compact(slices.Sorted(slices.Values(applications))) {
		if err == nil {
			err = s.readMarks(ctx, markID(markOfDay, a, from), markID(markOfDay, a, min(to, maxMark)), use)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("read the marks of days: %w", err)
	}
	slices.SortFunc(marks, store.CompareDayMarks)
	return marks, nil
}

// spanOf returns the timestamps of the mark of a day, and whether they are known.
func spanOf(mark bson.Raw, generation uint64) (s store.Span, known bool) {
	s.First, s.Some = mark.Lookup(fieldFirstUS).AsInt64OK()
	s.Last, _ = mark.Lookup(fieldLastUS).AsInt64OK()
	spanned, _ := mark.Lookup(fieldSpanned).AsInt64OK()
	return s, uint64(spanned) == generation
}

// maxMark is over every number of a slot or a day, and has markDigits digits.
const maxMark = 9_999_999_999_999_999

// SlotMarks implements store.Marks.
func (s *Store) SlotMarks(ctx context.Context, application string, day int64) (map[int64]uint64, error) {
	from, to := store.SlotsOf(day)
	marks := make(map[int64]uint64)
	err := s.readMarks(ctx, markID(markOfSlot, application, from), markID(markOfSlot, application, to),
		func(_ bson.Raw, _ string, slot int64, generation uint64) { marks[slot] = generation })
	if err != nil {
		return nil, fmt.Errorf("read the marks of slots: %w", err)
	}
	return marks, nil
}
