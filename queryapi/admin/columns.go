package admin

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/theeye/theeye/queryapi/problem"
	"github.com/theeye/theeye/queryapi/refresh"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/columns"
	"github.com/theeye/theeye/shared/store"
)

// columnsStatus returns the state of the columns of this service, nil without.
func (a *Admin) columnsStatus() *api.ColumnsStatus {
	if a.columns == nil {
		return nil
	}
	s := a.columns.Status()
	status := &api.ColumnsStatus{
		AsOf: api.TimeOf(s.AsOf), Days: s.Days, DaysBuilt: s.DaysBuilt, BuiltFrom: api.TimeOf(s.BuiltFrom),
		StaleDays: s.Stale, Rows: s.Rows, Parts: s.Parts, Bytes: s.Bytes,
	}
	if !s.AsOf.IsZero() {
		status.AgeSeconds = math.Round(max(0, time.Since(s.AsOf).Seconds())*1000) / 1000
	}
	switch {
	case s.Failed == nil:
	case errors.Is(s.Failed, store.ErrUnavailable):
		status.Reason = "the store does not answer"
	default:
		status.Reason = s.Failed.Error()
	}
	return status
}

// verifyFor is how long one call verifies days before it answers with the place to go on
// from. A day is always finished.
const verifyFor = 3 * time.Second

// Verification is a range of received time to verify.
type Verification struct {
	From, To time.Time
	// After is VerifyAnswer.Next of the answer before, "" for the first.
	After string
}

// Verify compares the columns with the store, day by day, for a while.
func (a *Admin) Verify(ctx context.Context, q Verification) (answer api.VerifyAnswer, err error) {
	if a.columns == nil {
		return answer, problem.NotFound("this service keeps no columns")
	}
	days := a.columns.Days(q.From, q.To)
	if q.After != "" {
		last, ok := parseKey(q.After)
		if !ok {
			return answer, problem.New(api.CodeInvalidParameter, "after must be the member next of the answer before")
		}
		days = slices.DeleteFunc(days, func(k columns.Key) bool { return refresh.CompareKeys(k, last) <= 0 })
	}
	began := time.Now()
	answer.Days = []api.VerifiedDay{}
	for i, key := range days {
		if time.Since(began) > verifyFor {
			answer.Next, answer.Left = days[i-1].String(), len(days)-i
			break
		}
		v, err := a.columns.Verify(ctx, key)
		if err != nil {
			return answer, err
		}
		answer.Days = append(answer.Days, api.VerifiedDay{
			Application: key.Application, Day: key.Date(),
			Store:          api.OutcomeCounts{Stored: v.Store.Stored, Rejected: v.Store.Rejected},
			Columns:        api.OutcomeCounts{Stored: v.Columns.Stored, Rejected: v.Columns.Rejected},
			DifferentSlots: v.Different, ChangingSlots: v.Changing, Rebuilt: v.Rebuilt,
		})
	}
	return answer, nil
}

// parseKey reverses columns.Key.String.
func parseKey(text string) (key columns.Key, ok bool) {
	application, date, _ := strings.Cut(text, "/")
	day, err := time.Parse(time.DateOnly, date)
	key = columns.Key{Application: application, Day: store.DayOf(day)}
	return key, err == nil && fmt.Sprint(key) == text
}
