package api

// Status is the answer to GET PathStatus: the state of the installation.
type Status struct {
	Stream StreamStatus `json:"stream"`
	Lag    Lag          `json:"lag"`
	// Processing says whether accepted events get their outcomes at present.
	Processing Processing     `json:"processing"`
	Store      StoreStatus    `json:"store"`
	Registry   RegistryStatus `json:"registry"`
	// Columns are those of the service that answers.
	Columns *ColumnsStatus `json:"columns,omitzero"`
	// Retention is the newest job that applies a changed retention, absent without
	// one.
	Retention *Job `json:"retention,omitzero"`
	// SilentApplications are those that fell silent, the longest silent first. It is nil, and
	// absent, while that is not known.
	SilentApplications []SilentApplication `json:"silent_applications,omitzero"`
	// Services is nil, and absent, if the heartbeats cannot be read.
	Services []ServiceStatus `json:"services,omitzero"`
}

// SilentApplication is an application that has sent nothing for more than one and a half
// times its longest pause in the seven days before its last event, and for more than an
// hour.
type SilentApplication struct {
	Application string `json:"application"`
	// LastReceivedAt is when its last event was received.
	LastReceivedAt Time `json:"last_received_at"`
	// SilentSeconds is how long ago that is, LongestPauseSeconds its longest pause before.
	SilentSeconds       float64 `json:"silent_seconds"`
	LongestPauseSeconds float64 `json:"longest_pause_seconds"`
}

// StreamStatus is the state of the stream of events.
type StreamStatus struct {
	Messages uint64 `json:"messages"`
	Bytes    uint64 `json:"bytes"`
	// MaxBytes is the size at which the stream takes no more; -1 or 0 is no
	// bound.
	MaxBytes int64  `json:"max_bytes"`
	FirstSeq uint64 `json:"first_seq"`
	LastSeq  uint64 `json:"last_seq"`
	Oldest   Time   `json:"oldest,omitzero"`
}

// Lag is the accepted events without an outcome.
type Lag struct {
	Events uint64 `json:"events"`
	// Seconds is the age of the oldest of them.
	Seconds float64 `json:"seconds"`
}

// Processing says whether a processor takes events.
type Processing struct {
	Active bool `json:"active"`
	// Reason says why none does; absent while one does.
	Reason string `json:"reason,omitzero"`
}

// StoreStatus is the state of the store.
type StoreStatus struct {
	Ready bool `json:"ready"`
	// Revision is the highest registry revision ever written; absent unless
	// the store is ready.
	Revision *uint64 `json:"revision,omitzero"`
}

// ColumnsStatus is the state of the columns from which statistics are answered.
type ColumnsStatus struct {
	// AsOf is the moment as of which the days that are built have every outcome; absent
	// before the marks of the store were read for the first time.
	AsOf Time `json:"as_of,omitzero"`
	// AgeSeconds is how long ago that is; 0 without.
	AgeSeconds float64 `json:"age_seconds"`
	// Days are the days of received time with events, counted by application, and
	// DaysBuilt those that were built since the start. From BuiltFrom on, all are.
	Days      int  `json:"days"`
	DaysBuilt int  `json:"days_built"`
	BuiltFrom Time `json:"built_from,omitzero"`
	// StaleDays have changes that the columns do not have yet.
	StaleDays int   `json:"stale_days"`
	Rows      int64 `json:"rows"`
	Parts     int   `json:"parts"`
	// Bytes is the size of the files.
	Bytes int64 `json:"bytes"`
	// Reason says why the columns are not brought up to date; absent while they are.
	Reason string `json:"reason,omitzero"`
}

// VerifyRequest asks to compare the columns with the store. From and To bound the
// received time, by whole days; absent ones are open.
type VerifyRequest struct {
	From Time `json:"from,omitzero"`
	To   Time `json:"to,omitzero"`
	// After is Next of the answer before.
	After string `json:"after,omitzero"`
}

// VerifyAnswer has the days that were compared, the newest first.
type VerifyAnswer struct {
	Days []VerifiedDay `json:"days"`
	// Next is for the next request; absent where every day was compared. Left days
	// follow.
	Next string `json:"next,omitzero"`
	Left int    `json:"left"`
}

// VerifiedDay is one day of received time of an application. Events that expire within
// minutes are not counted.
type VerifiedDay struct {
	Application string        `json:"application"`
	Day         string        `json:"day"`
	Store       OutcomeCounts `json:"store"`
	Columns     OutcomeCounts `json:"columns"`
	// DifferentSlots are the stretches of 10 s whose counts, or the hash over ids, times
	// and outcomes, and category, name and session id of stored events, differ. Where
	// there is one, the day is rebuilt.
	DifferentSlots int `json:"different_slots"`
	// ChangingSlots were written to all the time and are not compared.
	ChangingSlots int  `json:"changing_slots"`
	Rebuilt       bool `json:"rebuilt"`
}

// OutcomeCounts are numbers of events by outcome.
type OutcomeCounts struct {
	Stored   int64 `json:"stored"`
	Rejected int64 `json:"rejected"`
}

// RegistryStatus is the state of the registry in the service that answers.
type RegistryStatus struct {
	Revision uint64 `json:"revision"`
}

// ServiceStatus is one running service. The services of one process share the
// instance.
type ServiceStatus struct {
	Service  string `json:"service"`
	Instance string `json:"instance"`
	Version  string `json:"version"`
	Commit   string `json:"commit"`
	Revision uint64 `json:"revision"`
	// Waiting says what keeps the service from working; absent while it works.
	Waiting   string `json:"waiting,omitzero"`
	StartedAt Time   `json:"started_at"`
	SeenAt    Time   `json:"seen_at"`
}

// Health is the answer to GET PathHealth.
type Health struct {
	// Status is HealthOK.
	Status string `json:"status"`
}

// HealthOK is the status of a process that answers.
const HealthOK = "ok"
