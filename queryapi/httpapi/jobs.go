package httpapi

import (
	"maps"
	"net/http"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/queryapi/access"
	"github.com/theeye/theeye/queryapi/admin"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/schema"
)

// jobCollection serves the jobs under one path.
type jobCollection struct {
	jobs admin.Jobs
	// route is that of the collection, jobRoute that of one job.
	route, jobRoute string
}

// listJobs answers GET of a collection: its jobs without their reports, the
// newest first.
func (c jobCollection) listJobs(w http.ResponseWriter, r *http.Request, _ access.Principal) error {
	q, err := parsePage(r, historyParams, c.route)
	if err != nil {
		return err
	}
	after := ""
	if q.After != nil {
		after = q.After.ID
	}
	jobs, more, err := c.jobs.List(r.Context(), after, q.Limit)
	if err != nil {
		return err
	}
	var next api.Cursor
	if more {
		next = q.cursorBehind(c.route, jobs[len(jobs)-1].ID)
	}
	switch c.route {
	case routeAudits:
		return writeJSON(w, http.StatusOK, 0, api.AuditPage{Audits: jobs, NextCursor: next})
	case routeRetentions:
		return writeJSON(w, http.StatusOK, 0, api.RetentionPage{Retentions: jobs, NextCursor: next})
	}
	return writeJSON(w, http.StatusOK, 0, api.ReplayPage{Replays: jobs, NextCursor: next})
}

// showJob answers GET of one job, with its report.
func (c jobCollection) showJob(w http.ResponseWriter, r *http.Request, _ access.Principal) error {
	id, err := c.pathJob(r)
	if err != nil {
		return err
	}
	j, err := c.jobs.Get(r.Context(), id)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, 0, j)
}

// cancelJob answers DELETE of one job. A running job ends soon after.
func (c jobCollection) cancelJob(w http.ResponseWriter, r *http.Request, _ access.Principal) error {
	id, err := c.pathJob(r)
	if err != nil {
		return err
	}
	j, err := c.jobs.Cancel(r.Context(), id)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, 0, j)
}

// pathJob returns the job that a path names. Such a request has no parameters.
func (c jobCollection) pathJob(r *http.Request) (string, error) {
	path, err := pathParams(r, c.jobRoute)
	if err != nil {
		return "", err
	}
	_, err = parseParams(r, nil)
	return path[0], err
}

// startReplay answers POST /v1/replays: a replay, whose target is a revision of
// its own, or a dry run.
func (s *service) startReplay(w http.ResponseWriter, r *http.Request, p access.Principal) error {
	c, err := parseChange(r, p, false)
	if err != nil {
		return err
	}
	j, err := readReplay(r)
	if err != nil {
		return err
	}
	return s.startJob(w, r, api.PathReplays, j, c)
}

// startAudit answers POST /v1/audits: an audit accounts for every sequence of
// the range.
func (s *service) startAudit(w http.ResponseWriter, r *http.Request, p access.Principal) error {
	c, err := parseChange(r, p, false)
	if err != nil {
		return err
	}
	j := job.Job{Kind: job.Audit}
	faults, err := readJobBody(r, auditReaders(&j))
	if err != nil {
		return err
	}
	if err := checkSelection(j.Selection, faults); err != nil {
		return err
	}
	return s.startJob(w, r, api.PathAudits, j, c)
}

// startRetention answers POST /v1/retentions: the retention of the present policy is
// applied again. The body is an object without members.
func (s *service) startRetention(w http.ResponseWriter, r *http.Request, p access.Principal) error {
	c, err := parseChange(r, p, false)
	if err != nil {
		return err
	}
	faults, err := readJobBody(r, nil)
	if err != nil {
		return err
	}
	if len(faults) > 0 {
		return invalidDeclaration(faults)
	}
	return s.startJob(w, r, api.PathRetentions, job.Job{Kind: job.Retention}, c)
}

// auditReaders are the members of api.AuditRequest.
func auditReaders(j *job.Job) map[string]rawReader {
	sel := &j.Selection
	return map[string]rawReader{
		"from":     parsed(readTime(&sel.From)),
		"to":       parsed(readTime(&sel.To)),
		"from_seq": parsed(readSequence(&sel.FromSeq)),
		"to_seq":   parsed(readSequence(&sel.ToSeq)),
		"repair":   parsed(readBool(&j.Repair)),
	}
}

