// Package storetest is the suite that every adapter of package store passes,
// and a generator of documents for tests and benchmarks.
//
// An adapter's test calls Run with a function that opens an empty database for
// each subtest. The suite depends on no adapter: it asserts values, so all
// adapters agree and a new one is held to the same.
package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/store"
)

// Open returns an empty store on which Prepare was not called. t.Cleanup closes and
// removes it.
type Open func(t *testing.T) store.Store

// Run runs the whole suite, its parts in parallel. The adapter's clock must be the
// machine's.
func Run(t *testing.T, open Open) {
	t.Helper()
	for _, c := range []struct {
		name string
		test func(*testing.T, store.Store)
	}{
		{"results of Insert", testInsert},
		{"Replace is guarded as Supersedes says", testGuard},
		{"Replace where documents stay as they are", testRaise},
		{"Holders", testHolders},
		{"write rule", testRule},
		{"write rule in one bulk", testRuleInOneBulk},
		{"writers race", testRace},
		{"content comes back as written", testContent},
		{"a replacement that changes one field", testOneFieldChanged},
		{"odd ids", testOddIDs},
		{"times", testTimes},
		{"rejected documents", testRejectedContent},
		{"schema versions", testVersions},
		{"dropped originals", testNoOriginal},
		{"filters", testFilters},
		{"page bytes", testPageBytes},
		{"order and pages", testPages},
		{"pages while events arrive", testPagesWhileWriting},
		{"sparse history", testSparse},
		{"pages by type", testPagesByType},
		{"pages of many types", testPagesOfManyTypes},
		{"held documents", testHeld},
		{"session", testSession},
		{"rejected queries", testRejected},
		{"replacing changes reasons", testReasonsChange},
		{"expired documents are invisible", testExpiry},
		{"retention", testRetention},
		{"retention of what falls due", testRetentionDue},
		{"retention beside newer documents", testRetentionGuard},
		{"retention of events of one moment", testRetentionOfOneMoment},
		{"retention keeps the reasons", testRetentionReasons},
		{"bounds", testBounds},
		{"ended context", testEndedContext},
		{"marks of every delivery", testMarks},
		{"marks of days", testDayMarks},
		{"timestamps of days", testDaySpans},
		{"a document keeps its slot", testKeptSlot},
		{"scan of slots", testScan},
		{"events at timestamps", testAt},
		{"a changed retention marks", testRetentionMarks},
		{"builders beside writers", testBuilders},
		{"revision", testRevision},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			must(t, s.Prepare(t.Context()))
			c.test(t, s)
		})
	}
	t.Run("preparation", func(t *testing.T) {
		t.Parallel()
		testPrepare(t, open(t))
	})
}

// patience bounds every wait of the suite.
const patience = 2 * time.Minute

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// write writes documents by the rule and returns the results.
func write(t *testing.T, s store.Store, docs ...*store.Document) []store.WriteResult {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	results, err := store.NewWriter(store.WriterConfig{Backend: s}).Write(ctx, docs)
	must(t, err)
	return results
}
