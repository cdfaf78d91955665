package api_test

import (
	jsonv1 "encoding/json"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/theeye/theeye/shared/api"
)

// marshal encodes v with both JSON packages, which must agree.
func marshal(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if old, err := jsonv1.Marshal(v); err != nil || string(old) != string(b) {
		t.Errorf("encoding/json: %s, %v; want %s", old, err, b)
	}
	return string(b)
}

func TestTimeIsEncodedToTheMicrosecond(t *testing.T) {
	at := time.Date(2026, 1, 31, 9, 0, 0, 120_000_999, time.FixedZone("", 3600))
	if got, want := marshal(t, api.TimeOf(at)), `"2026-01-31T08:00:00.120000Z"`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	var decoded api.Time
	if err := json.Unmarshal([]byte(`"2026-01-31T09:00:00.12+01:00"`), &decoded); err != nil || api.TimeOf(decoded.Time) != api.TimeOf(at) {
		t.Errorf("%v, %v", decoded, err)
	}
	if got := marshal(t, api.Selection{From: api.TimeOf(time.Time{})}); got != "{}" {
		t.Errorf("the zero time is not absent: %s", got)
	}
}

func TestCursorIsNullAtTheEnd(t *testing.T) {
	if got := marshal(t, api.Page[api.Event]{Events: []api.Event{}}); got != `{"events":[],"next_cursor":null}` {
		t.Error(got)
	}
	page := api.Page[api.Event]{NextCursor: "stale"}
	if err := json.Unmarshal([]byte(`{"events":[],"next_cursor":null}`), &page); err != nil || page.NextCursor != "" {
		t.Errorf("%q, %v", page.NextCursor, err)
	}
	if err := json.Unmarshal([]byte(`{"next_cursor":"AQ_-"}`), &page); err != nil || page.NextCursor != "AQ_-" {
		t.Errorf("%q, %v", page.NextCursor, err)
	}
}

func TestPathsEscapeTheirSegments(t *testing.T) {
	for got, want := range map[string]string{
		api.EventPath("a/b?c"):                     "/v1/events/a%2Fb%3Fc",
		api.TracePath("a"):                         "/v1/events/a/trace",
		api.SchemaHistoryPath("page view", "a%2F"): "/v1/schemas/page%20view/a%252F/history",
		api.KeyPath("shop", "0123"):                "/v1/applications/shop/keys/0123",
		api.JobPath(api.PathAudits, "1"):           "/v1/audits/1",
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestETagHoldsARevision(t *testing.T) {
	if got := api.ParseETag(api.ETag(12)); got != 12 {
		t.Errorf("revision %d", got)
	}
	for _, other := range []string{"", `"x"`, "W/\"1\""} {
		if got := api.ParseETag(other); got != 0 {
			t.Errorf("%q is revision %d", other, got)
		}
	}
}
