package admin

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/stream"
)

// Jobs is one collection of jobs: Replays, Audits or Retentions of an Admin.
type Jobs struct {
	admin *Admin
	kinds []job.Kind
}

// Replays are the replays and dry runs.
func (a *Admin) Replays() Jobs { return Jobs{a, []job.Kind{job.Replay, job.DryRun}} }

// Audits are the audits.
func (a *Admin) Audits() Jobs { return Jobs{a, []job.Kind{job.Audit}} }

// Retentions are the jobs that apply a changed retention to the documents.
func (a *Admin) Retentions() Jobs { return Jobs{a, []job.Kind{job.Retention}} }

// List returns jobs without their reports, the newest first, and whether more
// follow. after is the id of the last job of the page before, "" for the first
// page.
func (c Jobs) List(ctx context.Context, after string, limit int) (page []api.Job, more bool, err error) {
	all, err := withRegistry(c.admin, func() ([]job.Entry, error) { return c.admin.listJobs(ctx) })
	if err != nil {
		return nil, false, err
	}
	processors := c.admin.readProcessors(ctx)
	page = []api.Job{}
	for _, e := range all {
		if !slices.Contains(c.kinds, e.Kind) || after != "" && e.ID >= after {
			continue
		}
		if len(page) == limit {
			return page, true, nil
		}
		page = append(page, apiJob(e, all, processors))
	}
	return page, false, nil
}

// Get returns one job with its report, which is incomplete before the job is
// done.
func (c Jobs) Get(ctx context.Context, id string) (api.Job, error) {
	return withRegistry(c.admin, func() (api.Job, error) {
		b, e, err := c.find(ctx, id)
		if err != nil {
			return api.Job{}, err
		}
		return c.admin.jobWithReport(ctx, b, e)
	})
}

// Cancel cancels one job and returns it. A running job ends soon after.
func (c Jobs) Cancel(ctx context.Context, id string) (api.Job, error) {
	return withRegistry(c.admin, func() (api.Job, error) {
		b, e, err := c.find(ctx, id)
		if err != nil {
			return api.Job{}, err
		}
		if e, err = b.Cancel(ctx, e.ID); err != nil {
			return api.Job{}, err
		}
		return c.admin.jobWithReport(ctx, b, e)
	})
}

// find returns one job of the collection, and the bucket that holds it.
func (c Jobs) find(ctx context.Context, id string) (*job.Bucket, job.Entry, error) {
	b, err := job.Open(ctx, c.admin.js)
	if err != nil {
		return nil, job.Entry{}, err
	}
	e, err := b.Get(ctx, id)
	if err == nil && !slices.Contains(c.kinds, e.Kind) {
		err = job.ErrNotFound
	}
	return b, e, err
}

func (a *Admin) jobWithReport(ctx context.Context, b *job.Bucket, e job.Entry) (api.Job, error) {
	var all []job.Entry
	if e.State == job.Queued {
		var err error
		if all, err = b.List(ctx); err != nil {
			return api.Job{}, err
		}
	}
	j := apiJob(e, all, a.readProcessors(ctx))
	j.Report = e.Report
	return j, nil
}

// StartJob creates a job. A replay gets a registry revision of its own as its
// target, a retention job the present policy. A job that others are queued before is not refused.
func (a *Admin) StartJob(ctx context.Context, j job.Job, c Change) (api.Job, error) {
	return withRegistry(a, func() (api.Job, error) {
		b, err := job.Open(ctx, a.js)
		if err != nil {
			return api.Job{}, err
		}
		all, err := b.List(ctx)
		if err != nil {
			return api.Job{}, err
		}
		unfinished := 0
		for _, e := range all {
			if !e.State.Final() {
				unfinished++
			}
		}
		if unfinished >= job.MaxUnfinished {
			return api.Job{}, job.ErrTooMany // before a revision is made in vain
		}
		if j.Kind != job.Retention {
			if err := a.checkSelection(ctx, j); err != nil {
				return api.Job{}, err
			}
		}
		if j.Kind == job.Replay {
			if j.TargetRevision, err = a.editor.Bump(ctx, c.By); err != nil {
				return api.Job{}, err
			}
		}
		if j.Kind == job.Retention {
			if err := a.setPolicy(ctx, &j); err != nil {
				return api.Job{}, err
			}
		}
		j.Author, j.Note = c.By.Author, c.By.Note
		created, err := b.Create(ctx, j)
		if err != nil {
			return api.Job{}, err
		}
		return apiJob(created, all, a.readProcessors(ctx)), nil
	})
}

