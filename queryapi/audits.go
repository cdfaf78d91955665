package queryapi

import (
	"net/http"

	"github.com/theeye/theeye/shared/job"
)

// startAudit answers POST /v1/audits: every sequence of the range is accounted
// for.
func (s *Service) startAudit(w http.ResponseWriter, r *http.Request, who scope) error {
	c, err := readChange(r, who)
	if err != nil {
		return err
	}
	j := job.Job{Kind: job.Audit}
	sel := &j.Selection
	faults, err := readJob(w, r, map[string]rawMember{
		"from":     parsed(instantMember(&sel.From)),
		"to":       parsed(instantMember(&sel.To)),
		"from_seq": parsed(sequenceMember(&sel.FromSeq)),
		"to_seq":   parsed(sequenceMember(&sel.ToSeq)),
		"repair":   parsed(boolMember(&j.Repair)),
	})
	if err != nil {
		return err
	}
	if err := checkedSelection(j.Selection, faults); err != nil {
		return err
	}
	return s.startJob(w, r, auditJobs, j, c.by)
}
