package job

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/api"
)

// Bounds of jobs.
const (
	// SaveEvery is how often a runner saves, also without progress.
	SaveEvery = time.Second
	// LeaseTime is how long a running job may go without being saved before
	// another process takes it over. Each process measures it by its own clock,
	// from the moment it first saw the newest version.
	LeaseTime = 6 * time.Second
	// MaxKept bounds the finished jobs that are kept of each kind.
	MaxKept = 100
	// MaxUnfinished bounds the jobs that wait or run, of all kinds together.
	MaxUnfinished = 100
	// MaxBytes bounds one record, in bytes: a message of NATS carries it.
	MaxBytes = 1 << 20
)

// Kind is what a job does.
type Kind string

// The kinds of jobs. Of each kind one runs at a time, the others wait in the
// order in which they were made.
const (
	// Replay validates and writes a selection of the stream again.
	Replay Kind = "replay"
	// DryRun reports the changes that a replay would make, and writes nothing.
	DryRun Kind = "dry_run"
	// Audit accounts for every sequence of the stream.
	Audit Kind = "audit"
	// Retention brings the documents of the store to the retention of a policy.
	Retention Kind = "retention"
)

// State is the state of a job.
type State = api.JobState

// The states of a job; the last three are final.
const (
	Queued    = api.JobQueued
	Running   = api.JobRunning
	Done      = api.JobDone
	Cancelled = api.JobCancelled
	Failed    = api.JobFailed
)

// OnlyRejected is the value of Selection.Only for events whose outcome is a
// rejection.
const OnlyRejected = api.OnlyRejected

// Selection selects events of the stream. A zero field does not restrict; an event
// is selected if it meets all restrictions.
type Selection struct {
	// From is inclusive, To exclusive, both on the received time.
	From time.Time `json:"from,omitzero"`
	To   time.Time `json:"to,omitzero"`
	// FromSeq and ToSeq are sequences of the stream, both inclusive.
	FromSeq     uint64 `json:"from_seq,omitzero"`
	ToSeq       uint64 `json:"to_seq,omitzero"`
	Application string `json:"application,omitzero"`
	Category    string `json:"category,omitzero"`
	Name        string `json:"name,omitzero"`
	// Only is OnlyRejected or "". An event without an outcome yet counts as
	// selected: the process that writes it must know the newest revision.
	Only string `json:"only,omitzero"`
	// Code must be among the errors of the outcome; it implies OnlyRejected.
	Code string `json:"code,omitzero"`
}

// ByOutcome reports whether the selection depends on what the store holds.
func (s Selection) ByOutcome() bool { return s.Only != "" || s.Code != "" }

// Job is one replay, dry run, audit or change of the retention.
type Job struct {
	ID        string    `json:"id"`
	Kind      Kind      `json:"kind"`
	State     State     `json:"state"`
	Selection Selection `json:"selection"`
	// MaxRate bounds a replay, in events a second; 0 is no bound.
	MaxRate int64 `json:"max_rate,omitzero"`
	// Repair makes an audit write the events that it finds missing.
	Repair bool `json:"repair,omitzero"`
	// Schemas are unpublished schemas of a dry run, by type as
	// schema.Type.String writes it.
	Schemas map[string]jsontext.Value `json:"schemas,omitzero"`
	// Retention is the member "retention" of the policy that a retention job
	// applies, {} where that keeps everything.
	Retention jsontext.Value `json:"retention,omitzero"`
	// TargetRevision is the lowest registry revision that the events of a replay
	// have afterwards, the one that a dry run or audit validated by, and the one
	// that made the policy of a retention job.
	TargetRevision uint64 `json:"target_revision,omitzero"`

	Author string `json:"author,omitzero"`
	Note   string `json:"note,omitzero"`

	CreatedAt time.Time `json:"created_at"`
	StartedAt time.Time `json:"started_at,omitzero"`
	EndedAt   time.Time `json:"ended_at,omitzero"`

	// Progress in events of the range, or in documents: Done of Total, and Rate a second over
	// the last seconds. Total may still grow while a job starts.
	Done  uint64  `json:"done"`
	Total uint64  `json:"total"`
	Rate  float64 `json:"rate"`
	// Phase says in one sentence what the job does or waits for.
	Phase string `json:"phase,omitzero"`
	// Error says why a job failed, or was superseded, for people.
	Error string `json:"error,omitzero"`
	// CancelRequested asks the runner to end.
	CancelRequested bool `json:"cancel_requested,omitzero"`

	// Runner is the instance that runs the job, "" if none does.
	Runner string `json:"runner,omitzero"`
	// Runs counts how often a process has started to run the job.
	Runs int `json:"runs,omitzero"`
	// Checkpoint is where the next runner continues; its form is the kind's.
	Checkpoint jsontext.Value `json:"checkpoint,omitzero"`
	// Report is the result of the job, complete once it is done; its form is the
	// kind's.
	Report jsontext.Value `json:"report,omitzero"`
}
