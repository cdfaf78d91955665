package queryapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/store"
)

// onBothStores runs a test on SQLite and on MongoDB.
func onBothStores(t *testing.T, test func(t *testing.T, fx *fixture)) {
	t.Run("SQLite", func(t *testing.T) { test(t, newFixture(t)) })
	t.Run("MongoDB", func(t *testing.T) { test(t, newFixtureOnMongo(t)) })
}

// putTyped writes events with this data, rejected with a code, or stored without one.
func (fx *fixture) putTyped(application, category, name string, at time.Time, code string, data ...string) {
	fx.t.Helper()
	docs := make([]*store.Document, len(data))
	for i, d := range data {
		docs[i] = fx.document(application, at, fmt.Sprintf(`{"event_id":"%s-%s-%d","session_id":%q,"category":%q,"name":%q,"data":%s,"timestamp":%q}`,
			code, at.Format(time.RFC3339), i, aSession, category, name, d, at.Format(time.RFC3339Nano)))
		if code != "" {
			docs[i].Status, docs[i].SchemaVersion = store.Rejected, 0
			docs[i].Errors = []event.Fault{{Code: code, Message: "for this test"}}
		}
	}
	fx.writeDocuments(docs...)
}

// propose asks for a first schema.
func (fx *fixture) propose(token, target string) api.SchemaProposal {
	fx.t.Helper()
	return readStats[api.SchemaProposal](fx, token, target)
}

// expectProposal compares a proposed schema, without its head.
func expectProposal(t *testing.T, got api.SchemaProposal, want string) {
	t.Helper()
	var have, wanted map[string]any
	if err := json.Unmarshal(got.Schema, &have); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(want), &wanted); err != nil {
		t.Fatal(err)
	}
	if have["title"] != got.Category+": "+got.Name || have["type"] != "object" || !strings.Contains(fmt.Sprint(have["$schema"]), "draft-07") {
		t.Errorf("the head is that of %s", got.Schema)
	}
	delete(have, "$schema")
	delete(have, "title")
	delete(have, "type")
	if diff := cmp.Diff(wanted, have); diff != "" {
		t.Errorf("proposed (-want +got):\n%s", diff)
	}
}

// A type without a schema gets its first one from the events that were rejected for that,
// which are then valid; from stored ones, too.
func TestProposesSchemaOfUnknownType(t *testing.T) {
	onBothStores(t, func(t *testing.T, fx *fixture) {
		now := time.Now().Add(-time.Hour)
		data := []string{`{"total": 12, "__proto__": {"": null}}`, `{"total": 9007199254740993.5, "coupon": "\u0000"}`, `{"total": 1, "lines": [{"sku": "a"}, {"sku": 7}]}`}
		fx.putTyped("shop", "shop", "refund", now, "unknown_type", data...)
		fx.putTyped("shop", "shop", "refund", now, "invalid_timestamp", `{"total": "another reason"}`)
		fx.putTyped("blog", "shop", "refund", now, "unknown_type", `{"text": "another application"}`)
		path := typePath("shop", "refund")

		got := fx.propose(shopOnly, path+"/proposal")
		if got.Stored != 0 || got.Rejected != 3 || got.Counted != 0 || got.Truncated || got.Category != "shop" || got.Name != "refund" ||
			got.To.Sub(got.From.Time) != 7*24*time.Hour || time.Since(got.AsOf.Time).Abs() > time.Minute {
			t.Errorf("%+v", got)
		}
		expectProposal(t, got, `{"properties": {
			"total": {"type": "number"}, "coupon": {"type": "string"}, "__proto__": {"type": "object", "properties": {"": {"type": "null"}}, "required": [""]},
			"lines": {"type": "array", "items": {"type": "object", "properties": {"sku": {"type": ["integer", "string"]}}, "required": ["sku"]}}
		}, "required": ["total"]}`)
		verdicts := fx.asOperator(200, "POST", path+"/validate", fmt.Sprintf(`{"schema": %s, "data": [%s]}`, got.Schema, strings.Join(data, ",")))
		if strings.Contains(verdicts.raw, "errors") {
			t.Errorf("%s", verdicts.raw)
		}
		// What the UI can do, every token can do with its own events.
		if got := fx.propose(operator, path+"/proposal"); got.Rejected != 4 || strings.Contains(string(got.Schema), "required\":[\"total") {
			t.Errorf("of all applications: %s", got.Schema)
		}
		if got := fx.propose(analyst, path+"/proposal?application=blog"); got.Rejected != 1 || !strings.Contains(string(got.Schema), `"text"`) {
			t.Errorf("of blog: %s", got.Schema)
		}
		fx.putTyped("shop", "shop", "refund", now.Add(-time.Minute), "", `{"total": null}`)
		if got := fx.propose(shopOnly, path+"/proposal"); got.Stored != 1 || got.Rejected != 3 || !strings.Contains(string(got.Schema), `"total":{"type":["null","number"]}`) {
			t.Errorf("with a stored one: %s", got.Schema)
		}

		// Of a type with a schema stored events alone are read.
		put := fx.asOperator(201, "PUT", path, string(got.Schema))
		eventually(t, "the service has the schema", func() bool { return fx.revisionMetric() >= put.Revision })
		if got := fx.propose(shopOnly, path+"/proposal"); got.Stored != 1 || got.Rejected != 0 {
			t.Errorf("with a schema: %+v", got)
		}
		if f := fx.ask("GET", shopOnly, path+"/proposal?to=2d&from=30d", ""); f.status != http.StatusNotFound || f.Code != "no_events" || !strings.Contains(f.Detail, "has a schema") {
			t.Errorf("%s", f.raw)
		}
	})
}

