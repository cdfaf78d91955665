package queryapi_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	hostSchema = `{"type":"object","properties":{"host":{"type":"string"}},"required":["host"]}`
	pathSchema = `{"type":"object","properties":{"path":{"type":"string"}},"required":["path"]}`
)

// One type from its first schema to its removal and back.
func TestSchemaIsPutShownAndRemoved(t *testing.T) {
	fx := newFixture(t)
	path := typePath("page interaction", "pageview")
	if list := fx.asOperator(200, "GET", "/v1/schemas", ""); len(list.Schemas) != 0 {
		t.Fatalf("%s", list.raw)
	}
	fx.asOperator(404, "GET", path, "")
	fx.asOperator(404, "GET", path+"/history", "")

	first := fx.asOperator(201, "PUT", path, hostSchema, "X-Eye-Note", "the first one")
	if first.Category != "page interaction" || first.Name != "pageview" || first.header.Get("ETag") != quoted(first.Revision) {
		t.Errorf("%s %v", first.raw, first.header)
	}
	if same := fx.asOperator(200, "PUT", path, hostSchema, "If-Match", quoted(first.Revision)); same.Revision != first.Revision {
		t.Errorf("equal content made revision %d of %d", same.Revision, first.Revision)
	}
	if f := fx.asOperator(412, "PUT", path, pathSchema); f.Code != "revision_conflict" || f.Revision != first.Revision ||
		f.header.Get("ETag") != quoted(first.Revision) {
		t.Errorf("%s %v", f.raw, f.header)
	}
	fx.asOperator(412, "PUT", path, pathSchema, "If-Match", quoted(first.Revision+7))
	second := fx.asOperator(200, "PUT", path, pathSchema, "If-Match", quoted(first.Revision))
	if second.Revision <= first.Revision {
		t.Errorf("revision %d after %d", second.Revision, first.Revision)
	}

	got := fx.asOperator(200, "GET", path, "")
	if got.raw != pathSchema || got.header.Get("ETag") != quoted(second.Revision) || got.header.Get("Content-Type") != "application/schema+json" {
		t.Errorf("%s %v", got.raw, got.header)
	}
	if at, err := http.ParseTime(got.header.Get("Last-Modified")); err != nil || time.Since(at) > time.Hour {
		t.Errorf("Last-Modified %v", got.header)
	}
	if old := fx.asOperator(200, "GET", path+"?revision="+strings.Trim(quoted(first.Revision), `"`), ""); old.raw != hostSchema ||
		old.header.Get("ETag") != quoted(first.Revision) {
		t.Errorf("%s %v", old.raw, old.header)
	}
	fx.asOperator(404, "GET", path+"?revision=999", "")
	head := fx.asOperator(200, "HEAD", path, "")
	if head.raw != "" || head.header.Get("ETag") != quoted(second.Revision) {
		t.Errorf("HEAD: %q %v", head.raw, head.header)
	}

	if f := fx.asOperator(428, "DELETE", path, ""); f.Code != "precondition_required" {
		t.Errorf("%s", f.raw)
	}
	fx.asOperator(412, "DELETE", path, "", "If-Match", quoted(first.Revision))
	gone := fx.asOperator(200, "DELETE", path, "", "If-Match", quoted(second.Revision), "X-Eye-Note", "not used")
	fx.asOperator(404, "GET", path, "")
	fx.asOperator(404, "GET", path+"?revision="+strings.Trim(quoted(gone.Revision), `"`), "")
	fx.asOperator(200, "GET", path+"?revision="+strings.Trim(quoted(second.Revision), `"`), "")
	fx.asOperator(404, "DELETE", path, "", "If-Match", "*")
	again := fx.asOperator(201, "PUT", path, hostSchema)

	history := fx.asOperator(200, "GET", path+"/history", "")
	if diff := cmp.Diff([]entry{
		{Revision: again.Revision, Author: "o"},
		{Revision: gone.Revision, Author: "o", Note: "not used", Removed: true},
		{Revision: second.Revision, Author: "o"},
		{Revision: first.Revision, Author: "o", Note: "the first one"},
	}, timeless(t, history.Versions)); diff != "" || history.NextCursor != nil {
		t.Errorf("history: %s %s", diff, history.raw)
	}
	eventually(t, "the service is at the last revision", func() bool { return fx.revisionMetric() == again.Revision })
	list := fx.asOperator(200, "GET", "/v1/schemas", "")
	if len(list.Schemas) != 1 || list.Schemas[0].Name != "pageview" || list.Schemas[0].Revision != again.Revision || list.Revision != again.Revision {
		t.Errorf("%s", list.raw)
	}
}

