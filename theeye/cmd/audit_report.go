package cmd

import (
	"fmt"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/theeye/output"
)

// maxShownRanges bounds how many missing ranges are printed for people.
const maxShownRanges = 20

// printAuditReport prints the report of an audit: the counts, the missing
// ranges with the reasons, and what can be done about them.
func (j *job) printAuditReport(p *output.Printer) error {
	if len(j.Report) == 0 {
		return nil
	}
	r, err := j.auditReport()
	if err != nil {
		return err
	}
	if err := p.Lines(auditCounts(r)); err != nil {
		return err
	}
	if len(r.MissingRanges) > 0 {
		if err := p.Linef(""); err != nil {
			return err
		}
		printMissingRanges(p, r)
	}
	for _, line := range auditAdvice(r) {
		p.Remarkf("%s", line)
	}
	return nil
}

// auditCounts are the counts of a report.
func auditCounts(r api.AuditReport) []string {
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

func printMissingRanges(p *output.Printer, r api.AuditReport) {
	shown := r.MissingRanges[:min(len(r.MissingRanges), maxShownRanges)]
	rows := make([][]string, 0, len(shown))
	for _, m := range shown {
		reason := "missing in the store"
		if m.Reason == api.LostInStream {
			reason = "lost in the stream"
		}
		rows = append(rows, []string{output.Uint(m.From), output.Uint(m.To), output.Uint(m.To - m.From + 1), reason})
	}
	p.Table([]string{"FROM", "TO", "COUNT", "WHY"}, rows)
	if more := len(r.MissingRanges) - len(shown); more > 0 {
		p.Remarkf("and %d more ranges; --json has them", more)
	}
	if r.Unnamed > 0 {
		p.Remarkf("and %d more that the account has no room to name", r.Unnamed)
	}
}

// auditAdvice says what to do about missing events.
func auditAdvice(r api.AuditReport) []string {
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
