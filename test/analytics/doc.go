// Package analytics judges the statistics of a whole installation: events take the path
// of the processor into a store, and every answer of the query API is compared with
// that of package oracle, which counts the events that were sent one by one.
//
// EYE_ORACLE_SCHEDULES sets how many random schedules run on SQLite, and a fifth as many
// run on MongoDB; EYE_ORACLE_SEED is the number of the first, which is its seed.
package analytics
