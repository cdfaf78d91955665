package httpapi

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/queryapi/admin"
	"github.com/theeye/theeye/queryapi/apidoc"
	"github.com/theeye/theeye/shared/api"
)

// The document has the operations of this API and those of the collector.
func TestRoutesAreDocumented(t *testing.T) {
	var document struct{ Paths map[string]map[string]any }
	if err := json.Unmarshal(apidoc.Document(), &document); err != nil {
		t.Fatal(err)
	}
	// Names of path parameters may differ.
	parameter := regexp.MustCompile(`:[^/]+|\{[^}]+\}`)
	served := []string{
		"POST " + api.PathEvents, "OPTIONS " + api.PathEvents, "POST " + api.PathValidate, "OPTIONS " + api.PathValidate,
		"POST " + api.PathSegmentBatch, "OPTIONS " + api.PathSegmentBatch,
		"POST " + api.PathCloudEvents, "OPTIONS " + api.PathCloudEvents,
		"POST " + api.PathSnowplow, "OPTIONS " + api.PathSnowplow, "GET " + api.PathSnowplowImage,
		"GET " + api.PathPixel, "GET " + api.PathTracker, "POST /beacon/v1/batch", "POST " + api.PathSegmentMetrics,
		"GET " + parameter.ReplaceAllString(api.PathSegmentSettings, "{}"), "GET " + api.PathSourceConfig,
		"POST /v1/track", "POST /v1/page", "POST /v1/screen", "POST /v1/identify", "POST /v1/group", "POST /v1/alias",
	}
	for _, e := range (&service{admin: admin.New(admin.Config{})}).endpoints() {
		served = append(served, e.Method+" "+parameter.ReplaceAllString(e.Pattern, "{}"))
	}
	var documented []string
	for path, item := range document.Paths {
		for method := range item {
			if method != "parameters" {
				documented = append(documented, strings.ToUpper(method)+" "+parameter.ReplaceAllString(path, "{}"))
			}
		}
	}
	slices.Sort(served)
	slices.Sort(documented)
	if diff := cmp.Diff(served, documented); diff != "" {
		t.Errorf("operations (-served +documented):\n%s", diff)
	}
}

// Codes are contracts: a client finds each in the document.
func TestEveryCodeIsDocumented(t *testing.T) {
	document := string(apidoc.Document())
	codes := []string{
		api.CodeUnknownParameter, api.CodeRepeatedParameter, api.CodeInvalidQuery, api.CodeInvalidCursor, api.CodeMethodNotAllowed,
		api.CodeStoreUnavailable, api.CodeQueryTimeout, api.CodeInternal, api.CodeBodyIncomplete, api.CodeBodyTimeout,
		api.CodeBodyTooLarge, api.CodeInvalidHeader, api.CodeUnsupportedEncoding, api.CodeInvalidDeclaration,
		api.CodePreconditionRequired, api.CodeRevisionConflict,
	}
	for _, code := range slices.AppendSeq(codes, maps.Keys(statuses)) {
		if !strings.Contains(document, "`"+code+"`") {
			t.Errorf("%s is not in the document", code)
		}
	}
}

// Every call has the parameters that the document gives it, and no others.
func TestParametersAreDocumented(t *testing.T) {
	var document struct {
		Paths map[string]map[string]struct {
			Parameters []struct {
				Ref  string `json:"$ref"`
				Name string
				In   string
			}
		}
	}
	if err := json.Unmarshal(apidoc.Document(), &document); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string][]string{
		"/v1/events": eventsParams, "/v1/events/{event_id}": eventParams, "/v1/sessions/{session_id}": sessionParams,
		"/v1/rejected": rejectedParams, "/v1/rejected/summary": summaryParams,
		"/v1/types": typesParams, "/v1/fields": fieldsParams, "/v1/stats/timeseries": timeseriesParams, "/v1/stats/top": topParams, "/v1/export": exportParams, "/v1/live": liveParams, "/v1/status": nil,
		"/v1/schemas": nil, "/v1/schemas/{category}/{name}": versionParams, "/v1/schemas/{category}/{name}/proposal": proposalParams, "/v1/schemas/{category}/{name}/history": historyParams,
		"/v1/policy": versionParams, "/v1/policy/history": historyParams, "/v1/applications": nil, "/v1/applications/{application}": nil,
		"/v1/tokens": nil, "/v1/tokens/{token_id}": nil, "/v1/changes": changesParams,
	} {
		var got, queried, wantQueried []string
		for _, name := range queryable {
			if strings.Contains(path, "{"+name+"}") {
				wantQueried = append(wantQueried, name)
			}
		}
		for _, p := range document.Paths[path]["get"].Parameters {
			name := p.Name + strings.TrimPrefix(p.Ref, "#/components/parameters/") // one is empty
			if in, ok := strings.CutPrefix(name, "queried_"); ok {
				queried = append(queried, in)
				continue
			}
			if p.In != "path" && p.In != "header" && !strings.HasPrefix(name, "path_") && !strings.HasPrefix(name, "type_") {
				got = append(got, strings.TrimPrefix(strings.TrimPrefix(name, "change_"), "stats_"))
			}
		}
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("%s: the document has %v, the service %v", path, got, want)
		}
		if !slices.Equal(queried, wantQueried) {
			t.Errorf("%s: in place of segments the document has %v, the service %v", path, queried, wantQueried)
		}
	}
}
