package cmd

import (
	"strings"
	"testing"

	"github.com/theeye/theeye/shared/api"
)

func TestAuditReportNamesMissingSequencesAndAdvises(t *testing.T) {
	out, errs := printReport(t, audits, api.AuditReport{
		FromSeq: 5, ToSeq: 20, Stored: 9, Rejected: 1, Pending: 1, Missing: 7, MissingInStore: 2, LostInStream: 5, LostTail: 1, Repaired: 3,
		MissingRanges: []api.SequenceRange{
			{From: 7, To: 8, Reason: api.MissingInStore}, {From: 11, To: 14, Reason: api.LostInStream}, {From: 20, To: 20, Reason: api.LostInStream},
		},
		Unnamed: 4,
	})
	want := `audit 1: done
sequences 5 to 20
9 stored, 1 rejected, 0 later copies, 1 pending, 0 expired, 0 purged, 7 MISSING
1 of the missing come on top: the stream lost them at its end, and gave their sequences again
3 were missing in the store, and have been written

FROM  TO  COUNT  WHY
7     8   2      missing in the store
11    14  4      lost in the stream
20    20  1      lost in the stream
`
	if out != want {
		t.Errorf("prints\n%s", out)
	}
	for _, want := range []string{"4 more that the account has no room", "theeye audit --repair", "lost in the stream: NATS"} {
		if !strings.Contains(errs, want) {
			t.Errorf("does not say %q:\n%s", want, errs)
		}
	}
}

func TestAuditReportWithoutMissingSequencesHasNoAdvice(t *testing.T) {
	out, errs := printReport(t, audits, api.AuditReport{FromSeq: 1, ToSeq: 1, Stored: 1})
	if errs != "" || strings.Count(out, "\n") != 3 || !strings.Contains(out, "0 MISSING") {
		t.Errorf("prints\n%s%s", out, errs)
	}
	if out, _ := printReport(t, audits, api.AuditReport{FromSeq: 1}); !strings.Contains(out, "no sequences") {
		t.Errorf("prints\n%s", out)
	}
}

func TestAuditReportIsBounded(t *testing.T) {
	var a api.AuditReport
	for i := range uint64(1000) {
		a.MissingRanges = append(a.MissingRanges, api.SequenceRange{From: 2 * i, To: 2 * i, Reason: api.MissingInStore})
	}
	out, errs := printReport(t, audits, a)
	if n := strings.Count(out, "missing in the store"); n != maxShownRanges || !strings.Contains(errs, "and 980 more ranges") {
		t.Errorf("shows %d ranges: %s", n, errs)
	}
}
