package queryapi

import (
	"net/http"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/job"
	storequery "github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/registry"
)

// family is the jobs under one path.
type family struct {
	// path is followed by the id of one of them; call is the list.
	path, call string
	// member is the name of the list in its answer.
	member string
	kinds  []job.Kind
}

var (
	replayJobs = family{pathReplays, callReplays, "replays", []job.Kind{job.Replay, job.DryRun}}
	auditJobs  = family{pathAudits, callAudits, "audits", []job.Kind{job.Audit}}
)

func (f family) has(k job.Kind) bool { return slices.Contains(f.kinds, k) }

// jobAnswer is a job in an answer.
type jobAnswer struct {
	ID             string          `json:"id"`
	State          job.State       `json:"state"`
	DryRun         bool            `json:"dry_run"`
	TargetRevision uint64          `json:"target_revision"`
	Selection      selectionAnswer `json:"selection"`
	// Schemas names the types whose schemas are not published.
	Schemas         []string       `json:"schemas,omitempty"`
	MaxRate         int64          `json:"max_rate,omitzero"`
	Repair          bool           `json:"repair,omitzero"`
	Done            uint64         `json:"done"`
	Total           uint64         `json:"total"`
	Rate            float64        `json:"rate"`
	Phase           string         `json:"phase,omitzero"`
	Error           string         `json:"error,omitzero"`
	CancelRequested bool           `json:"cancel_requested,omitzero"`
	Author          string         `json:"author"`
	Note            string         `json:"note,omitzero"`
	CreatedAt       string         `json:"created_at"`
	StartedAt       string         `json:"started_at,omitzero"`
	EndedAt         string         `json:"ended_at,omitzero"`
	QueuedBehind    []string       `json:"queued_behind,omitempty"`
	Report          jsontext.Value `json:"report,omitzero"`
}

// selectionAnswer is a selection in an answer.
type selectionAnswer struct {
	From        string `json:"from,omitzero"`
	To          string `json:"to,omitzero"`
	FromSeq     uint64 `json:"from_seq,omitzero"`
	ToSeq       uint64 `json:"to_seq,omitzero"`
	Application string `json:"application,omitzero"`
	Category    string `json:"category,omitzero"`
	Name        string `json:"name,omitzero"`
	Only        string `json:"only,omitzero"`
	Code        string `json:"code,omitzero"`
}

// jobOf is a job without its report; all are those that it may wait for.
func jobOf(e job.Entry, all []job.Entry) jobAnswer {
	s := e.Selection
	a := jobAnswer{
		ID: e.ID, State: e.State, DryRun: e.Kind == job.DryRun, TargetRevision: e.TargetRevision,
		Selection: selectionAnswer{
			From: timeText(s.From), To: timeText(s.To), FromSeq: s.FromSeq, ToSeq: s.ToSeq,
			Application: s.Application, Category: s.Category, Name: s.Name, Only: s.Only, Code: s.Code,
		},
		MaxRate: e.MaxRate, Repair: e.Repair, Done: e.Done, Total: e.Total, Rate: e.Rate,
		Phase: e.Phase, Error: e.Error, CancelRequested: e.CancelRequested, Author: e.Author, Note: e.Note,
		CreatedAt: timeText(e.CreatedAt), StartedAt: timeText(e.StartedAt), EndedAt: timeText(e.EndedAt),
		QueuedBehind: queuedBehind(e, all),
	}
	for name := range e.Schemas {
		a.Schemas = append(a.Schemas, name)
	}
	slices.Sort(a.Schemas)
	return a
}

// timeText is a time in an answer, "" for none.
func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return event.FormatTime(t)
}

// queuedBehind are the jobs that end before a queued one begins, the next one
// first: of each kind one runs at a time. all is sorted newest first.
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

// listJobs answers GET of a family: its jobs, the newest first, without their
// reports.
func (s *Service) listJobs(f family) answer {
	return func(w http.ResponseWriter, r *http.Request, _ scope) error {
		q, err := parseQuery(r.URL.RawQuery, historyParams)
		if err != nil {
			return err
		}
		after, err := q.position(f.call)
		if err != nil {
			return err
		}
		b, err := job.Open(r.Context(), s.js)
		if err != nil {
			return err
		}
		all, err := b.List(r.Context())
		if err != nil {
			return err
		}
		page, next := []jobAnswer{}, (*string)(nil)
		for _, e := range all {
			if !f.has(e.Kind) || after != nil && e.ID >= after.ID {
				continue
			}
			if len(page) == q.limit {
				cursor := encodeCursor(q.fingerprint(f.call), storequery.Position{Time: time.UnixMicro(0), ID: page[q.limit-1].ID})
				next = &cursor
				break
			}
			page = append(page, jobOf(e, all))
		}
		return reply(w, http.StatusOK, 0, map[string]any{f.member: page, "next_cursor": next})
	}
}

// job answers GET of one job, with its report as far as it is.
func (s *Service) job(f family) answer {
	return s.oneJob(f, func(r *http.Request, b *job.Bucket, found job.Entry) (job.Entry, error) { return found, nil })
}

// cancelJob answers DELETE of one job. One that runs ends soon after.
func (s *Service) cancelJob(f family) answer {
	return s.oneJob(f, func(r *http.Request, b *job.Bucket, found job.Entry) (job.Entry, error) {
		return b.Cancel(r.Context(), found.ID)
	})
}

// oneJob finds the job of a path, and answers with what do makes of it.
func (s *Service) oneJob(f family, do func(*http.Request, *job.Bucket, job.Entry) (job.Entry, error)) answer {
	return func(w http.ResponseWriter, r *http.Request, _ scope) error {
		id, err := pathSegment(r, f.path)
		if err != nil {
			return err
		}
		if _, err := parseQuery(r.URL.RawQuery, nil); err != nil {
			return err
		}
		b, err := job.Open(r.Context(), s.js)
		if err != nil {
			return err
		}
		found, err := b.Get(r.Context(), id)
		if err == nil && !f.has(found.Kind) {
			err = job.ErrNotFound
		}
		if err != nil {
			return err
		}
		if found, err = do(r, b, found); err != nil {
			return err
		}
		var all []job.Entry
		if found.State == job.Queued {
			if all, err = b.List(r.Context()); err != nil {
				return err
			}
		}
		a := jobOf(found, all)
		a.Report = found.Report
		return reply(w, http.StatusOK, 0, a)
	}
}

// startJob makes a job and answers with it. What it waits for is told, and is
// no reason to refuse it.
func (s *Service) startJob(w http.ResponseWriter, r *http.Request, f family, j job.Job, by registry.By) error {
	b, err := job.Open(r.Context(), s.js)
	if err != nil {
		return err
	}
	all, err := b.List(r.Context())
	if err != nil {
		return err
	}
	unfinished := 0
	for _, e := range all {
		if !e.State.Final() {
			unfinished++
		}
	}
	if unfinished >= job.MaxUnfinished {
		return job.ErrTooMany // before a revision is made for nothing
	}
	if j.Kind == job.Replay {
		if j.TargetRevision, err = s.editor.Touch(r.Context(), by); err != nil {
			return err
		}
	}
	j.Author, j.Note = by.Author, by.Note
	made, err := b.Create(r.Context(), j)
	if err != nil {
		return err
	}
	w.Header().Set("Location", f.path+made.ID)
	return reply(w, http.StatusAccepted, 0, jobOf(made, all))
}
