package api

import (
	"errors"

	"github.com/go-json-experiment/json/jsontext"
)

// StatsRange is the part that every statistic has: the range of event times that it
// covers, half-open, and the moment that it shows. Every event whose outcome was
// durable before AsOf is counted.
type StatsRange struct {
	From Time `json:"from"`
	To   Time `json:"to"`
	// TZ is the IANA zone of the intervals.
	TZ   string `json:"tz"`
	AsOf Time   `json:"as_of"`
}

// Figure is a figure of a statistic: the text of a JSON number, or "" for null, where
// there is nothing to compute it from. Integers keep every digit.
type Figure string

// MarshalJSON encodes the number, or null.
func (f Figure) MarshalJSON() ([]byte, error) {
	if f == "" {
		return []byte("null"), nil
	}
	return []byte(f), nil
}

var errFigure = errors.New("a figure is a number or null")

// UnmarshalJSON decodes a number, or null.
func (f *Figure) UnmarshalJSON(raw []byte) error {
	switch jsontext.Value(raw).Kind() {
	case 'n':
		*f = ""
	case '0':
		*f = Figure(raw)
	default:
		return errFigure
	}
	return nil
}

// Timeseries is the answer to GET PathTimeseries.
type Timeseries struct {
	StatsRange
	// Interval is minute, hour, day, week or month.
	Interval string `json:"interval"`
	// Metric is one of events, sessions, sum, avg, min, max and p50 to p99; Field is
	// the field of all but the first two, GroupBy that of the groups.
	Metric  string `json:"metric"`
	Field   string `json:"field,omitzero"`
	GroupBy string `json:"group_by,omitzero"`
	// Intervals are where the intervals start, with the offset of the zone. The first
	// may start before From, the last end after To: Partial says so.
	Intervals []string `json:"intervals"`
	Partial   Partial  `json:"partial"`
	// Series are those of the groups: the largest, then the events without a value,
	// then all other groups together. Without GroupBy there are none.
	Series []Series     `json:"series,omitempty"`
	Total  SeriesValues `json:"total"`
	// Previous is the total in as many intervals before the first.
	Previous *SeriesValues `json:"previous,omitzero"`
}

// Partial says whether a range cuts its first and last interval.
type Partial struct {
	First bool `json:"first"`
	Last  bool `json:"last"`
}

// SeriesValues are the figures of a series.
type SeriesValues struct {
	// Total is that of the whole range: of sessions, the distinct ones.
	Total Figure `json:"total"`
	// Values has one figure an interval.
	Values []Figure `json:"values"`
}

// StatsGroup names one group of a statistic: it has Group, Missing or Other.
type StatsGroup struct {
	// Group is the value of the group; null is one. Category and Name are those of a
	// type.
	Group    jsontext.Value `json:"group,omitzero"`
	Category string         `json:"category,omitzero"`
	Name     string         `json:"name,omitzero"`
	// Missing is set for the events or visitors without a value.
	Missing bool `json:"missing,omitzero"`
	// Other is set for all groups that have no row of their own; Groups is their
	// number.
	Other  bool  `json:"other,omitzero"`
	Groups int64 `json:"groups,omitzero"`
}

// Series is one group of a Timeseries.
type Series struct {
	StatsGroup
	SeriesValues
}

// Top is the answer to GET PathTop.
type Top struct {
	Field  string `json:"field"`
	Metric string `json:"metric"`
	StatsRange
	// Total counts all events, or distinct sessions, Missing those without a value.
	// A session is without a value if none of its events has one.
	Total   int64 `json:"total"`
	Missing int64 `json:"missing"`
	// Distinct is the number of different values.
	Distinct int64      `json:"distinct"`
	Values   []TopValue `json:"values"`
	// Other is the rest, absent without one.
	Other *TopOther `json:"other,omitzero"`
}

// TopValue is a value with its count.
type TopValue struct {
	Value jsontext.Value `json:"value"`
	// Category and Name are those of a type.
	Category string `json:"category,omitzero"`
	Name     string `json:"name,omitzero"`
	Count    int64  `json:"count"`
	// Share is Count by the total over all values, to four decimals.
	Share float64 `json:"share"`
}

// TopOther counts the values that are not listed.
type TopOther struct {
	Count    int64 `json:"count"`
	Distinct int64 `json:"distinct"`
}

// FieldList is the answer to GET PathFields: the fields of the data of events.
type FieldList struct {
	StatsRange
	// Events is the number of events in which the fields were counted.
	Events int64        `json:"events"`
	Fields []FieldFacts `json:"fields"`
	// Truncated says that there are more fields.
	Truncated bool `json:"truncated"`
}

// FieldFacts are facts about the values of one field.
type FieldFacts struct {
	// Path is the field as filters spell it.
	Path string `json:"path"`
	// Types counts the events by the kind of the value: string, number, boolean,
	// null, array.
	Types map[string]int64 `json:"types"`
	// Present is the number of events that have the field, Share their share.
	Present int64   `json:"present"`
	Share   float64 `json:"share"`
	// Distinct is the number of different values, the least that it can be where
	// DistinctExact is false.
	Distinct      int64 `json:"distinct"`
	DistinctExact bool  `json:"distinct_exact"`
	// Min and Max are those of the numbers, without numbers those of the texts, and
	// absent without either.
	Min jsontext.Value `json:"min,omitzero"`
	Max jsontext.Value `json:"max,omitzero"`
	// Samples are the most frequent values, at most five.
	Samples []jsontext.Value `json:"samples"`
	// InSchema says that a schema of the types asked for declares the field, Required
	// that all of them require it.
	InSchema bool `json:"in_schema"`
	Required bool `json:"required"`
}

// StatsBatch is the answer to POST PathStatsQuery, in the order of the queries.
type StatsBatch struct {
	AsOf    Time          `json:"as_of"`
	Results []StatsResult `json:"results"`
}

// StatsResult is the answer to one query of a batch: that of its own path, or a
// Problem.
type StatsResult struct {
	ID     string         `json:"id"`
	Status int            `json:"status"`
	Answer jsontext.Value `json:"answer"`
}
