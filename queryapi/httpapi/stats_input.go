package httpapi

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/queryapi/access"
	"github.com/theeye/theeye/queryapi/analytics"
	"github.com/theeye/theeye/queryapi/analytics/interval"
	"github.com/theeye/theeye/queryapi/problem"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/httpserver"
	"github.com/theeye/theeye/shared/query/filter"
	"github.com/theeye/theeye/shared/stream"
	"github.com/theeye/theeye/shared/when"
)

// commonParams are the parameters of every statistic about stored events.
var commonParams = []string{"application", "category", "name", "session_id", "filter", "from", "to", "tz"}

// repeatableParams are those that may stand several times. In a body they are arrays of
// texts.
var repeatableParams = []string{"filter", "first", "again", "start", "end"}

// statsInput holds the parameters of one statistic, wherever they came from, and reads
// them. It keeps the first fault. It is for one goroutine.
type statsInput struct {
	kind   string
	values map[string]string
	lists  map[string][]string
	// members are those of a body that are no parameters.
	members map[string]jsontext.Value
	clock   when.Clock
	// read are the values as they count, by parameter: what an ETag is made of.
	read map[string]string
	err  error
}

func newStatsInput(kind string) *statsInput {
	return &statsInput{
		kind: kind, values: map[string]string{}, lists: map[string][]string{}, members: map[string]jsontext.Value{},
		clock: when.Clock{Now: time.Now().Truncate(time.Microsecond)}, read: map[string]string{},
	}
}

// readStatsQuery takes the parameters of a query string.
func readStatsQuery(r *http.Request, kind string, allowed []string) (*statsInput, error) {
	in := newStatsInput(kind)
	err := httpserver.ParseQuery(r.URL.RawQuery, allowed, func(name, value string) string {
		in.addText(name, value)
		return ""
	}, repeatableParams...)
	return in, err
}

func (in *statsInput) addText(name, value string) {
	if slices.Contains(repeatableParams, name) {
		in.lists[name] = append(in.lists[name], value)
		return
	}
	in.values[name] = value
}

// readStatsMembers takes the members of an object of a body: those that are parameters
// as text, number or boolean, filters and their like as arrays of texts, and structured
// ones as they are.
func readStatsMembers(kind string, object map[string]jsontext.Value, allowed, structured []string) (*statsInput, error) {
	in := newStatsInput(kind)
	for _, name := range slices.Sorted(maps.Keys(object)) {
		raw, parameter := object[name], name
		if name == "filters" {
			parameter = "filter"
		}
		switch {
		case name == "id" || name == "kind":
		case slices.Contains(structured, name):
			in.members[name] = raw
		case !slices.Contains(allowed, parameter) || name == "filter":
			return nil, httpserver.BadRequest(api.CodeUnknownParameter, "there is no member %s here; there are: %s",
				httpserver.QuoteShort(name), strings.Join(memberNames(slices.Concat(allowed, structured)), ", "))
		default:
			if fault := in.addParameter(parameter, raw); fault != "" {
				return nil, httpserver.BadRequest(api.CodeInvalidParameter, "member %s %s", name, fault)
			}
		}
	}
	return in, nil
}

// memberNames are the names of parameters in a body.
func memberNames(params []string) []string {
	names := slices.Clone(params)
	for i := range names {
		if names[i] == "filter" {
			names[i] = "filters"
		}
	}
	return names
}

func (in *statsInput) addParameter(parameter string, raw jsontext.Value) (fault string) {
	if slices.Contains(repeatableParams, parameter) {
		var list []string
		if json.Unmarshal(raw, &list) != nil || list == nil {
			return "must be an array of texts"
		}
		in.lists[parameter] = list
		return ""
	}
	switch raw.Kind() {
	case '"':
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			return "must be a text"
		}
		in.values[parameter] = text
	case '0', 't', 'f':
		in.values[parameter] = string(raw)
	default:
		return "must be a text, a number or a boolean"
	}
	return ""
}

// fail keeps the first fault of a parameter.
func (in *statsInput) fail(name, format string, args ...any) {
	if in.err == nil {
		in.err = httpserver.BadRequest(api.CodeInvalidParameter, "parameter %s %s", name, fmt.Sprintf(format, args...))
	}
}

// readText returns the value of a parameter, and whether it is given.
func (in *statsInput) readText(name string) (string, bool) {
	v, ok := in.values[name]
	if ok {
		in.read[name] = v
	}
	return v, ok
}

// word returns one of a few words, the default without the parameter.
func (in *statsInput) word(name, otherwise string, words ...string) string {
	v, ok := in.readText(name)
	if !ok {
		return otherwise
	}
	if !slices.Contains(words, v) {
		in.fail(name, "must be one of %s", strings.Join(words, ", "))
	}
	return v
}

