package httpapi

import (
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/queryapi/access"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/httpserver"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/registry/editor"
)

func TestIfMatchIsThePrecondition(t *testing.T) {
	for value, want := range map[string]editor.Precondition{`"12"`: 12, "12": 12, ` "0" `: 0, "*": editor.Present, "9223372036854775807": 1<<63 - 1} {
		for _, optional := range []bool{false, true} {
			r := httptest.NewRequest(http.MethodPut, "/", http.NoBody)
			r.Header.Set(api.HeaderIfMatch, value)
			if c, err := parseChange(r, access.Principal{ID: "o"}, optional); c.Match != want || c.By.Author != "o" || err != nil {
				t.Errorf("%q: %+v, %v", value, c, err)
			}
		}
	}
	r := httptest.NewRequest(http.MethodPut, "/", http.NoBody)
	for optional, want := range map[bool]editor.Precondition{false: 0, true: editor.Any} {
		if c, err := parseChange(r, access.Principal{}, optional); c.Match != want || err != nil {
			t.Errorf("without If-Match: %+v, %v", c, err)
		}
	}
	if _, err := parseRemoval(r, access.Principal{}); err == nil {
		t.Error("a removal without If-Match")
	}
}

// stalledBody is a body that does not arrive.
type stalledBody struct{ err error }

func (s stalledBody) Read([]byte) (int, error) { return 0, s.err }

func TestRejectsStalledBody(t *testing.T) {
	for want, cause := range map[int]error{408: os.ErrDeadlineExceeded, 400: errors.New("reset")} {
		r := httptest.NewRequest(http.MethodPut, "/", stalledBody{cause})
		_, err := readBody(r, 10)
		var f *httpserver.Failure
		if !errors.As(err, &f) || f.Status != want {
			t.Errorf("%v: %v", cause, err)
		}
	}
}

func TestPathParametersAreUnescapedOnce(t *testing.T) {
	for target, want := range map[string][]string{
		"/v1/schemas/a%2Fb/c%252F/history": {"a/b", "c%2F"},
		"/v1/schemas///history":            {"", ""},
		"/v1/schemas/a/b":                  nil,
		"/v1/schemas/a/b/c/history":        nil,
		"/v1/schemas/%ff/b/history":        nil,
	} {
		got, err := pathParams(httptest.NewRequest(http.MethodGet, target, http.NoBody), routeSchemaHistory)
		if (err == nil) != (want != nil) || !cmp.Equal(got, want) {
			t.Errorf("%s: %q, %v", target, got, err)
		}
	}
}

// A body has exactly the members of its type in the wire contract.
func TestBodiesHaveTheMembersOfTheContract(t *testing.T) {
	settings := jsonNames(reflect.TypeFor[api.KeySettings]())
	for name, c := range map[string]struct {
		contract []string
		read     []string
	}{
		"KeySettings":    {settings, sortedKeys(keyReaders(&registry.KeySettings{}))},
		"NewApplication": {jsonNames(reflect.TypeFor[api.NewApplication]()), append(sortedKeys(keyReaders(&registry.KeySettings{})), "name")},
		"NewToken":       {jsonNames(reflect.TypeFor[api.NewToken]()), sortedKeys(tokenReaders(&registry.Token{}))},
		"ReplayRequest":  {jsonNames(reflect.TypeFor[api.ReplayRequest]()), sortedKeys(replayReaders(&job.Job{}, new(bool)))},
		"AuditRequest":   {jsonNames(reflect.TypeFor[api.AuditRequest]()), sortedKeys(auditReaders(&job.Job{}))},
	} {
		slices.Sort(c.contract)
		slices.Sort(c.read)
		if diff := cmp.Diff(c.contract, c.read); diff != "" {
			t.Errorf("%s (-contract +read):\n%s", name, diff)
		}
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// jsonNames returns the names of the JSON members of a struct, those of embedded
// structs included.
func jsonNames(t reflect.Type) []string {
	var names []string
	for field := range t.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if field.Anonymous && name == "" {
			names = append(names, jsonNames(field.Type)...)
			continue
		}
		names = append(names, name)
	}
	return names
}
