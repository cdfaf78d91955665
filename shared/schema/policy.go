package schema

import "time"

// What a policy does with events of types that the registry does not know.
const (
	// RejectUnknown rejects them with event.CodeUnknownType; the default.
	RejectUnknown = "reject"
	// StoreUnknown stores them, judged by the policy alone.
	StoreUnknown = "store"
)

// maxDuration bounds every duration of a policy, so that a time plus one is
// always a time that both stores keep.
const maxDuration = 100 * 365 * 24 * time.Hour

// Policy is the validation policy: one of a registry, for all applications.
type Policy struct {
	// FutureSkew is how far a timestamp may lie after the received time.
	FutureSkew time.Duration
	// OldestAge is how far a timestamp may lie before it; 0 is no limit.
	OldestAge time.Duration
	// UnknownTypes is RejectUnknown (also when empty) or StoreUnknown.
	UnknownTypes string
	// Retention is how long outcomes are kept.
	Retention Retention
	// Originals is whether the store keeps what rejected events were.
	Originals Originals
}

// Retention is how long outcomes stay in the store, from the received time on;
// 0 is for ever.
type Retention struct {
	// Stored holds for stored events of all types that Types does not name.
	Stored time.Duration
	// Rejected holds for rejected events of all types that RejectedTypes does
	// not name.
	Rejected time.Duration
	// Types holds for stored events of single types, RejectedTypes for
	// rejected ones.
	Types, RejectedTypes map[Type]time.Duration
}

// DefaultPolicy is the policy of a registry that has none: 5 minutes of skew,
// no oldest age, unknown types rejected, everything kept for ever.
func DefaultPolicy() Policy {
	return Policy{FutureSkew: 5 * time.Minute, UnknownTypes: RejectUnknown}
}

// Of returns how long the outcome of an event of a type is kept.
func (r Retention) Of(t Type, rejected bool) time.Duration {
	types, all := r.Types, r.Stored
	if rejected {
		types, all = r.RejectedTypes, r.Rejected
	}
	if d, ok := types[t]; ok {
		return d
	}
	return all
}
