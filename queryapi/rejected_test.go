package queryapi_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/store"
)

func TestFiltersRejectedEvents(t *testing.T) {
	fx := newFixtureOnMongo(t)
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	fx.putEvents("shop", at, `{"event_id":"1","session_id":"`+aSession+`","category":"page","name":"view"}`)
	fx.putEvents("shop", at.Add(time.Second), `{"event_id":"2","category":"page","name":"click","timestamp":"2020-01-01T00:00:00Z","data":{}}`)
	fx.putEvents("blog", at.Add(2*time.Second), `{"event_id":"3","session_id":"x","category":"form","name":"view","timestamp":"2020-01-01T00:00:00Z","data":{}}`)
	fx.putEvents("blog", at.Add(3*time.Second), anEvent("stored", aSession, "page", "view", "2020-01-01T00:00:00Z"))
	for params, want := range map[string]string{
		"":                            "1 2 3",
		"order=desc":                  "3 2 1",
		"application=blog":            "3",
		"category=page":               "1 2",
		"name=view":                   "1 3",
		"session_id=" + aSession:      "1",
		"event_id=2":                  "2",
		"event_id=2&application=blog": "",
		"event_id=stored":             "",
		"code=invalid_session_id":     "2 3",
		"code=invalid_timestamp":      "1",
		"code=id_conflict":            "",
		"code=invalid_session_id&path=/session_id":                   "2 3",
		"code=invalid_session_id&path=/timestamp":                    "",
		"code=invalid_session_id&path=":                              "",
		"code=invalid_session_id&order=desc&limit=1":                 "3",
		"from=2026-01-01T00:00:01Z":                                  "2 3",
		"to=2026-01-01T00:00:01Z":                                    "1",
		"from=2026-01-01T00:00:00.5Z&to=2026-01-01T00:00:01.000001Z": "2",
	} {
		status, got := fx.get(operator, "/v1/rejected?"+params)
		if status != http.StatusOK || strings.Join(got.ids(), " ") != want {
			t.Errorf("%s: %d %v, want %s", params, status, got.ids(), want)
		}
	}
	_, first := fx.get(operator, "/v1/rejected?limit=2")
	_, second := fx.get(operator, "/v1/rejected?limit=2&cursor="+*first.NextCursor)
	if got := strings.Join(append(first.ids(), second.ids()...), " "); got != "1 2 3" || second.NextCursor != nil {
		t.Errorf("pages: %s", got)
	}
}

// Rejection destroys nothing: any bytes come back.
func TestRejectedEventKeepsItsOriginal(t *testing.T) {
	fx := newFixtureOnMongo(t)
	text := "{\"event_id\" : \"a\", \"x\":\"\\u0000\u2028<script>\"}\r\n"
	fx.putEvents("shop", time.Now(), strings.TrimSpace(text))
	broken := &store.Document{
		ID: "shop/b", Status: store.Rejected, Application: "shop", EventID: "b", ReceivedAt: time.Now().Truncate(time.Millisecond),
		ContentHash: strings.Repeat("0", 32), Origin: store.Origin{Epoch: 1, Seq: 1},
		Errors: []event.Fault{{Code: event.CodeInvalidText, Message: "m"}}, Original: []byte("{\xff\x00"),
	}
	fx.writeDocuments(broken)
	if _, got := fx.get(operator, "/v1/events/a"); got.Original != strings.TrimSpace(text) || got.Encoding != "" {
		t.Errorf("%s", got.raw)
	}
	if _, got := fx.get(operator, "/v1/events/b"); got.Original != "e/8A" || got.Encoding != "base64" {
		t.Errorf("%s", got.raw)
	}
}

// A second content under one id is found by that id, beside the first.
func TestFindsConflictByItsID(t *testing.T) {
	fx := newFixtureOnMongo(t)
	fx.putEvents("shop", time.Now(), anEvent("x", aSession, "first", "n", "2026-01-01T00:00:00Z"))
	second := anEvent("x", aSession, "second", "n", "2026-01-01T00:00:00Z")
	fx.putEvents("shop", time.Now(), second)
	_, stored := fx.get(operator, "/v1/events/x")
	_, rejected := fx.get(operator, "/v1/rejected?event_id=x")
	if stored.item.Status != "stored" || len(rejected.Events) != 1 || rejected.Events[0].Original != second ||
		rejected.Events[0].Errors[0].Code != event.CodeIDConflict {
		t.Errorf("%s\n%s", stored.raw, rejected.raw)
	}
}