// timeless removes the times of entries, which must be within this hour.
func timeless(t *testing.T, entries []entry) []entry {
	t.Helper()
	for i := range entries {
		if at, err := time.Parse(time.RFC3339, entries[i].Time); err != nil || time.Since(at).Abs() > time.Hour {
			t.Errorf("time %q", entries[i].Time)
		}
		entries[i].Time = ""
	}
	return entries
}

// Pages of a history contain every version once, also while versions are made.
func TestPagesOfAHistoryHaveEveryVersionOnce(t *testing.T) {
	fx := newFixture(t)
	path := typePath("c", "n")
	match := []string{}
	var want []uint64
	for i := range 7 {
		body := strings.Replace(hostSchema, "{", `{"title":"`+strings.Repeat("x", i)+`",`, 1)
		put := fx.ask("PUT", operator, path, body, match...)
		match = []string{"If-Match", quoted(put.Revision)}
		want = append([]uint64{put.Revision}, want...)
		// The list is never older than a change that was answered.
		if list := fx.asOperator(200, "GET", "/v1/schemas", ""); list.Revision < put.Revision {
			t.Errorf("revision %d after %d was made", list.Revision, put.Revision)
		}
	}
	var got []uint64
	target := path + "/history?limit=3"
	for cursor := ""; ; {
		page := fx.asOperator(200, "GET", target+cursor, "")
		for _, v := range page.Versions {
			got = append(got, v.Revision)
		}
		if page.NextCursor == nil {
			break
		}
		cursor = "&cursor=" + *page.NextCursor
		put := fx.asOperator(200, "PUT", path, strings.Replace(hostSchema, "{", `{"title":"`+cursor[8:30]+`",`, 1), match...)
		match = []string{"If-Match", quoted(put.Revision)}
		// A cursor belongs to one list.
		for _, other := range []string{typePath("c", "other") + "/history?limit=3", "/v1/policy/history?limit=3", "/v1/changes?limit=3", "/v1/events?limit=3"} {
			if f := fx.asOperator(400, "GET", other+cursor, ""); f.Code != "invalid_cursor" {
				t.Errorf("%s: %s", other, f.raw)
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("history: %s", diff)
	}
}

// The schema of a type with any characters is found under its path, and under no
// other.
func TestFindsSchemaOfAnyTypeName(t *testing.T) {
	fx := newFixture(t)
	names := []string{
		"a/b", ".", "..", "*", ">", "a b", "%", "%2F", "%2f", "ключ", "👁", "history", "a.b.c", "$KV", "a+b", "a;b", "a?b#c", `"`, "'", "=", "\\",
		"\t", "a\nb", "\x00", "\u2028", "policy", strings.Repeat("n", 200),
	}
	for _, name := range names {
		path := typePath(name, name)
		made := fx.asOperator(201, "PUT", path, strings.Replace(hostSchema, "{", `{"description":"d",`, 1))
		if made.Name != name || made.Category != name {
			t.Errorf("%q became %s", name, made.raw)
		}
		if got := fx.asOperator(200, "GET", path, ""); got.header.Get("ETag") != quoted(made.Revision) {
			t.Errorf("%q: %v", name, got.header)
		}
		if got := fx.asOperator(200, "GET", path+"/history", ""); len(got.Versions) != 1 {
			t.Errorf("%q: %s", name, got.raw)
		}
	}
	list := fx.asOperator(200, "GET", "/v1/schemas", "")
	if len(list.Schemas) != len(names) {
		t.Errorf("%d types of %d", len(list.Schemas), len(names))
	}
	for _, s := range list.Schemas {
		fx.asOperator(200, "DELETE", typePath(s.Category, s.Name), "", "If-Match", quoted(s.Revision))
	}
	if list := fx.asOperator(200, "GET", "/v1/schemas", ""); len(list.Schemas) != 0 {
		t.Errorf("%s", list.raw)
	}
	for _, path := range []string{
		typePath(strings.Repeat("c", 201), "n"), typePath("c", strings.Repeat("👁", 201)), "/v1/schemas/%FF/n",
	} {
		if f := fx.asOperator(400, "PUT", path, hostSchema); f.Code != "invalid_parameter" {
			t.Errorf("%s: %s", path, f.raw)
		}
	}
	// Escaped, these are longer than a key of a bucket may be.
	fx.asOperator(422, "PUT", typePath(strings.Repeat("👁", 200), "n"), hostSchema)
	for _, path := range []string{"/v1/schemas/c", "/v1/schemas/c/n/x", "/v1/schemas/c/n/history/x", "/v1/schemas//n", "/v1/schemas/c/"} {
		fx.asOperator(404, "GET", path, "")
	}
}

// Names that a browser cannot send as segments stand in the query.
func TestFindsSchemaOfTypeNamedInQuery(t *testing.T) {
	fx := newFixture(t)
	for _, c := range []struct{ path, query, category, name string }{
		{"/v1/schemas/-/-", "category=.&name=..", ".", ".."},
		{"/v1/schemas/c/-", "name=..", "c", ".."},
		{"/v1/schemas/-/n", "category=a%2Fb", "a/b", "n"},
		{"/v1/schemas/-/-", "name=x", "-", "x"},
		{"/v1/schemas/-/-", "", "-", "-"},
	} {
		made := fx.asOperator(201, "PUT", c.path+"?"+c.query, hostSchema)
		if made.Category != c.category || made.Name != c.name {
			t.Errorf("%s?%s became %s", c.path, c.query, made.raw)
		}
		for _, target := range []string{c.path + "?revision=" + fmt.Sprint(made.Revision) + "&" + c.query, typePath(c.category, c.name)} {
			if got := fx.asOperator(200, "GET", target, ""); got.header.Get("ETag") != quoted(made.Revision) {
				t.Errorf("%s: %v", target, got.header)
			}
		}
		if got := fx.asOperator(200, "GET", c.path+"/history?limit=1&"+c.query, ""); len(got.Versions) != 1 {
			t.Errorf("%s?%s: %s", c.path, c.query, got.raw)
		}
		fx.asOperator(200, "POST", c.path+"/validate?"+c.query, `{"schema": `+hostSchema+`, "data": [{"host": "a"}]}`)
		fx.asOperator(200, "DELETE", c.path+"?"+c.query, "", "If-Match", quoted(made.Revision))
		fx.asOperator(404, "GET", typePath(c.category, c.name), "")
	}
	for target, code := range map[string]string{
		"/v1/schemas/c/n?name=x":                           "unknown_parameter",
		"/v1/schemas/c/-?category=x":                       "unknown_parameter",
		"/v1/schemas/c/-?name=x&name=y":                    "unknown_parameter",
		"/v1/schemas/c/-?name=%FF":                         "invalid_parameter",
		"/v1/schemas/c/-?name=" + strings.Repeat("n", 201): "invalid_parameter",
	} {
		if f := fx.asOperator(400, "GET", target, ""); f.Code != code {
			t.Errorf("%s: %s", target, f.raw)
		}
	}
}

// Data is validated by a schema that is not put, and nothing changes.
func TestDraftIsValidated(t *testing.T) {
	fx := newFixture(t)
	path := typePath("page interaction", "pageview")
	got := fx.asOperator(200, "POST", path+"/validate", `{"schema": `+hostSchema+`, "data": [{"host": "a"}, {}, 3, {"host": 1}]}`)
	want := `{"results":[{"index":0},` +
		`{"index":1,"errors":[{"code":"schema_violation","path":"/data/host","message":"the member is missing"}]},` +
		`{"index":2,"errors":[{"code":"invalid_data","path":"/data","message":"data is a number, not an object"}]},` +
		`{"index":3,"errors":[{"code":"schema_violation","path":"/data/host","message":"must be of type string, not integer"}]}]}`
	if strings.TrimSpace(got.raw) != want {
		t.Errorf("%s, want %s", got.raw, want)
	}
	fx.asOperator(404, "GET", path, "")
	for body, path := range map[string]string{
		`{"schema": {"type": "strin"}, "data": []}`:           "/type",
		`{"schema": {"x-eye-supersedes": "a"}}`:               "/x-eye-supersedes",
		`{"data": [{}]}`:                                      "",
		`{"schema": {}, "data": {}}`:                          "/data",
		`{"schema": {}, "data": [` + list(101, "{}") + `]}`:   "/data",
		`{"schema": {}, "data": [], "events": [{"data": 1}]}`: "/events",
	} {
		refused := fx.asOperator(422, "POST", typePath("a", "b")+"/validate", body)
		if refused.Code != "invalid_declaration" || !strings.Contains(refused.raw, `"path":"`+path+`"`) {
			t.Errorf("%.80s: %s", body, refused.raw)
		}
	}
	// A hundred elements that together take more work than one request may cost.
	dear := `{"schema": {"properties": {"a": {"items": {"pattern": "` + strings.Repeat("a.*", 30) + `b$"}}}}, "data": [` +
		list(90, `{"a": [`+list(20, `"`+strings.Repeat("a", 500)+`"`)+`]}`) + `]}`
	if refused := fx.asOperator(413, "POST", path+"/validate", dear); refused.Code != "too_costly" {
		t.Errorf("%s", refused.raw)
	}
}

func list(n int, element string) string {
	return strings.TrimSuffix(strings.Repeat(element+",", n), ",")
}