// startJob creates a job and answers with it.
func (s *service) startJob(w http.ResponseWriter, r *http.Request, collection string, j job.Job, c admin.Change) error {
	created, err := s.admin.StartJob(r.Context(), j, c)
	if err != nil {
		return err
	}
	w.Header().Set("Location", api.JobPath(collection, created.ID))
	return writeJSON(w, http.StatusAccepted, 0, created)
}

// readReplay reads the body of startReplay.
func readReplay(r *http.Request) (job.Job, error) {
	j, dryRun := job.Job{Kind: job.Replay}, false
	faults, err := readJobBody(r, replayReaders(&j, &dryRun))
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
		m.At("schemas").Faultf("goes with dry_run alone; a replay validates by the schemas of the registry")
	}
	return j, checkSelection(j.Selection, faults)
}

// replayReaders are the members of api.ReplayRequest.
func replayReaders(j *job.Job, dryRun *bool) map[string]rawReader {
	sel := &j.Selection
	return map[string]rawReader{
		"dry_run":     parsed(readBool(dryRun)),
		"from":        parsed(readTime(&sel.From)),
		"to":          parsed(readTime(&sel.To)),
		"from_seq":    parsed(readSequence(&sel.FromSeq)),
		"to_seq":      parsed(readSequence(&sel.ToSeq)),
		"application": parsed(readString(&sel.Application)),
		"category":    parsed(readName(&sel.Category)),
		"name":        parsed(readName(&sel.Name)),
		"only":        parsed(readString(&sel.Only)),
		"code":        parsed(readString(&sel.Code)),
		"rate":        parsed(readRate(&j.MaxRate)),
		"schemas":     readSchemas(&j.Schemas),
	}
}

// checkSelection returns the faults of a body and of its selection as one
// error, nil if there are none.
func checkSelection(s job.Selection, faults []event.Fault) error {
	if err := s.Check(); err != nil {
		schema.Location{Faults: &faults}.Faultf("%v", err)
	}
	if len(faults) > 0 {
		return invalidDeclaration(faults)
	}
	return nil
}

// Bounds of the schemas of a dry run. They are stored in the job, beside its
// report.
const (
	maxDryRunSchemas = 20
	maxDryRunBytes   = job.MaxBytes / 2
)

// schemasForm is the form of the schemas of a dry run.
const schemasForm = `must be an array of {"category": …, "name": …, "schema": {…}}, with category and name as events have them`

// readSchemas reads schemas of types, as the record of a job has them. Each is
// compiled, so that the answer has its faults.
func readSchemas(dst *map[string]jsontext.Value) rawReader {
	return func(m schema.Location, raw jsontext.Value) {
		var list []jsontext.Value
		if err := json.Unmarshal(raw, &list); err != nil || list == nil {
			m.Faultf("%s", schemasForm)
			return
		}
		if len(list) > maxDryRunSchemas {
			m.Faultf("must have at most %d schemas", maxDryRunSchemas)
			return
		}
		size := 0
		*dst = make(map[string]jsontext.Value, len(list))
		for i, element := range list {
			size += len(readTypeSchema(m.At(strconv.Itoa(i)), element, *dst))
		}
		if size > maxDryRunBytes {
			m.Faultf("the schemas must have at most %d bytes together", maxDryRunBytes)
		}
	}
}

// readTypeSchema reads one schema into all, and returns its text.
func readTypeSchema(m schema.Location, raw jsontext.Value, all map[string]jsontext.Value) jsontext.Value {
	members, err := splitObject(raw)
	if err != nil {
		m.Faultf(`must be an object with "category", "name" and "schema"`)
		return nil
	}
	var t schema.Type
	var text jsontext.Value
	known := map[string]rawReader{
		"category": parsed(readName(&t.Category)),
		"name":     parsed(readName(&t.Name)),
		"schema": func(m schema.Location, raw jsontext.Value) {
			_, faults := schema.Compile(raw)
			addFaults(m, faults)
			text = raw
		},
	}
	faults := len(*m.Faults)
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if read, ok := known[name]; ok {
			read(m.At(name), members[name])
		} else {
			m.At(name).Faultf(`is not a known member; they are "category", "name" and "schema"`)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(known)) {
		if _, ok := members[name]; !ok {
			m.At(name).Faultf("is missing")
		}
	}
	if len(*m.Faults) > faults {
		return text
	}
	if _, err := schema.ParseType(t.String()); err != nil {
		m.Faultf("names no type: %v", err)
	} else if _, twice := all[t.String()]; twice {
		m.Faultf("is a second schema of this type")
	}
	all[t.String()] = text
	return text
}
