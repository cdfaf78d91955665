package job

import "github.com/theeye/theeye/shared/event"

// Bounds of a report.
const (
	// MaxGroups bounds the groups of a report; the largest are kept.
	MaxGroups = 200
	// MaxSamples bounds the samples of a group.
	MaxSamples = 5
	// MaxNamed bounds the sequences, and the ranges of them, that an audit
	// names.
	MaxNamed = 1000
)

// Change is what judging again makes of an event's outcome.
type Change string

// What can become of an outcome.
const (
	NewlyValid    Change = "newly_valid"
	StillRejected Change = "still_rejected"
	NewlyRejected Change = "newly_rejected"
	Unchanged     Change = "unchanged"
)

// Changes is the report of a dry run, which tells what would change, and of a
// replay, which tells what did. Each event counts once, at its place in the
// stream.
type Changes struct {
	NewlyValid    uint64 `json:"newly_valid"`
	StillRejected uint64 `json:"still_rejected"`
	NewlyRejected uint64 `json:"newly_rejected"`
	// Unchanged are stored events that stay stored.
	Unchanged uint64 `json:"unchanged"`
	// Pending had no outcome yet, Duplicates are later copies of an event,
	// and Expired are past their retention: they are in no group.
	Pending    uint64 `json:"pending"`
	Duplicates uint64 `json:"duplicates"`
	Expired    uint64 `json:"expired"`
	// Groups are by type, reason and change, the largest first, and without
	// those that stay stored. OmittedGroups counts those beyond MaxGroups, or
	// beyond what a record has room for; one that is left out and found again
	// counts again. Very large samples are left out, too.
	Groups        []Group `json:"groups"`
	OmittedGroups int     `json:"omitted_groups,omitzero"`
}

// Group is the events of one type with one reason and one change. The reason is
// the first error: the new one, or the old one where the event is newly valid.
type Group struct {
	Category string   `json:"category"`
	Name     string   `json:"name"`
	Code     string   `json:"code"`
	Path     string   `json:"path"`
	Change   Change   `json:"change"`
	Count    uint64   `json:"count"`
	Samples  []Sample `json:"samples"`
}

// Sample is one event of a group. It holds errors and no data.
type Sample struct {
	Application string `json:"application"`
	EventID     string `json:"event_id"`
	Seq         uint64 `json:"seq"`
	// Before and After are the errors of the two outcomes; none is stored.
	Before []event.Fault `json:"before"`
	After  []event.Fault `json:"after"`
}

// Reasons why a sequence is missing.
const (
	// MissingInStore: the stream has the message, and no document has its
	// event.
	MissingInStore = "store"
	// LostInStream: the stream itself no longer has the message, and nobody
	// removed it.
	LostInStream = "stream"
)

// Account is the report of an audit. The counts sum up to the sequences of the
// range and LostTail.
type Account struct {
	FromSeq uint64 `json:"from_seq"`
	ToSeq   uint64 `json:"to_seq"`

	Stored   uint64 `json:"stored"`
	Rejected uint64 `json:"rejected"`
	// Duplicate is a later copy of an event, at another place of the stream.
	Duplicate uint64 `json:"duplicate"`
	// Expired are past the retention of their outcome, Purged are below what
	// the stream's own retention kept.
	Expired uint64 `json:"expired"`
	Purged  uint64 `json:"purged"`
	// Pending have no outcome yet, and a processor will give them one.
	Pending uint64 `json:"pending"`
	// Missing are all others: an alarm.
	Missing        uint64 `json:"missing"`
	MissingInStore uint64 `json:"missing_in_store"`
	LostInStream   uint64 `json:"lost_in_stream"`
	// LostTail are those of LostInStream that the stream lost at its end, and
	// whose sequences other messages have since, or will have: they come on
	// top of the range.
	LostTail uint64 `json:"lost_tail,omitzero"`
	// Repaired are those of MissingInStore that this audit wrote; they count
	// as stored or rejected.
	Repaired uint64 `json:"repaired"`

	// MissingSequences and MissingRanges name them, at most MaxNamed each.
	MissingSequences []uint64 `json:"missing_sequences"`
	MissingRanges    []Range  `json:"missing_ranges"`
	// Unnamed counts the missing ones that have no room there.
	Unnamed uint64 `json:"unnamed,omitzero"`
	// Duplicates are examples, with the place of the first copy.
	Duplicates []Copy `json:"duplicates,omitempty"`
}

// Range is consecutive sequences that are missing for one reason.
type Range struct {
	From   uint64 `json:"from"`
	To     uint64 `json:"to"`
	Reason string `json:"reason"`
}

// Copy is a sequence whose event stands at an earlier place.
type Copy struct {
	Seq uint64 `json:"seq"`
	// Of is the sequence of the first copy; Epoch tells the stream, where that
	// is an earlier one.
	Of    uint64 `json:"of"`
	Epoch int64  `json:"epoch,omitzero"`
}
