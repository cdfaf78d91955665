// Package oracle computes statistics by brute force from a list of events, for tests.
// It is written from the description of the statistics alone and shares no code with
// the code that it judges: every figure is counted over all events, with exact rationals.
//
// Answers are trees as encoding/json decodes them, without the members that say when and
// of what range; Canonical of two answers is equal if their figures are.
package oracle