// number returns a whole number from 1 to most, the default without the parameter.
func (in *statsInput) number(name string, otherwise, most int) int {
	v, ok := in.readText(name)
	if !ok {
		return otherwise
	}
	n, err := strconv.ParseUint(v, 10, 31)
	if err != nil || n < 1 || int(n) > most || len(v) > 1 && v[0] == '0' {
		in.fail(name, "must be an integer from 1 to %d", most)
		return otherwise
	}
	return int(n)
}

// short returns a text of at most event.MaxIDLength characters, "" without the
// parameter.
func (in *statsInput) short(name string) string {
	v, ok := in.readText(name)
	if n := utf8.RuneCountInString(v); ok && (n < 1 || n > event.MaxIDLength || !utf8.ValidString(v)) {
		in.fail(name, "must be a string of 1 to %d characters", event.MaxIDLength)
	}
	return v
}

// maxFieldBytes bounds the spelling of a field.
const maxFieldBytes = 4 << 10

// field returns a field of events, nil without the parameter.
func (in *statsInput) field(name string) *filter.Field {
	v, ok := in.readText(name)
	if !ok {
		return nil
	}
	if len(v) > maxFieldBytes {
		in.fail(name, "must have at most %d bytes", maxFieldBytes)
		return nil
	}
	f, err := filter.ParseField(v)
	if err != nil {
		in.fail(name, "must be a field as in filters, such as type or data.path: %v", err)
		return nil
	}
	in.read[name] = f.String()
	return &f
}

// conditions returns the filter of a parameter that may repeat.
func (in *statsInput) conditions(name string) filter.Filter {
	f, err := filter.Parse(in.lists[name], in.clock.Now)
	var faulty *filter.Error
	switch {
	case err == nil || in.err != nil:
	case errors.As(err, &faulty):
		in.err = problem.InvalidFilter(name, faulty)
	default:
		in.err = err
	}
	if len(f) > 0 {
		in.read[name] = f.String()
	}
	return f
}

// application returns the one application that is asked for, "" for all.
func (in *statsInput) application() string {
	v, ok := in.readText("application")
	if ok && !stream.ValidApplication(v) {
		in.fail("application", "must be the name of an application, [a-z0-9][a-z0-9-]{0,31}")
	}
	return v
}

// zone reads tz, in which dates and intervals are; UTC without it.
func (in *statsInput) zone() *time.Location {
	v, ok := in.readText("tz")
	if !ok {
		return time.UTC
	}
	zone, err := interval.LoadZone(v)
	if err != nil {
		in.fail("tz", "must be the IANA name of a time zone, such as Europe/Berlin or UTC")
		return time.UTC
	}
	return zone
}

// timeRange reads from and to. Without to the range ends at present, without from it
// begins defaultWindow before its end.
func (in *statsInput) timeRange() (from, to time.Time) {
	to = in.clock.Now.UTC()
	if v, ok := in.readText("to"); ok {
		to = in.time("to", v)
	}
	from = to.Add(-defaultWindow)
	if v, ok := in.readText("from"); ok {
		from = in.time("from", v)
	}
	_, ended := in.values["to"]
	switch {
	case from.After(to) && !ended:
		in.fail("from", "is in the future; give parameter to as well")
	case from.After(to):
		in.fail("from", "(%s) must not be after parameter to (%s)", event.FormatTime(from), event.FormatTime(to))
	}
	in.read["from"], in.read["to"] = from.String(), to.String()
	return from, to
}

func (in *statsInput) time(name, v string) time.Time {
	t, err := in.clock.Parse(v)
	if err != nil {
		in.fail(name, "%v", err)
	}
	return bounding(t)
}

// scope reads the common parameters. The applications are those of the principal.
func (in *statsInput) scope(s *service, p access.Principal) analytics.Scope {
	zone := in.zone()
	in.clock.Zone = zone
	scope := analytics.Scope{Location: zone, Category: in.short("category"), Name: in.short("name"), Filter: in.conditions("filter")}
	scope.From, scope.To = in.timeRange()
	if v, ok := in.readText("session_id"); ok {
		if scope.SessionID, ok = event.ParseUUID(v); !ok {
			in.fail("session_id", "must be %s", wantUUID)
		}
	}
	scope.Applications = in.applications(s, p)
	return scope
}

// applications returns the applications of a question: the one asked for, or all that
// the principal may read.
func (in *statsInput) applications(s *service, p access.Principal) []string {
	name := in.application()
	if in.err != nil {
		return nil
	}
	names, err := p.RestrictToNamed(name)
	if err != nil {
		in.err = err
		return nil
	}
	if name == "" && p.Applications == nil {
		// Those that the registry does not know any more have events, too.
		names = slices.Compact(slices.Sorted(slices.Values(slices.Concat(names, s.analytics.Applications()))))
	}
	in.read["applications"] = strings.Join(names, " ")
	return names
}
