package api

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/event"
)

// Selection says which events of the stream a job covers. An absent member does
// not restrict; all others hold together.
type Selection struct {
	// From is inclusive, To exclusive, both on the received time.
	From Time `json:"from,omitzero"`
	To   Time `json:"to,omitzero"`
	// FromSeq and ToSeq are sequences of the stream, both inclusive.
	FromSeq     uint64 `json:"from_seq,omitzero"`
	ToSeq       uint64 `json:"to_seq,omitzero"`
	Application string `json:"application,omitzero"`
	Category    string `json:"category,omitzero"`
	Name        string `json:"name,omitzero"`
	// Only is OnlyRejected or absent.
	Only string `json:"only,omitzero"`
	// Code must be among the errors of the present outcome.
	Code string `json:"code,omitzero"`
}

// OnlyRejected is the value of Selection.Only for events that are rejected at
// present.
const OnlyRejected = "rejected"

// ReplayRequest is the body of POST PathReplays.
type ReplayRequest struct {
	DryRun bool `json:"dry_run,omitzero"`
	Selection
	// Rate bounds a replay, in events a second.
	Rate int64 `json:"rate,omitzero"`
	// Schemas are unpublished schemas of a dry run, at most one of a type.
	Schemas []TypeSchema `json:"schemas,omitempty"`
}

// TypeName is a type of events.
type TypeName struct {
	Category string `json:"category"`
	Name     string `json:"name"`
}

// TypeSchema is the schema of a type.
type TypeSchema struct {
	TypeName
	Schema jsontext.Value `json:"schema"`
}

// AuditRequest is the body of POST PathAudits.
type AuditRequest struct {
	From    Time   `json:"from,omitzero"`
	To      Time   `json:"to,omitzero"`
	FromSeq uint64 `json:"from_seq,omitzero"`
	ToSeq   uint64 `json:"to_seq,omitzero"`
	// Repair makes the audit write the events that are missing in the store.
	Repair bool `json:"repair,omitzero"`
}

// JobState is the state of a job.
type JobState string

// The states of a job; the last three are final.
const (
	JobQueued    JobState = "queued"
	JobRunning   JobState = "running"
	JobDone      JobState = "done"
	JobCancelled JobState = "cancelled"
	JobFailed    JobState = "failed"
)

// Final reports whether no other state follows.
func (s JobState) Final() bool { return s == JobDone || s == JobCancelled || s == JobFailed }

// Job is a replay, dry run, audit or change of the retention.
type Job struct {
	ID     string   `json:"id"`
	State  JobState `json:"state"`
	DryRun bool     `json:"dry_run"`
	// TargetRevision is the registry revision of the outcomes; 0 before the
	// job determined it.
	TargetRevision uint64    `json:"target_revision"`
	Selection      Selection `json:"selection"`
	// Schemas are the types whose schemas are unpublished.
	Schemas []TypeName `json:"schemas,omitempty"`
	MaxRate int64      `json:"max_rate,omitzero"`
	Repair  bool       `json:"repair,omitzero"`
	// Retention is what a retention job applies: the member of that name of the
	// policy.
	Retention jsontext.Value `json:"retention,omitzero"`
	// Progress in sequences, of a retention job in documents: Done of Total, and
	// Rate a second.
	Done  uint64  `json:"done"`
	Total uint64  `json:"total"`
	Rate  float64 `json:"rate"`
	// Phase says in one sentence what the job does or waits for.
	Phase string `json:"phase,omitzero"`
	// Error says why the job failed, or which one superseded it.
	Error           string `json:"error,omitzero"`
	CancelRequested bool   `json:"cancel_requested,omitzero"`
	Author          string `json:"author"`
	Note            string `json:"note,omitzero"`
	CreatedAt       Time   `json:"created_at"`
	StartedAt       Time   `json:"started_at,omitzero"`
	EndedAt         Time   `json:"ended_at,omitzero"`
	// QueuedBehind are the jobs that end before this one starts, the next
	// first.
	QueuedBehind []string `json:"queued_behind,omitempty"`
	// Report is a ReplayReport, an AuditReport or a RetentionReport, incomplete
	// before the job is done. Lists do not have it.
	Report jsontext.Value `json:"report,omitzero"`
}

// ReplayPage is the answer to GET PathReplays: replays and dry runs, the newest
// first.
type ReplayPage struct {
	Replays    []Job  `json:"replays"`
	NextCursor Cursor `json:"next_cursor"`
}

// AuditPage is the answer to GET PathAudits, the newest first.
type AuditPage struct {
	Audits     []Job  `json:"audits"`
	NextCursor Cursor `json:"next_cursor"`
}

// RetentionPage is the answer to GET PathRetentions, the newest first.
type RetentionPage struct {
	Retentions []Job  `json:"retentions"`
	NextCursor Cursor `json:"next_cursor"`
}

// RetentionReport is the report of a retention job.
type RetentionReport struct {
	// Documents were read, and Changed of them expire at another time than before.
	// After a restart of the job, both may count documents twice.
	Documents uint64 `json:"documents"`
	Changed   uint64 `json:"changed"`
}

