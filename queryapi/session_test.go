package queryapi_test

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/store"
)

func TestSessionIsSummarizedAndPaged(t *testing.T) {
	fx := newFixtureOnMongo(t)
	fx.putEvents("shop", time.Now(),
		anEvent("last", aSession, "form interaction", "submit", "2026-01-01T00:01:00.000999Z"),
		anEvent("first", aSession, "page interaction", "pageview", "2026-01-01T00:00:00.000001Z"),
		anEvent("middle", aSession, "page interaction", "cta click", "2026-01-01T00:00:30Z"),
		anEvent("elsewhere", anotherOne, "c", "n", "2026-01-01T00:00:30Z"),
		`{"event_id":"rejected","session_id":"`+aSession+`"}`)

	for _, target := range []string{"/v1/sessions/" + aSession, "/v1/sessions/" + strings.ToUpper(aSession)} {
		status, got := fx.get(shopOnly, target)
		if status != http.StatusOK || !slices.Equal(got.ids(), []string{"first", "middle", "last"}) || got.NextCursor != nil {
			t.Fatalf("%d %s", status, got.raw)
		}
		checkSummary(t, &got)
		if gaps := gapPattern.FindAllString(got.raw, -1); !slices.Equal(gaps, wantGaps) {
			t.Errorf("gaps %q", gaps)
		}
	}
	// The summary covers the whole session on every page.
	var seen, gaps []string
	for target := "/v1/sessions/" + aSession + "?limit=1"; target != ""; {
		status, got := fx.get(shopOnly, target)
		if status != http.StatusOK {
			t.Fatalf("%d %s", status, got.raw)
		}
		checkSummary(t, &got)
		seen, gaps = append(seen, got.ids()...), append(gaps, gapPattern.FindAllString(got.raw, -1)...)
		target = ""
		if got.NextCursor != nil {
			target = "/v1/sessions/" + aSession + "?limit=1&cursor=" + *got.NextCursor
		}
	}
	if !slices.Equal(seen, []string{"first", "middle", "last"}) {
		t.Errorf("pages: %v", seen)
	}
	if !slices.Equal(gaps, wantGaps) {
		t.Errorf("gaps of pages: %q", gaps)
	}
}

var (
	gapPattern = regexp.MustCompile(`"gap_seconds":[^,}]*`)
	wantGaps   = []string{`"gap_seconds":null`, `"gap_seconds":29.999999`, `"gap_seconds":30.000999`}
)

func checkSummary(t *testing.T, got *answer) {
	t.Helper()
	if got.First != "2026-01-01T00:00:00.000001Z" || got.Last != "2026-01-01T00:01:00.000999Z" ||
		got.DurationMS != 60_000 || got.Count != 3 || got.Entry == nil || got.Exit == nil ||
		got.Entry.EventID != "first" || got.Exit.EventID != "last" || got.Exit.Timestamp != got.Last {
		t.Errorf("summary: %s", got.raw)
	}
}

func TestRejectsUnknownSession(t *testing.T) {
	fx := newFixtureOnMongo(t)
	fx.putEvents("shop", time.Now(), `{"event_id":"rejected","session_id":"`+aSession+`"}`)
	for id, want := range map[string]int{
		anotherOne:                            http.StatusNotFound,
		aSession:                              http.StatusNotFound, // rejected events make no session
		"x":                                   http.StatusBadRequest,
		"urn:uuid:" + aSession:                http.StatusBadRequest,
		"%7B" + aSession + "%7D":              http.StatusBadRequest,
		strings.ReplaceAll(aSession, "-", ""): http.StatusBadRequest,
		aSession + "/":                        http.StatusNotFound,
		aSession + "%2Fx":                     http.StatusBadRequest,
		"%5B%24ne%5D":                         http.StatusBadRequest,
	} {
		if resp, body := fx.do(http.MethodGet, operator, "/v1/sessions/"+id); resp.StatusCode != want {
			t.Errorf("%s: %d, want %d: %s", id, resp.StatusCode, want, body)
		}
	}
}

// A session of one event has no duration, and one that is longer than a page is
// counted as a whole.
func TestSummarizesShortAndLongSessions(t *testing.T) {
	fx := newFixtureOnMongo(t)
	fx.putEvents("shop", time.Now(), anEvent("only", anotherOne, "c", "n", "2026-01-01T00:00:00Z"))
	if _, got := fx.get(operator, "/v1/sessions/"+anotherOne); got.Count != 1 || got.DurationMS != 0 || got.Entry.EventID != got.Exit.EventID {
		t.Errorf("%s", got.raw)
	}
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	docs := make([]*store.Document, 1500)
	for i := range docs {
		docs[i] = fx.document("shop", start, anEvent(fmt.Sprintf("%04d", i), aSession, "c", "n", start.Add(time.Duration(i)*time.Second).Format(time.RFC3339)))
	}
	fx.writeDocuments(docs...)
	_, got := fx.get(operator, "/v1/sessions/"+aSession+"?limit=1000")
	if got.Count != 1500 || got.DurationMS != 1_499_000 || len(got.Events) != 1000 || got.Exit.EventID != "1499" || got.NextCursor == nil {
		t.Fatalf("count %d, duration %d, %d events", got.Count, got.DurationMS, len(got.Events))
	}
	_, got = fx.get(operator, "/v1/sessions/"+aSession+"?limit=1000&cursor="+*got.NextCursor)
	if got.Count != 1500 || len(got.Events) != 500 || got.Events[0].EventID != "1000" || got.Entry.EventID != "0000" || got.NextCursor != nil {
		t.Errorf("count %d, %d events", got.Count, len(got.Events))
	}
}