// More stored events than are read widen the schema by what all of them have.
func TestProposalIsWidenedByAllStoredEvents(t *testing.T) {
	onBothStores(t, func(t *testing.T, fx *fixture) {
		now := time.Now().UTC().Truncate(time.Second)
		fx.putTyped("shop", "page", "old", now.Add(-2*time.Hour), "", `{"n": "old", "x": {"was": 1.5}}`, `{"n": 1, "all": true, "some": 1, "l": [1], "x": {}}`)
		fx.putTyped("shop", "page", "old", now.Add(-time.Hour), "", slices.Repeat([]string{`{"n": 1, "all": true, "some": 2, "l": [1], "x": {"is": 1}}`}, 1000)...)
		fx.awaitColumns()
		got := fx.propose(shopOnly, typePath("page", "old")+"/proposal")
		if got.Stored != 1000 || got.Rejected != 0 || got.Counted != 1002 || got.Truncated {
			t.Errorf("%d stored and %d rejected ones were read, %d counted, truncated %v", got.Stored, got.Rejected, got.Counted, got.Truncated)
		}
		expectProposal(t, got, `{"properties": {
			"n": {"type": ["number", "string"]}, "all": {"type": "boolean"}, "some": {"type": "number"}, "l": {"type": "array"},
			"x": {"type": "object", "properties": {"is": {"type": "number"}, "was": {"type": "number"}}}
		}, "required": ["n"]}`)
		// All that a shorter range has is read.
		got = fx.propose(shopOnly, typePath("page", "old")+"/proposal?from=90m")
		if got.Stored != 1000 || got.Counted != 0 || !strings.Contains(string(got.Schema), `"items":{"type":"integer"}`) {
			t.Errorf("%d counted: %s", got.Counted, got.Schema)
		}
	})
}

// The range, the rights and the number of events are bounded.
func TestProposalIsBounded(t *testing.T) {
	fx := newFixture(t)
	fx.putTyped("shop", ".", "..", time.Now().Add(-10*24*time.Hour), "unknown_type", `{"a": 1}`)
	const dotted = "/v1/schemas/-/-/proposal?category=.&name=.."
	if got := fx.propose(shopOnly, dotted+"&from=20d"); got.Rejected != 1 || got.Category != "." || got.Name != ".." {
		t.Errorf("%+v", got)
	}
	// The newest are read where there are more.
	fx.putTyped("shop", "a", "b", time.Now().Add(-2*time.Hour), "unknown_type", `{"oldest": 1}`)
	fx.putTyped("shop", "a", "b", time.Now().Add(-time.Hour), "unknown_type", slices.Repeat([]string{`{"newer": 1}`}, 1000)...)
	if got := fx.propose(shopOnly, typePath("a", "b")+"/proposal"); got.Rejected != 1000 || strings.Contains(string(got.Schema), "oldest") {
		t.Errorf("%d are read: %s", got.Rejected, got.Schema)
	}
	for _, c := range []struct {
		token, target string
		status        int
		code          string
	}{
		{shopOnly, dotted, 404, "no_events"}, // the last seven days
		{noApplication, dotted + "&from=20d", 404, "no_events"},
		{shopOnly, dotted + "&from=20d&application=blog", 403, "application_not_allowed"},
		{"", dotted, 401, "unauthorized"},
		{shopOnly, typePath("c", strings.Repeat("n", 201)) + "/proposal", 400, "invalid_parameter"},
		{shopOnly, typePath("c", "n") + "/proposal?from=now&to=7d", 400, "invalid_parameter"},
		{shopOnly, typePath("c", "n") + "/proposal?application=A", 400, "invalid_parameter"},
		{shopOnly, typePath("c", "n") + "/proposal?name=x", 400, "unknown_parameter"},
		{shopOnly, typePath("c", "n") + "/proposal?filter=data.a%3D1", 400, "unknown_parameter"},
		{shopOnly, typePath("c", "n") + "/proposal?from=1d&from=2d", 400, "repeated_parameter"},
	} {
		if f := fx.ask("GET", c.token, c.target, ""); f.status != c.status || f.Code != c.code || f.Detail == "" {
			t.Errorf("%s: %d %s", c.target, f.status, f.raw)
		}
	}
	if f := fx.ask("GET", shopOnly, dotted, ""); !strings.Contains(f.Detail, "give a parameter from") {
		t.Errorf("no cure: %s", f.Detail)
	}
}
