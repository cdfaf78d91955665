package httpapi

import (
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/queryapi/access"
	"github.com/theeye/theeye/queryapi/analytics"
	"github.com/theeye/theeye/queryapi/problem"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/httpserver"
	"github.com/theeye/theeye/shared/query/filter"
)

const kindFunnel = "funnel"

// maxFunnelBody bounds the body of a funnel: ten steps with twenty filters of 4 KiB.
const maxFunnelBody = 1 << 20

// postFunnel answers POST /v1/stats/funnel.
func (s *service) postFunnel(w http.ResponseWriter, r *http.Request, p access.Principal) error {
	if _, err := parseParams(r, nil); err != nil {
		return err
	}
	raw, err := readBody(r, maxFunnelBody)
	if err != nil {
		return err
	}
	return s.answerFunnel(w, r, p, raw, "the body")
}

// getFunnel answers GET /v1/stats/funnel?q=: the body in base64url, so that a URL holds
// it.
func (s *service) getFunnel(w http.ResponseWriter, r *http.Request, p access.Principal) error {
	var q string
	err := httpserver.ParseQuery(r.URL.RawQuery, []string{"q"}, func(_, value string) string {
		q = value
		return ""
	})
	if err != nil {
		return err
	}
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(q, "="))
	if err != nil || len(raw) == 0 {
		return httpserver.BadRequest(api.CodeInvalidParameter, "parameter q must be the body of POST %s in base64url", api.PathFunnel)
	}
	return s.answerFunnel(w, r, p, raw, "parameter q")
}

func (s *service) answerFunnel(w http.ResponseWriter, r *http.Request, p access.Principal, raw []byte, place string) error {
	var object map[string]jsontext.Value
	if err := json.Unmarshal(raw, &object); err != nil || object == nil {
		return httpserver.BadRequest(event.CodeInvalidJSON, `%s must be an object {"steps":[…],…}: %v`, place, err)
	}
	for _, name := range []string{"id", "kind"} {
		if _, ok := object[name]; ok {
			return httpserver.BadRequest(api.CodeUnknownParameter, "there is no member %s here; it is one of a query of %s", name, api.PathStatsQuery)
		}
	}
	in, err := readStatsMembers(kindFunnel, object, funnelParams, funnelMembers)
	if err != nil {
		return err
	}
	return s.writeStatistic(w, r, p, in)
}

// stepMembers are the members of a step.
var stepMembers = []string{"label", "category", "name", "filters"}

// readFunnelSteps reads member steps.
func readFunnelSteps(in *statsInput) ([]analytics.FunnelStep, error) {
	var list []map[string]jsontext.Value
	err := json.Unmarshal(in.members["steps"], &list)
	if n := len(list); err != nil || n < analytics.MinFunnelSteps || n > analytics.MaxFunnelSteps {
		return nil, httpserver.BadRequest(api.CodeInvalidParameter, "member steps must be an array of %d to %d objects",
			analytics.MinFunnelSteps, analytics.MaxFunnelSteps)
	}
	steps := make([]analytics.FunnelStep, len(list))
	for i, object := range list {
		if steps[i], err = readFunnelStep(in, fmt.Sprintf("steps[%d]", i), object); err != nil {
			return nil, err
		}
	}
	return steps, nil
}

func readFunnelStep(in *statsInput, at string, object map[string]jsontext.Value) (step analytics.FunnelStep, err error) {
	texts := map[string]*string{"label": &step.Label, "category": &step.Category, "name": &step.Name}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		switch text, ok := texts[name]; {
		case ok:
			err = readStepText(at+"."+name, object[name], text)
		case name == "filters":
			step.Filter, err = readStepFilters(in, at+"."+name, object[name])
		default:
			err = httpserver.BadRequest(api.CodeUnknownParameter, "there is no member %s in %s; there are: %s",
				httpserver.QuoteShort(name), at, strings.Join(stepMembers, ", "))
		}
		if err != nil {
			return step, err
		}
	}
	if step.Category == "" && step.Name == "" && len(step.Filter) == 0 {
		return step, httpserver.BadRequest(api.CodeInvalidParameter, "member %s must have a category, a name or filters", at)
	}
	if step.Label == "" {
		step.Label = defaultLabel(&step)
	}
	return step, nil
}

func readStepText(at string, raw jsontext.Value, text *string) error {
	if raw.Kind() != '"' || json.Unmarshal(raw, text) != nil || *text == "" || utf8.RuneCountInString(*text) > event.MaxIDLength {
		return httpserver.BadRequest(api.CodeInvalidParameter, "member %s must be a string of 1 to %d characters", at, event.MaxIDLength)
	}
	return nil
}

func readStepFilters(in *statsInput, at string, raw jsontext.Value) (filter.Filter, error) {
	var texts []string
	if json.Unmarshal(raw, &texts) != nil || texts == nil {
		return nil, httpserver.BadRequest(api.CodeInvalidParameter, "member %s must be an array of texts", at)
	}
	f, err := filter.Parse(texts, in.clock.Now)
	if faulty := new(filter.Error); errors.As(err, &faulty) {
		return nil, problem.InvalidFilter(at, faulty)
	}
	return f, err
}

// defaultLabel names a step that has no label: by its type, else by its filters.
func defaultLabel(step *analytics.FunnelStep) string {
	switch {
	case step.Category != "" && step.Name != "":
		return step.Category + filter.TypeSeparator + step.Name
	case step.Category != "" || step.Name != "":
		return step.Category + step.Name
	}
	return strings.Join(step.Filter.Texts(), " and ")
}
