package queryapi

import (
	"maps"
	"net/http"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/schema"
)

// Bounds of the schemas of a dry run. They are kept in the job, beside its
// report.
const (
	maxDryRunSchemas = 20
	maxDryRunBytes   = job.MaxBytes / 2
)

// startReplay answers POST /v1/replays: a replay, whose target is a revision of
// its own, or a dry run.
func (s *Service) startReplay(w http.ResponseWriter, r *http.Request, who scope) error {
	c, err := readChange(r, who)
	if err != nil {
		return err
	}
	j, err := readReplay(w, r)
	if err != nil {
		return err
	}
	return s.startJob(w, r, replayJobs, j, c.by)
}

// readReplay reads the body of startReplay.
func readReplay(w http.ResponseWriter, r *http.Request) (job.Job, error) {
	j := job.Job{Kind: job.Replay}
	sel, dryRun := &j.Selection, false
	faults, err := readJob(w, r, map[string]rawMember{
		"dry_run":     parsed(boolMember(&dryRun)),
		"from":        parsed(instantMember(&sel.From)),
		"to":          parsed(instantMember(&sel.To)),
		"from_seq":    parsed(sequenceMember(&sel.FromSeq)),
		"to_seq":      parsed(sequenceMember(&sel.ToSeq)),
		"application": parsed(textMember(&sel.Application)),
		"category":    parsed(boundedMember(&sel.Category)),
		"name":        parsed(boundedMember(&sel.Name)),
		"only":        parsed(textMember(&sel.Only)),
		"code":        parsed(textMember(&sel.Code)),
		"rate":        parsed(rateMember(&j.MaxRate)),
		"schemas":     schemasMember(&j.Schemas),
	})
	if err != nil {
		return j, err
	}
	m := schema.Location{Faults: &faults}
	if dryRun {
		j.Kind = job.DryRun
		if j.MaxRate != 0 {
			m.At("rate").Faultf("bounds a replay; a dry run writes nothing")
		}
	} else if j.Schemas != nil {
		m.At("schemas").Faultf("goes with dry_run alone; a replay judges by what the registry holds")
	}
	return j, checkedSelection(j.Selection, faults)
}

// checkedSelection returns what is wrong with a body, nil for nothing.
func checkedSelection(s job.Selection, faults []event.Fault) error {
	if err := s.Check(); err != nil {
		schema.Location{Faults: &faults}.Faultf("%v", err)
	}
	if len(faults) > 0 {
		return invalid(faults)
	}
	return nil
}

// schemasMember reads schemas by type. Each is compiled here, so that whoever
// asks hears of its faults.
func schemasMember(dst *map[string]jsontext.Value) rawMember {
	return func(m schema.Location, raw jsontext.Value) {
		list, err := splitObject(raw)
		if err != nil {
			m.Faultf("wants an object")
			return
		}
		*dst = list
		if len(list) > maxDryRunSchemas {
			m.Faultf("has at most %d schemas", maxDryRunSchemas)
			return
		}
		size := 0
		for _, name := range slices.Sorted(maps.Keys(list)) {
			at := m.At(name)
			if _, err := schema.ParseType(name); err != nil {
				at.Faultf("names no type: %v", err)
			}
			_, faults := schema.Compile(list[name])
			addFaults(at, faults)
			size += len(list[name])
		}
		if size > maxDryRunBytes {
			m.Faultf("the schemas have at most %d bytes together", maxDryRunBytes)
		}
	}
}
