package store

import "time"

// MaxTypes is the highest TypesQuery.Limit.
const MaxTypes = 10_000

// TypesQuery selects the events that Types counts. Zero fields but Limit do not
// restrict.
type TypesQuery struct {
	Applications []string
	// From is inclusive, To exclusive, both on ReceivedAt.
	From, To time.Time
	// Limit is 1 to MaxTypes.
	Limit int
}

// TypeSummary says what there is of one type. Category and Name are empty where
// rejected events had no valid ones.
type TypeSummary struct {
	Category, Name   string
	Stored, Rejected int64
	// LastSeen is the latest ReceivedAt.
	LastSeen time.Time
}
