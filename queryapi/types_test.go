package queryapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// typeList is the answer to GET /v1/types.
type typeList struct {
	From, To  string
	Types     []typeItem
	Truncated bool
}

type typeItem struct {
	Category, Name   string
	Registered       bool
	SchemaVersion    uint64 `json:"schema_version"`
	Stored, Rejected int64
	ShareRejected    float64 `json:"share_rejected"`
	FirstSeen        string  `json:"first_seen"`
	LastSeen         string  `json:"last_seen"`
	Series           []int64
}

func (fx *fixture) listTypes(token, params string) typeList {
	fx.t.Helper()
	fx.awaitColumns()
	resp, body := fx.do(http.MethodGet, token, "/v1/types"+params)
	var l typeList
	if err := json.Unmarshal([]byte(body), &l); err != nil || resp.StatusCode != http.StatusOK {
		fx.t.Fatalf("%s: %d %v %s", params, resp.StatusCode, err, body)
	}
	return l
}

// counts formats the types that have events.
func (l typeList) counts() string {
	var all []string
	for _, t := range l.Types {
		if t.Stored+t.Rejected > 0 {
			all = append(all, fmt.Sprintf("%s/%s %d-%d", t.Category, t.Name, t.Stored, t.Rejected))
		}
	}
	return strings.Join(all, ", ")
}

func TestTypesAreCountedAndRegistered(t *testing.T) {
	fx := newFixture(t)
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	view := func(id string) string { return anEvent(id, aSession, "page", "view", "2025-01-01T00:00:00Z") }
	fx.putEvents("shop", at, view("1"), view("2"), view("3"), `{"event_id":"4","category":"page","name":"view","session_id":1}`)
	fx.putEvents("blog", at.Add(time.Hour), view("5"), anEvent("6", aSession, "odd", "one", "2025-01-01T00:00:00Z"),
		`{"event_id":"7","category":7}`, `{"event_id":"8","name":"view"}`)
	used := fx.asOperator(http.StatusCreated, "PUT", "/v1/schemas/page/view", `{}`).Revision
	idle := fx.asOperator(http.StatusCreated, "PUT", "/v1/schemas/page/leave", `{}`).Revision
	used = fx.asOperator(http.StatusOK, "PUT", "/v1/schemas/page/view", `{"type":"object"}`, "If-Match", strconv.FormatUint(used, 10)).Revision
	eventually(t, "the schemas are in force", func() bool { return fx.status().Registry.Revision >= used })

	all := "?from=2026-01-01T00:00:00Z&to=2026-01-01T02:00:00Z"
	want := typeList{
		From: "2026-01-01T00:00:00.000000Z", To: "2026-01-01T02:00:00.000000Z",
		Types: []typeItem{
			{Rejected: 1, ShareRejected: 1, LastSeen: "2026-01-01T01:00:00.000000Z"},
			{Name: "view", Rejected: 1, ShareRejected: 1, LastSeen: "2026-01-01T01:00:00.000000Z"},
			{Category: "odd", Name: "one", Stored: 1, LastSeen: "2026-01-01T01:00:00.000000Z"},
			{Category: "page", Name: "leave", Registered: true, SchemaVersion: idle},
			{
				Category: "page", Name: "view", Registered: true, SchemaVersion: used, Stored: 4, Rejected: 1,
				ShareRejected: 0.2, LastSeen: "2026-01-01T01:00:00.000000Z",
			},
		},
	}
	got := fx.listTypes(operator, all)
	// The range has the first hour in its first twelve parts.
	viewed := got.Types[len(got.Types)-1]
	if viewed.FirstSeen != "2026-01-01T00:00:00.000000Z" || viewed.Series[0] != 4 || viewed.Series[12] != 1 {
		t.Errorf("%+v", viewed)
	}
	for i := range got.Types {
		got.Types[i].FirstSeen, got.Types[i].Series = "", nil
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("types (-want +got):\n%s", diff)
	}
	const shop, blog = "page/view 3-1", "/ 0-1, /view 0-1, odd/one 1-0, page/view 1-0"
	for _, c := range []struct{ token, params, want string }{
		{operator, all + "&application=shop", shop},
		{operator, all + "&application=blog", blog},
		{operator, "?from=2026-01-01T00:00:00.000001Z&to=2026-01-01T02:00:00Z", blog},
		{operator, "?from=2026-01-01T00:00:00Z&to=2026-01-01T01:00:00Z", shop},
		{operator, "?to=2026-01-07T00:30:00Z", "/ 0-1, /view 0-1, odd/one 1-0, page/view 4-1"}, // seven days
		{operator, "?to=2026-01-08T00:30:00Z", blog},
		{operator, "?from=2026-01-01T00:30:00Z", blog}, // until now
		{operator, "", ""}, // nothing came lately
		{analyst, all, "/ 0-1, /view 0-1, odd/one 1-0, page/view 4-1"},
		{shopOnly, all, shop},
		{shopOnly, all + "&application=shop", shop},
		{noApplication, all, ""},
	} {
		if got := fx.listTypes(c.token, c.params).counts(); got != c.want {
			t.Errorf("%s as %s: %s, want %s", c.params, c.token, got, c.want)
		}
	}
	for _, params := range []string{"?from=2999-01-01T00:00:00Z", "?from=x", "?limit=1", "?category=a", "?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z"} {
		if resp, body := fx.do(http.MethodGet, operator, "/v1/types"+params); resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d %s", params, resp.StatusCode, body)
		}
	}
}

// The default range is the last seven days.
func TestTypesOfTheLastSevenDays(t *testing.T) {
	fx := newFixture(t)
	now := time.Now()
	fx.putEvents("shop", now.Add(-6*24*time.Hour), anEvent("in", aSession, "c", "in", "2025-01-01T00:00:00Z"))
	fx.putEvents("shop", now.Add(-8*24*time.Hour), anEvent("out", aSession, "c", "out", "2025-01-01T00:00:00Z"))
	got := fx.listTypes(operator, "")
	if got.counts() != "c/in 1-0" {
		t.Errorf("%+v", got)
	}
	from, err := time.Parse(time.RFC3339, got.From)
	if err != nil {
		t.Fatal(err)
	}
	to, err := time.Parse(time.RFC3339, got.To)
	if err != nil || to.Sub(from) != 7*24*time.Hour || to.Before(now.Add(-time.Millisecond)) || to.After(time.Now()) {
		t.Errorf("from %s to %s, error %v", got.From, got.To, err)
	}
}
