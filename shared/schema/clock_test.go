package schema

import (
	"strings"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/event"
)

// The timestamp moves by the received time less sent_at, both to the millisecond,
// where that exceeds the policy's correction in either direction.
func TestClockIsCorrectedBySentAt(t *testing.T) {
	received := time.Date(2026, 1, 2, 3, 4, 5, 678_900_000, time.UTC)
	for name, tc := range map[string]struct {
		correction   string
		sent, stamp  string // as the client's clock says
		want         string
		offset       int64
		wantFault    string
		wantInAdvice string
	}{
		"ten minutes fast":        {"1m", "2026-01-02T03:14:05.678Z", "2026-01-02T03:14:00.000001Z", "2026-01-02T03:04:00.000001Z", -600_000, "", ""},
		"ten minutes slow":        {"1m", "2026-01-02 02:54:05.678", "2026-01-02 02:54:00", "2026-01-02T03:04:00.000000Z", 600_000, "", ""},
		"51 years slow":           {"1m", "1975-01-01T00:00:10.678+00:00", "1975-01-01T00:00:00Z", "2026-01-02T03:03:55.000000Z", 1_609_556_635_000 + 0, "", ""},
		"at the limit":            {"1m", "2026-01-02T03:05:05.678Z", "2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000000Z", 0, "", ""},
		"over the limit":          {"1m", "2026-01-02T03:05:05.679Z", "2026-01-02T03:05:05Z", "2026-01-02T03:04:04.999000Z", -60_001, "", ""},
		"never":                   {"0s", "2026-01-02T04:04:05.678Z", "2026-01-02T04:04:05Z", "2026-01-02T04:04:05.000000Z", 0, event.CodeTimestampInFuture, ""},
		"no sent_at":              {"1m", "", "2026-01-02T04:04:05Z", "2026-01-02T04:04:05.000000Z", 0, event.CodeTimestampInFuture, "a batch with sent_at corrects a wrong clock"},
		"sent_at is no time":      {"1m", "1767323045", "2026-01-02T04:04:05Z", "2026-01-02T04:04:05.000000Z", 0, event.CodeTimestampInFuture, "sent_at of the batch is not a time"},
		"sent_at was never set":   {"1m", "0001-01-01T00:00:00Z", "2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000000Z", 0, "", ""},
		"in the future even so":   {"1m", "2026-01-02T03:14:05.678Z", "2026-01-02T03:24:05Z", "2026-01-02T03:14:05.000000Z", -600_000, event.CodeTimestampInFuture, "correction of its clock by -600000 ms"},
		"too old only after it":   {"1m", "2026-01-02T05:04:05.678Z", "2026-01-02T03:04:05Z", "2026-01-02T01:04:05.000000Z", -7_200_000, event.CodeTimestampTooOld, "correction of its clock"},
		"beyond the last year":    {"1m", "1000-01-01T00:00:00Z", "9999-12-31T00:00:00Z", "0001-01-01T00:00:00.000000Z", 0, event.CodeInvalidTimestamp, "out of range"},
		"before the first year":   {"1m", "9000-01-01T00:00:00Z", "0001-01-02T00:00:00Z", "0001-01-01T00:00:00.000000Z", 0, event.CodeInvalidTimestamp, "out of range"},
		"a leap second, no zone":  {"1m", "2026-01-01 23:59:60", "2026-01-01 23:59:60", "2026-01-02T03:04:05.678000Z", 11_045_678, "", ""},
		"an unreadable timestamp": {"1m", "2026-01-02T03:14:05.678Z", "Feb 30", "0001-01-01T00:00:00.000000Z", 0, event.CodeInvalidTimestamp, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p, faults := ParsePolicy([]byte(`{"clock_correction": "` + tc.correction + `", "oldest_age": "1h"}`))
			if len(faults) > 0 {
				t.Fatal(faults)
			}
			ev := sent(t, `"page interaction"`, `"pageview"`, `{"host": "h", "path": "/"}`, `"`+tc.stamp+`"`)
			ev.SentAt = tc.sent
			v := set(t, p).Validate(ev, received, "demo")
			if got := event.FormatTime(v.Timestamp); got != tc.want || v.ClockOffsetMS != tc.offset {
				t.Errorf("timestamp %s, offset %d; want %s, %d", got, v.ClockOffsetMS, tc.want, tc.offset)
			}
			switch {
			case tc.wantFault == "" && len(v.Faults) != 0, tc.wantFault != "" && (len(v.Faults) != 1 || v.Faults[0].Code != tc.wantFault):
				t.Errorf("faults %v, want %q", v.Faults, tc.wantFault)
			case tc.wantFault != "" && !strings.Contains(v.Faults[0].Message, tc.wantInAdvice):
				t.Errorf("%q does not say %q", v.Faults[0].Message, tc.wantInAdvice)
			}
		})
	}
}
