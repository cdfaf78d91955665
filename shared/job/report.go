package job

import "github.com/theeye/theeye/shared/api"

// Bounds of a report.
const (
	// MaxGroups bounds the groups of a report; the largest are kept.
	MaxGroups = 200
	// MaxSamples bounds the samples of a group.
	MaxSamples = 5
	// MaxNamed bounds the sequences, and the ranges of them, that an audit
	// lists.
	MaxNamed = 1000
)

// Reports are stored as the API answers them.
type (
	// Changes is the report of a dry run or a replay.
	Changes = api.ReplayReport
	// Group is a group of a report.
	Group = api.ReportGroup
	// Sample is one event of a group.
	Sample = api.ReportSample
	// Change is the difference between two outcomes of one event.
	Change = api.OutcomeChange
	// Account is the report of an audit.
	Account = api.AuditReport
	// RetentionReport is the report of a retention job.
	RetentionReport = api.RetentionReport
	// Range is consecutive sequences that are missing for one reason.
	Range = api.SequenceRange
	// Copy is a sequence whose event was accepted before.
	Copy = api.DuplicateSequence
)

// The changes of outcomes.
const (
	NewlyValid    = api.NewlyValid
	StillRejected = api.StillRejected
	NewlyRejected = api.NewlyRejected
	Unchanged     = api.Unchanged
)

// Reasons why a sequence is missing.
const (
	MissingInStore = api.MissingInStore
	LostInStream   = api.LostInStream
)