func TestSummarizesRejectedEvents(t *testing.T) {
	fx := newFixtureOnMongo(t)
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range 3 {
		fx.putEvents("shop", at.Add(time.Duration(i)*time.Second),
			fmt.Sprintf(`{"event_id":"%d","category":"page","name":"view","timestamp":"2020-01-01T00:00:00Z","data":{}}`, i))
	}
	fx.putEvents("blog", at, `{"event_id":"b","session_id":"`+aSession+`","category":"page","name":"view","timestamp":"x","data":{}}`)
	want := []group{
		{
			Application: "shop", Category: "page", Name: "view", Code: "invalid_session_id", Path: "/session_id", Count: 3,
			FirstSeen: "2026-01-01T00:00:00.000000Z", LastSeen: "2026-01-01T00:00:02.000000Z",
		},
		{
			Application: "blog", Category: "page", Name: "view", Code: "invalid_timestamp", Path: "/timestamp", Count: 1,
			FirstSeen: "2026-01-01T00:00:00.000000Z", LastSeen: "2026-01-01T00:00:00.000000Z",
		},
	}
	fx.awaitColumns()
	status, got := fx.get(operator, "/v1/rejected/summary")
	for i, g := range got.Groups {
		// The sample can be looked up.
		if s, e := fx.get(operator, "/v1/events/"+g.SampleID+"?application="+g.Application); s != http.StatusOK || e.item.Status != "rejected" {
			t.Errorf("sample %q: %d %s", g.SampleID, s, e.raw)
		}
		got.Groups[i].SampleID = ""
	}
	if diff := cmp.Diff(want, got.Groups); status != http.StatusOK || diff != "" {
		t.Errorf("%d %s", status, diff)
	}
	for params, want := range map[string]string{
		"limit=1":                   "3",
		"application=blog":          "1",
		"code=invalid_timestamp":    "1",
		"from=2026-01-01T00:00:01Z": "2",
		"to=2026-01-01T00:00:01Z":   "1 1",
		"event_id=1":                "1",
		"session_id=" + aSession:    "1",
		"name=other":                "",
	} {
		_, got := fx.get(operator, "/v1/rejected/summary?"+params)
		var counts []string
		for _, g := range got.Groups {
			counts = append(counts, fmt.Sprint(g.Count))
		}
		if strings.Join(counts, " ") != want {
			t.Errorf("%s: %s, want %s", params, got.raw, want)
		}
	}
}

// Each group has its trend where that is asked for.
func TestSummaryHasSeries(t *testing.T) {
	fx := newFixtureOnMongo(t)
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i, hours := range []int{0, 0, 23} {
		fx.putEvents("shop", at.Add(time.Duration(hours)*time.Hour),
			fmt.Sprintf(`{"event_id":"%d","category":"page","name":"view","timestamp":"2020-01-01T00:00:00Z","data":{}}`, i))
	}
	fx.awaitColumns()
	_, got := fx.get(operator, "/v1/rejected/summary?series=true&from=2026-01-01&to=2026-01-02")
	if want := `"series":[2` + strings.Repeat(",0", 22) + `,1]`; !strings.Contains(got.raw, want) {
		t.Errorf("%s, want %s", got.raw, want)
	}
	if _, got := fx.get(operator, "/v1/rejected/summary?from=2026-01-01&to=2026-01-02"); strings.Contains(got.raw, "series") {
		t.Errorf("%s", got.raw)
	}
	// By code, an event counts once, whatever else its reasons say.
	fx.putEvents("blog", at, `{"event_id":"4","session_id":1,"category":"page","name":"view","timestamp":"2020-01-01T00:00:00Z","data":{}}`)
	fx.awaitColumns()
	_, got = fx.get(operator, "/v1/rejected/summary?group_by=code&series=true&from=2026-01-01&to=2026-01-02")
	if want := `"code":"invalid_session_id","path":"","count":4,`; len(got.Groups) != 1 || !strings.Contains(got.raw, want) || !strings.Contains(got.raw, `"series":[3`) || strings.Contains(got.raw, "application") {
		t.Errorf("%s, want %s", got.raw, want)
	}
	for _, params := range []string{"series=true", "series=true&from=2026-01-01", "series=true&from=2026-01-01&to=2026-01-01", "series=1", "group_by=path"} {
		if status, got := fx.get(operator, "/v1/rejected/summary?"+params); status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", params, status, got.raw)
		}
	}
}
