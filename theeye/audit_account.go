package main

import (
	"fmt"
	"strconv"

	"github.com/theeye/theeye/shared/job"
)

// maxShownRanges bounds the missing ranges that people are shown.
const maxShownRanges = 20

// printAccount prints the report of an audit: the counts, then what is missing,
// why, and what to do about it.
func (j *jobRecord) printAccount(t *terminal) error {
	if len(j.Report) == 0 {
		return nil
	}
	r, err := j.account()
	if err != nil {
		return err
	}
	for _, line := range accountLines(r) {
		if err := t.sayf("%s", line); err != nil {
			return err
		}
	}
	if len(r.MissingRanges) > 0 {
		if err := t.sayf(""); err != nil {
			return err
		}
		printMissing(t, r)
	}
	for _, line := range advice(r) {
		t.remarkf("%s", line)
	}
	return nil
}

// accountLines are the counts; those besides only where there is any.
func accountLines(r job.Account) []string {
	lines := []string{
		fmt.Sprintf("sequences %d to %d", r.FromSeq, r.ToSeq),
		fmt.Sprintf("%d stored, %d rejected, %d later copies, %d pending, %d expired, %d purged, %d MISSING",
			r.Stored, r.Rejected, r.Duplicate, r.Pending, r.Expired, r.Purged, r.Missing),
	}
	if r.ToSeq < r.FromSeq {
		lines[0] = "no sequences: the stream has none there"
	}
	if r.LostTail > 0 {
		lines = append(lines, fmt.Sprintf("%d of the missing come on top: the stream lost them at its end, and gave their sequences again", r.LostTail))
	}
	if r.Repaired > 0 {
		lines = append(lines, fmt.Sprintf("%d were missing in the store, and have been written", r.Repaired))
	}
	return lines
}

func printMissing(t *terminal, r job.Account) {
	shown := r.MissingRanges[:min(len(r.MissingRanges), maxShownRanges)]
	rows := make([][]string, 0, len(shown))
	for _, m := range shown {
		where := "missing in the store"
		if m.Reason == job.LostInStream {
			where = "lost in the stream"
		}
		rows = append(rows, []string{
			strconv.FormatUint(m.From, 10), strconv.FormatUint(m.To, 10), strconv.FormatUint(m.To-m.From+1, 10), where,
		})
	}
	t.table([]string{"FROM", "TO", "COUNT", "WHY"}, rows)
	if more := len(r.MissingRanges) - len(shown); more > 0 {
		t.remarkf("and %d more ranges; --json has them", more)
	}
	if r.Unnamed > 0 {
		t.remarkf("and %d more that the account has no room to name", r.Unnamed)
	}
}

// advice says what to do about what is missing.
func advice(r job.Account) []string {
	var lines []string
	if r.MissingInStore > 0 {
		lines = append(lines, "missing in the store: the stream has them, no document does, and no processor will write them.\n"+
			"  theeye audit --repair writes exactly these. Find out who removed them, or what ran without being synced.")
	}
	if r.LostInStream > 0 {
		lines = append(lines, "lost in the stream: NATS no longer has them, and no processor removed them. Look at the disk and at the\n"+
			"  log of nats-server; a backup of the stream may have them. Sites that keep what they send can send it again.")
	}
	return lines
}
