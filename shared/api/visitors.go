package api

import "github.com/go-json-experiment/json/jsontext"

// FunnelRequest is the body of POST PathFunnel. Every member but Steps may be absent.
type FunnelRequest struct {
	Application string `json:"application,omitzero"`
	Category    string `json:"category,omitzero"`
	Name        string `json:"name,omitzero"`
	SessionID   string `json:"session_id,omitzero"`
	// From and To are times as parameters have them, TZ is the zone of dates.
	From string `json:"from,omitzero"`
	To   string `json:"to,omitzero"`
	TZ   string `json:"tz,omitzero"`
	// Filters are those of parameter filter: they limit the events of every step.
	Filters []string `json:"filters,omitempty"`
	// By is the field whose value names a visitor; session_id by default.
	By string `json:"by,omitzero"`
	// Window is the longest time from the first step to any other; unbounded by
	// default.
	Window string `json:"window,omitzero"`
	// Order is FunnelOrdered, the default, or FunnelStrict.
	Order string              `json:"order,omitzero"`
	Steps []FunnelStepRequest `json:"steps"`
	// GroupBy is the field by whose value at the first step visitors are counted
	// apart, in the Top largest groups; 10 by default.
	GroupBy string `json:"group_by,omitzero"`
	Top     int    `json:"top,omitzero"`
}

// Values of FunnelRequest.Order: whether other events may lie between the steps.
const (
	FunnelOrdered = "ordered"
	FunnelStrict  = "strict"
)

// FunnelStepRequest says which events fill a step; all members that are given hold
// together, and one at least must be.
type FunnelStepRequest struct {
	// Label names the step in the answer; the type or the filters by default.
	Label    string   `json:"label,omitzero"`
	Category string   `json:"category,omitzero"`
	Name     string   `json:"name,omitzero"`
	Filters  []string `json:"filters,omitempty"`
}

// Funnel is the answer to POST PathFunnel.
type Funnel struct {
	StatsRange
	By string `json:"by"`
	// Entered counts the visitors that filled the first step, Completed those that
	// filled all.
	Entered   int64        `json:"entered"`
	Completed int64        `json:"completed"`
	Steps     []FunnelStep `json:"steps"`
	// Groups are absent without FunnelRequest.GroupBy.
	Groups []FunnelGroup `json:"groups,omitempty"`
}

// FunnelStep counts the visitors that filled a step and all before it.
type FunnelStep struct {
	Label string `json:"label"`
	Count int64  `json:"count"`
	// OfFirst and OfPrevious are shares of the counts of the first step and of the
	// one before, 0 where no visitor filled that.
	OfFirst    float64 `json:"of_first"`
	OfPrevious float64 `json:"of_previous"`
	// Dropped counts the visitors that filled the step before, and not this one.
	Dropped int64 `json:"dropped"`
	// Seconds lie between the step before and this one; null for the first step, and
	// where no visitor filled this one.
	Seconds *FunnelSeconds `json:"seconds"`
}

// FunnelSeconds are percentiles by nearest rank.
type FunnelSeconds struct {
	P50 float64 `json:"p50"`
	P90 float64 `json:"p90"`
}

// FunnelGroup counts the visitors of one value of the field that groups.
type FunnelGroup struct {
	StatsGroup
	Steps []FunnelStep `json:"steps"`
}

// Retention is the answer to GET PathRetention.
type Retention struct {
	StatsRange
	By       string `json:"by"`
	Interval string `json:"interval"`
	// Cohorts has one element for each interval of the range.
	Cohorts []RetentionCohort `json:"cohorts"`
	// Average is the share of visitors that returned in each interval, of all cohorts
	// whose interval is complete; null where none is.
	Average []*float64 `json:"average"`
	// Note says what the reader should know about the question.
	Note string `json:"note,omitzero"`
}

// RetentionCohort counts the visitors whose first event lies in one interval.
type RetentionCohort struct {
	// Start is where the interval starts, RFC 3339 with the offset of the zone.
	Start string `json:"start"`
	Size  int64  `json:"size"`
	// Returned counts those that returned in the cohort's own interval, at index 0,
	// and in each of the following ones. Complete says which of them have ended.
	Returned []int64 `json:"returned"`
	Complete []bool  `json:"complete"`
}

// Paths is the answer to GET PathPaths: a graph whose nodes are the values at each step.
type Paths struct {
	StatsRange
	// Direction is PathsForward from the first match, or PathsBackward from the last.
	Direction string `json:"direction"`
	Value     string `json:"value"`
	// Sessions counts the sessions that have a match.
	Sessions int64      `json:"sessions"`
	Nodes    []PathNode `json:"nodes"`
	Links    []PathLink `json:"links"`
}

// Values of Paths.Direction.
const (
	PathsForward  = "forward"
	PathsBackward = "backward"
)

// PathNode counts the sessions that have one value at a step. Exactly one of Value,
// Missing, Ended and Other is present.
type PathNode struct {
	ID int `json:"id"`
	// Step is 0 for the match.
	Step  int            `json:"step"`
	Value jsontext.Value `json:"value,omitzero"`
	// Category and Name are those of Value if it is a type.
	Category string `json:"category,omitzero"`
	Name     string `json:"name,omitzero"`
	// Missing is set for events without a value, Ended for sessions without a further
	// event, Other for all values beyond the largest, of which there are so many as
	// Values says.
	Missing  bool  `json:"missing,omitzero"`
	Ended    bool  `json:"ended,omitzero"`
	Other    bool  `json:"other,omitzero"`
	Values   int   `json:"values,omitzero"`
	Sessions int64 `json:"sessions"`
}

// PathLink counts the sessions that go from a node to one of the next step. Those of
// the links out of a node add up to it, but for nodes of the last step and ended ones,
// which have none.
type PathLink struct {
	From     int   `json:"from"`
	To       int   `json:"to"`
	Sessions int64 `json:"sessions"`
}
