package queryapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/store"
)

// filtered returns a target with filters.
func filtered(path, params string, filters ...string) string {
	return path + "?" + params + "&" + url.Values{"filter": filters}.Encode()
}

// withData is anEvent with data.
func withData(id, category, name, timestamp, data string) string {
	return strings.Replace(anEvent(id, aSession, category, name, timestamp), `{"host":"www.example.com","path":"/"}`, data, 1)
}

func TestFilterParameterSelectsEvents(t *testing.T) {
	fx := newFixtureOnMongo(t)
	fx.putEvents("shop", time.Now(),
		withData("1", "page", "view", "2026-01-01T00:00:01Z", `{"plan":"pro","price":1.50,"tags":["a","b"],"a.b":{"x y":null}}`),
		withData("2", "page", "click", "2026-01-01T00:00:02Z", `{"plan":"free","price":9007199254740993,"tags":[],"items":[{"sku":"k"},{"sku":"l"}]}`),
		withData("3", "form", "view", "2026-01-01T00:00:03.000001Z", `{"plan":"Pro","price":"1.5","zip":"01234"}`))
	fx.putEvents("blog", time.Now(), withData("4", "page", "view", "2026-01-01T00:00:04Z", `{"plan":"pro"}`))
	fx.awaitColumns()
	for _, c := range []struct {
		params  string
		filters []string
		want    string
	}{
		{"", []string{"data.plan=pro"}, "1 4"},
		{"order=desc", []string{"data.plan=pro"}, "4 1"},
		{"application=shop", []string{"data.plan=pro"}, "1"},
		{"", []string{"data.plan=pro", "application=blog"}, "4"},
		{"", []string{"data.plan=pro", "application=none"}, ""},
		{"", []string{"data.plan^=Pr"}, "3"},
		{"", []string{"data.price=1.5"}, "1"},
		{"", []string{`data.price="1.5"`}, "3"},
		{"", []string{"data.price>9007199254740992"}, "2"},
		{"", []string{"data.price exists false"}, "4"},
		{"", []string{"data.plan != pro"}, "2 3"},
		{"", []string{"data.tags[]=b"}, "1"},
		{"", []string{"data.tags[] exists false"}, "2 3 4"},
		{"", []string{"data.items[].sku=l"}, "2"},
		{"", []string{"data.items.0.sku=l"}, ""},
		{"", []string{`data."a.b"."x y"=null`}, "1"},
		{"", []string{"data.zip=01234"}, "3"},
		{"", []string{"type=page / view"}, "1 4"},
		{"", []string{"category=page", "name in [\"click\"]"}, "2"},
		{"category=form", []string{"category=page"}, ""},
		{"", []string{"event_id=2"}, "2"},
		{"", []string{"event_id=2", "event_id=1"}, ""},
		{"", []string{"session_id=" + strings.ToUpper(aSession), "timestamp>2026-01-01T00:00:03"}, "3 4"},
		{"", []string{"timestamp<=2026-01-01T00:00:02", "timestamp != 2026-01-01T00:00:01"}, "2"},
		{"from=2026-01-01T00:00:02Z", []string{"timestamp=2026-01-01T00:00:01"}, ""},
		{"", []string{"received_at<1h"}, ""},
		{"", []string{"schema_version=2"}, "1 2 3 4"},
		{"", []string{"data.$where=1=1", "data.a=1"}[1:], ""},
	} {
		status, got := fx.get(operator, filtered("/v1/events", c.params, c.filters...))
		if status != http.StatusOK || strings.Join(got.ids(), " ") != c.want || got.NextCursor != nil {
			t.Errorf("%s %v: %d %v, want %s", c.params, c.filters, status, got.ids(), c.want)
		}
	}
	if status, got := fx.get(shopOnly, filtered("/v1/events", "", "data.plan=pro", "application=blog")); status != http.StatusOK || len(got.Events) > 0 {
		t.Errorf("another application's events: %d %v", status, got.ids())
	}
}

func TestFilterParameterSelectsRejectedEvents(t *testing.T) {
	fx := newFixtureOnMongo(t)
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	fx.putEvents("shop", at, `{"event_id":"1","session_id":"x","category":"page","name":"view","timestamp":"2020-01-01T00:00:00Z","data":{"plan":"pro"}}`)
	fx.putEvents("shop", at.Add(time.Second), `{"event_id":"2","session_id":"`+aSession+`","category":"page","data":{"plan":"free"}}`)
	for filter, want := range map[string]string{
		"data.plan=pro": "1", "session_id exists": "2", "type exists false": "2", "timestamp<2021-01-01": "1", "schema_version exists": "",
		"received_at>2026-01-01": "2", "category=page": "1 2", "name!=view": "2", "event_id=1": "1",
	} {
		status, got := fx.get(operator, filtered("/v1/rejected", "", filter))
		if status != http.StatusOK || strings.Join(got.ids(), " ") != want {
			t.Errorf("%s: %d %v, want %s", filter, status, got.ids(), want)
		}
	}
}

// An answer to a wrong filter names it, the place of the fault, and the text expected
// there.
func TestInvalidFilter(t *testing.T) {
	fx := newFixtureOnMongo(t)
	for _, path := range []string{"/v1/events", "/v1/rejected"} {
		resp, body := fx.do(http.MethodGet, operator, filtered(path, "", "data.plan=pro", "data.x in 5"))
		var p api.Problem
		if err := json.Unmarshal([]byte(body), &p); err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != http.StatusBadRequest || p.Code != api.CodeInvalidFilter || p.Parameter != "filter" || p.Index == nil || *p.Index != 1 ||
			p.Position == nil || *p.Position != 10 || !strings.Contains(p.Expected, "a JSON array") || !strings.Contains(p.Detail, `number 2, behind "data.x in "`) {
			t.Errorf("%s: %d %s", path, resp.StatusCode, body)
		}
	}
}

// Pages of matching events hold each once; a cursor continues the same filter alone.
func TestPagesOfFilteredEvents(t *testing.T) {
	fx := newFixtureOnMongo(t)
	var docs []*store.Document
	for i := range 3_000 {
		data := fmt.Sprintf(`{"n":%d}`, i%100)
		docs = append(docs, fx.document("shop", time.Now(), withData(fmt.Sprintf("%04d", i), "c", "n", "2026-01-01T00:00:00Z", data)))
	}
	fx.writeDocuments(docs...)
	fx.awaitColumns()
	target := filtered("/v1/events", "limit=7", "data.n = 5.0", "timestamp>=3650d", "timestamp>2020-01-01")
	var ids []string
	cursor := ""
	for range 10 {
		status, got := fx.get(operator, target+cursor)
		if status != http.StatusOK {
			t.Fatal(status, got.raw)
		}
		if ids = append(ids, got.ids()...); got.NextCursor == nil {
			break
		}
		cursor = "&cursor=" + *got.NextCursor
		for _, other := range []string{"data.n=6", "data.n=5"} {
			if status, got := fx.get(operator, filtered("/v1/events", "limit=7", other)+cursor); status != http.StatusBadRequest || got.Code != api.CodeInvalidCursor {
				t.Fatalf("the cursor with %s: %d %s", other, status, got.raw)
			}
		}
		// Order and spelling of the filters do not matter.
		target = filtered("/v1/events", "limit=7", "timestamp > 2020-01-01T00:00", "data.n=5", "timestamp>= 3650d")
	}
	if len(ids) != 30 || ids[0] != "0005" || ids[29] != "2905" {
		t.Errorf("%d events: %v", len(ids), ids)
	}
}