// setPolicy makes a job apply the retention of the present policy to every document
// of an earlier revision.
func (a *Admin) setPolicy(ctx context.Context, j *job.Job) (err error) {
	if j.TargetRevision, err = stream.NewestRevision(ctx, a.js, stream.BucketSchemas); err != nil {
		return err
	}
	j.Retention = jsontext.Value("{}")
	v, err := a.editor.Policy(ctx, 0)
	if errors.Is(err, registry.ErrNotFound) {
		return nil // the default policy keeps everything
	}
	if err != nil {
		return err
	}
	var members struct {
		Retention jsontext.Value `json:"retention"`
	}
	if err := json.Unmarshal(v.Value, &members); err != nil {
		return err
	}
	if len(members.Retention) > 0 {
		j.Retention = members.Retention
	}
	return nil
}

func (a *Admin) listJobs(ctx context.Context) ([]job.Entry, error) {
	b, err := job.Open(ctx, a.js)
	if err != nil {
		return nil, err
	}
	return b.List(ctx)
}

// readProcessors returns the state of the processors, which run the jobs.
func (a *Admin) readProcessors(ctx context.Context) processorState {
	return stateOfProcessors(a.readBeats(ctx))
}

// apiJob returns a job without its report; all are the jobs that it may be
// queued behind.
func apiJob(e job.Entry, all []job.Entry, processors processorState) api.Job {
	s := e.Selection
	j := api.Job{
		ID: e.ID, State: e.State, DryRun: e.Kind == job.DryRun, TargetRevision: e.TargetRevision,
		Selection: api.Selection{
			From: api.TimeOf(s.From), To: api.TimeOf(s.To), FromSeq: s.FromSeq, ToSeq: s.ToSeq,
			Application: s.Application, Category: s.Category, Name: s.Name, Only: s.Only, Code: s.Code,
		},
		Schemas: typeNames(e.Schemas),
		MaxRate: e.MaxRate, Repair: e.Repair, Retention: e.Retention, Done: e.Done, Total: e.Total, Rate: e.Rate,
		Phase: e.Phase, Error: e.Error, CancelRequested: e.CancelRequested, Author: e.Author, Note: e.Note,
		CreatedAt: api.TimeOf(e.CreatedAt), StartedAt: api.TimeOf(e.StartedAt), EndedAt: api.TimeOf(e.EndedAt),
		QueuedBehind: queuedBehind(e, all),
	}
	if e.State == job.Queued && !processors.active || e.State == job.Running && !processors.running {
		j.Phase = "waits for a processor; " + processors.reason
	}
	return j
}

// typeNames returns the types of the schemas of a dry run. A record that another
// version of The Eye wrote may have a type that this one cannot read.
func typeNames(schemas map[string]jsontext.Value) []api.TypeName {
	var names []api.TypeName
	for _, escaped := range slices.Sorted(maps.Keys(schemas)) {
		if t, err := schema.ParseType(escaped); err == nil {
			names = append(names, api.TypeName{Category: t.Category, Name: t.Name})
		}
	}
	return names
}

// queuedBehind returns the jobs that end before a queued one starts, the next
// one first: of each kind one runs at a time. all is sorted newest first.
func queuedBehind(e job.Entry, all []job.Entry) (ids []string) {
	if e.State != job.Queued {
		return nil
	}
	for _, other := range slices.Backward(all) {
		if other.Kind == e.Kind && !other.State.Final() && other.ID < e.ID {
			ids = append(ids, other.ID)
		}
	}
	return ids
}