// OutcomeChange is the difference between two outcomes of one event.
type OutcomeChange string

// The changes of outcomes.
const (
	NewlyValid    OutcomeChange = "newly_valid"
	StillRejected OutcomeChange = "still_rejected"
	NewlyRejected OutcomeChange = "newly_rejected"
	Unchanged     OutcomeChange = "unchanged"
)

// ReplayReport is the report of a dry run, with the changes that a replay would
// make, and of a replay, with those that it made. Each event counts once,
// at its origin.
type ReplayReport struct {
	NewlyValid    uint64 `json:"newly_valid"`
	StillRejected uint64 `json:"still_rejected"`
	NewlyRejected uint64 `json:"newly_rejected"`
	// Unchanged are stored events that stay stored.
	Unchanged uint64 `json:"unchanged"`
	// Pending had no outcome yet, Duplicates are later copies of an event, and
	// Expired are past their retention: they are in no group.
	Pending    uint64 `json:"pending"`
	Duplicates uint64 `json:"duplicates"`
	Expired    uint64 `json:"expired"`
	// Purged are sequences of the range that the stream no longer has, of any
	// application and type: they keep the outcomes that they have.
	Purged uint64 `json:"purged"`
	// Groups are by type, reason and change, the largest first, without the
	// unchanged. OmittedGroups counts those beyond the limit on groups, or
	// beyond the size of a record; one that is omitted and found again counts
	// again. Very large samples are omitted as well.
	Groups        []ReportGroup `json:"groups"`
	OmittedGroups int           `json:"omitted_groups,omitzero"`
}

// ReportGroup is the events of one type with one reason and one change. The
// reason is the first error: the new one, or the old one where the event is
// newly valid.
type ReportGroup struct {
	Category string         `json:"category"`
	Name     string         `json:"name"`
	Code     string         `json:"code"`
	Path     string         `json:"path"`
	Change   OutcomeChange  `json:"change"`
	Count    uint64         `json:"count"`
	Samples  []ReportSample `json:"samples"`
}

// ReportSample is one event of a group. It has errors and no data.
type ReportSample struct {
	Application string `json:"application"`
	EventID     string `json:"event_id"`
	Seq         uint64 `json:"seq"`
	// Before and After are the errors of the two outcomes; a stored event has
	// none.
	Before []event.Fault `json:"before"`
	After  []event.Fault `json:"after"`
}

// AuditReport is the report of an audit. The counts sum up to the sequences of
// the range and LostTail.
type AuditReport struct {
	FromSeq uint64 `json:"from_seq"`
	ToSeq   uint64 `json:"to_seq"`

	Stored   uint64 `json:"stored"`
	Rejected uint64 `json:"rejected"`
	// Duplicate is a later copy of an event, at another position of the stream.
	Duplicate uint64 `json:"duplicate"`
	// Expired are past the retention of their outcome, Purged are below the
	// retention of the stream.
	Expired uint64 `json:"expired"`
	Purged  uint64 `json:"purged"`
	// Pending have no outcome yet, and a processor will give them one.
	Pending uint64 `json:"pending"`
	// Missing are all others: an alarm.
	Missing        uint64 `json:"missing"`
	MissingInStore uint64 `json:"missing_in_store"`
	LostInStream   uint64 `json:"lost_in_stream"`
	// LostTail are those of LostInStream that the stream lost at its end, and
	// whose sequences it assigns to other messages: they are counted beside
	// the range.
	LostTail uint64 `json:"lost_tail,omitzero"`
	// Repaired are those of MissingInStore that this audit wrote; they count
	// as stored or rejected.
	Repaired uint64 `json:"repaired"`

	// MissingSequences and MissingRanges list them, up to a limit each.
	MissingSequences []uint64        `json:"missing_sequences"`
	MissingRanges    []SequenceRange `json:"missing_ranges"`
	// Unnamed counts the missing ones beyond the limit.
	Unnamed uint64 `json:"unnamed,omitzero"`
	// Duplicates are examples, with the position of the first copy.
	Duplicates []DuplicateSequence `json:"duplicates,omitempty"`
}

// SequenceRange is consecutive sequences that are missing for one reason.
type SequenceRange struct {
	From uint64 `json:"from"`
	To   uint64 `json:"to"`
	// Reason is MissingInStore or LostInStream.
	Reason string `json:"reason"`
}

// Reasons why a sequence is missing.
const (
	// MissingInStore: the stream has the message, the store no document of its
	// event.
	MissingInStore = "store"
	// LostInStream: the stream does not have the message, and no purge removed
	// it.
	LostInStream = "stream"
)

// DuplicateSequence is a sequence whose event was accepted before.
type DuplicateSequence struct {
	Seq uint64 `json:"seq"`
	// Of is the sequence of the first copy; Epoch identifies its stream if
	// that is an earlier one.
	Of    uint64 `json:"of"`
	Epoch int64  `json:"epoch,omitzero"`
}
