package analytics

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/theeye/theeye/test/analytics/oracle"
)

// question is one request with the answer that it must get.
type question struct {
	method, target, body string
	// check compares the answer with the oracle's.
	check func(tree map[string]any) error
}

// compare asks some random questions, after everything that was written.
func (s *schedule) compare(n int) error {
	s.in.clock.advance(3 * time.Second) // answers must be as of now
	w := s.model.world(s.in.clock.now())
	for i := range n {
		ask := askers[i%len(askers)]
		if n < len(askers) {
			ask = pick(s.generator, askers...)
		}
		q := ask(s, w)
		a := s.askRepaired(q.method, q.target, q.body)
		tree, err := a.tree()
		if err == nil {
			err = q.check(tree)
		}
		if err != nil {
			return fmt.Errorf("%s %s %s: %w", q.method, q.target, q.body, err)
		}
	}
	return s.compareExport(w)
}

// askRepaired asks again while damaged files are rebuilt, which is one answer for each
// at most.
func (s *schedule) askRepaired(method, target, body string) (a answer) {
	for range 50 {
		a = s.in.ask(method, s.token(), target, body)
		if a.status != http.StatusServiceUnavailable || !s.damaged {
			break
		}
		s.in.clock.advance(3 * time.Second)
	}
	return a
}

// token reads both applications; questions of one name it.
func (s *schedule) token() string { return tokenOf(s.pair, "both") }

// askers make one question of each kind.
var askers = []func(*schedule, *oracle.World) question{
	(*schedule).askEvents, (*schedule).askRejected,
	(*schedule).askTimeseries, (*schedule).askTop, (*schedule).askTypes, (*schedule).askFunnel,
	(*schedule).askRetention, (*schedule).askPaths, (*schedule).askSessions, (*schedule).askSession, (*schedule).askFields, (*schedule).askBatch,
}

// scope returns a random scope and its parameters.
func (s *schedule) scope() (oracle.Scope, url.Values) {
	now := s.in.clock.now()
	zone, err := time.LoadLocation(pick(s.generator, zones...))
	if err != nil {
		panic(err)
	}
	sc := oracle.Scope{Applications: s.apps, Zone: zone, Filters: s.filters(2, now)}
	sc.From, sc.To = s.ranges(now)
	v := url.Values{"from": {sc.From.Format(time.RFC3339)}, "to": {sc.To.Format(time.RFC3339)}}
	if zone.String() != "UTC" {
		v.Set("tz", zone.String())
	}
	if s.chance(60) {
		sc.Applications = []string{pick(s.generator, s.apps...)}
		v.Set("application", sc.Applications[0])
	}
	if s.chance(20) {
		sc.Name = pick(s.generator, names...)
		v.Set("name", sc.Name)
	}
	if s.chance(10) {
		sc.Category = s.present().category
		v.Set("category", sc.Category)
	}
	if s.chance(10) {
		sc.Session = pick(s.generator, sessions...)
		v.Set("session_id", sc.Session)
	}
	if len(sc.Filters) > 0 {
		v["filter"] = oracle.Texts(sc.Filters)
	}
	return sc, v
}

// same compares trees; members of got that want has not are left out.
func same(got map[string]any, want any) error {
	for _, member := range []string{"from", "to", "tz", "as_of", "interval", "metric", "field", "group_by", "by", "note"} {
		delete(got, member)
	}
	if oracle.Canonical(got) == oracle.Canonical(want) {
		return nil
	}
	return errors.New(strings.Join(differences("", got, want), "\n"))
}

// differences lists the places where two trees differ.
func differences(at string, got, want any) (list []string) {
	g, isObject := got.(map[string]any)
	w, wantsObject := want.(map[string]any)
	a, isArray := got.([]any)
	b, wantsArray := want.([]any)
	switch {
	case oracle.Canonical(got) == oracle.Canonical(want):
	case isObject && wantsObject:
		for _, name := range slices.Sorted(maps.Keys(maps.Collect(concat(g, w)))) {
			list = append(list, differences(at+"."+name, g[name], w[name])...)
		}
	case isArray && wantsArray && len(a) == len(b):
		for i := range a {
			list = append(list, differences(fmt.Sprint(at, "[", i, "]"), a[i], b[i])...)
		}
	default:
		g, _ := json.Marshal(got)
		w, _ := json.Marshal(want)
		list = []string{fmt.Sprintf("%s is %s, want %s", at, g, w)}
	}
	return list
}

func concat(a, b map[string]any) iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		for name, v := range a {
			if !yield(name, v) {
				return
			}
		}
		for name, v := range b {
			if !yield(name, v) {
				return
			}
		}
	}
}

func get(path string, v url.Values, check func(tree map[string]any) error) question {
	return question{"GET", path + "?" + v.Encode(), "", check}
}

// askEvents asks for pages of events, which are answered from the store.
func (s *schedule) askEvents(w *oracle.World) question {
	sc, v := s.scope()
	v.Del("tz")
	v.Set("limit", "1000")
	return get("/v1/events", v, func(tree map[string]any) error {
		var ids []string
		list, _ := tree["events"].([]any)
		for _, e := range list {
			object, _ := e.(map[string]any)
			ids = append(ids, fmt.Sprint(object["application"], "/", object["event_id"]))
		}
		if want := w.Selected(&sc); !slices.Equal(ids, want) {
			return fmt.Errorf("got %v want %v", ids, want)
		}
		return nil
	})
}

func (s *schedule) askTimeseries(w *oracle.World) question {
	q := oracle.Timeseries{Interval: pick(s.generator, "day", "day", "hour", "week", "month", "minute"), Top: 10}
	var v url.Values
	q.Scope, v = s.scope()
	if q.Interval == "minute" && q.To.Sub(q.From) > 30*time.Hour {
		q.Interval = "day"
	}
	v.Set("interval", q.Interval)
	q.Metric = pick(s.generator, "events", "sessions", "sum", "avg", "min", "max", "p50", "p90", "p95", "p99")
	v.Set("metric", q.Metric)
	if q.Metric != "events" && q.Metric != "sessions" {
		q.Field = pick(s.generator, numeric...)
		v.Set("field", q.Field)
	}
	if s.chance(60) {
		q.GroupBy, q.Top = pick(s.generator, anyField...), 1+s.IntN(4)
		v.Set("group_by", q.GroupBy)
		v.Set("top", strconv.Itoa(q.Top))
	}
	if q.Previous = s.chance(30); q.Previous {
		v.Set("compare", "previous")
	}
	return get("/v1/stats/timeseries", v, func(tree map[string]any) error { return same(tree, q.Answer(w)) })
}

func (s *schedule) askTop(w *oracle.World) question {
	q := oracle.Top{Field: pick(s.generator, anyField...), Metric: pick(s.generator, "events", "sessions"), Limit: 1 + s.IntN(5)}
	var v url.Values
	q.Scope, v = s.scope()
	v.Set("field", q.Field)
	v.Set("metric", q.Metric)
	v.Set("limit", strconv.Itoa(q.Limit))
	if s.chance(30) {
		q.Prefix = pick(s.generator, "a", "s", "u", "left")
		v.Set("prefix", q.Prefix)
	}
	return get("/v1/stats/top", v, func(tree map[string]any) error { return same(tree, q.Answer(w)) })
}

// receivedRange returns a range of received time and its parameters.
func (s *schedule) receivedRange() (apps []string, from, to time.Time, v url.Values) {
	from, to = s.ranges(s.in.clock.now())
	apps, v = s.apps, url.Values{"from": {from.Format(time.RFC3339)}, "to": {to.Format(time.RFC3339)}}
	if s.chance(60) {
		apps = []string{pick(s.generator, s.apps...)}
		v.Set("application", apps[0])
	}
	return apps, from, to, v
}

func (s *schedule) askTypes(w *oracle.World) question {
	apps, from, to, v := s.receivedRange()
	return get("/v1/types", v, func(tree map[string]any) error {
		got := map[string]any{}
		list, _ := tree["types"].([]any)
		for _, e := range list {
			object, _ := e.(map[string]any)
			name := fmt.Sprint(object["category"], " / ", object["name"])
			for _, member := range []string{"category", "name", "registered", "schema_version"} {
				delete(object, member)
			}
			got[name] = object
		}
		return same(got, w.Types(apps, from, to))
	})
}

func (s *schedule) askRejected(w *oracle.World) question {
	apps, from, to, v := s.receivedRange()
	return get("/v1/rejected/summary", v, func(tree map[string]any) error {
		got := map[string]any{}
		list, _ := tree["groups"].([]any)
		for _, e := range list {
			o, _ := e.(map[string]any)
			got[fmt.Sprint(o["application"], " ", o["category"], " / ", o["name"], " ", o["code"], " ", o["path"])] = map[string]any{
				"count": o["count"], "first_seen": o["first_seen"], "last_seen": o["last_seen"],
			}
		}
		total, groups := w.Rejected(apps, from, to)
		if fmt.Sprint(tree["total"]) != strconv.Itoa(total) {
			return fmt.Errorf("total %v, want %d", tree["total"], total)
		}
		return same(got, groups)
	})
}

func (s *schedule) askFunnel(w *oracle.World) question {
	now := s.in.clock.now()
	q := oracle.Funnel{
		By: pick(s.generator, "session_id", "data.user", "data.s"), Strict: s.chance(40), Top: 10,
		Window: pick(s.generator, 0, time.Minute, time.Hour, 24*time.Hour),
	}
	var v url.Values
	q.Scope, v = s.scope()
	body := map[string]any{"by": q.By, "order": "ordered", "filters": oracle.Texts(q.Filters)}
	for name := range v {
		if name != "filter" {
			body[name] = v.Get(name)
		}
	}
	if q.Strict {
		body["order"] = "strict"
	}
	if q.Window > 0 {
		body["window"] = q.Window.String()
	}
	var steps []any
	for range 2 + s.IntN(3) {
		step := oracle.Step{Name: pick(s.generator, names...), Filters: s.filters(1, now)}
		q.Steps = append(q.Steps, step)
		steps = append(steps, map[string]any{"name": step.Name, "filters": oracle.Texts(step.Filters)})
	}
	body["steps"] = steps
	if s.chance(50) {
		q.GroupBy, q.Top = pick(s.generator, oneValue...), 1+s.IntN(3)
		body["group_by"], body["top"] = q.GroupBy, q.Top
	}
	raw, _ := json.Marshal(body)
	return question{"POST", "/v1/stats/funnel", string(raw), func(tree map[string]any) error {
		dropLabels(tree)
		return same(tree, q.Answer(w))
	}}
}

// dropLabels removes the labels of steps, at any depth.
func dropLabels(tree any) {
	switch tree := tree.(type) {
	case map[string]any:
		delete(tree, "label")
		for _, member := range tree {
			dropLabels(member)
		}
	case []any:
		for _, element := range tree {
			dropLabels(element)
		}
	}
}

func (s *schedule) askRetention(w *oracle.World) question {
	now := s.in.clock.now()
	q := oracle.Retention{
		By: pick(s.generator, "session_id", "data.user"), Interval: pick(s.generator, "day", "week", "month"), Periods: 1 + s.IntN(6),
		First: s.filters(1, now), Again: s.filters(1, now),
	}
	var v url.Values
	q.Scope, v = s.scope()
	v.Set("by", q.By)
	v.Set("interval", q.Interval)
	v.Set("periods", strconv.Itoa(q.Periods))
	v["first"], v["again"] = oracle.Texts(q.First), oracle.Texts(q.Again)
	return get("/v1/stats/retention", v, func(tree map[string]any) error {
		asOf, err := time.Parse(time.RFC3339, fmt.Sprint(tree["as_of"]))
		if err != nil {
			return err
		}
		return same(tree, q.Answer(w, asOf))
	})
}

func (s *schedule) askPaths(w *oracle.World) question {
	q := oracle.Paths{
		Match: []oracle.Filter{s.filter(s.in.clock.now())}, Backward: s.chance(50), Value: pick(s.generator, "type", "data.s", "data.user"),
		Depth: 1 + s.IntN(5), Top: 1 + s.IntN(3), Collapse: s.chance(50),
	}
	var v url.Values
	q.Scope, v = s.scope()
	v.Set("value", q.Value)
	v.Set("depth", strconv.Itoa(q.Depth))
	v.Set("top", strconv.Itoa(q.Top))
	v.Set("collapse", strconv.FormatBool(q.Collapse))
	v["start"] = oracle.Texts(q.Match)
	if q.Backward {
		v["end"] = v["start"]
		delete(v, "start")
	}
	return get("/v1/stats/paths", v, func(tree map[string]any) error {
		total, nodes, links := q.Answer(w)
		gotNodes, gotLinks, err := readGraph(tree)
		if err != nil {
			return err
		}
		if fmt.Sprint(tree["sessions"]) != strconv.Itoa(total) || !maps.Equal(gotNodes, nodes) || !maps.Equal(gotLinks, links) {
			return fmt.Errorf("got %v %v %v\nwant %v %v %v", tree["sessions"], gotNodes, gotLinks, total, nodes, links)
		}
		return nil
	})
}

// readGraph reads nodes and links by the names that the oracle gives them.
func readGraph(tree map[string]any) (nodes, links map[string]int, err error) {
	nodes, links = map[string]int{}, map[string]int{}
	type named struct{ step, name string }
	byID := map[string]named{}
	list, _ := tree["nodes"].([]any)
	for _, e := range list {
		o, _ := e.(map[string]any)
		n := named{step: fmt.Sprint(o["step"])}
		value, isValue := o["value"]
		switch {
		case o["ended"] == true:
			n.name = oracle.Ended
		case o["other"] == true:
			n.name = oracle.Other
		case o["missing"] == true:
			n.name = oracle.Missing
		case isValue:
			n.name = oracle.NodeName(value)
		default:
			return nil, nil, fmt.Errorf("a node without a name: %v", o)
		}
		byID[fmt.Sprint(o["id"])] = n
		nodes[n.step+" "+n.name] += number64(o["sessions"])
	}
	list, _ = tree["links"].([]any)
	for _, e := range list {
		o, _ := e.(map[string]any)
		from, to := byID[fmt.Sprint(o["from"])], byID[fmt.Sprint(o["to"])]
		links[from.step+" "+from.name+" > "+to.name] += number64(o["sessions"])
	}
	return nodes, links, nil
}

func number64(v any) int {
	n, _ := strconv.Atoi(fmt.Sprint(v))
	return n
}

func (s *schedule) askSessions(w *oracle.World) question {
	q := oracle.Sessions{Active: s.chance(50), Descending: s.chance(50), MinEvents: s.IntN(4), MinSeconds: pick(s.generator, 0, 0, 60, 36000)}
	var v url.Values
	q.Scope, v = s.scope()
	v.Del("tz")
	v.Set("by", "started")
	if q.Active {
		v.Set("by", "active")
	}
	v.Set("order", "asc")
	if q.Descending {
		v.Set("order", "desc")
	}
	if q.MinEvents > 0 {
		v.Set("min_events", strconv.Itoa(q.MinEvents))
	}
	if q.MinSeconds > 0 {
		v.Set("min_seconds", strconv.Itoa(q.MinSeconds))
	}
	v.Set("limit", strconv.Itoa(1+s.IntN(4)))
	return get("/v1/sessions", v, func(tree map[string]any) error {
		rows, err := s.followPages("/v1/sessions", v, tree)
		if err != nil {
			return err
		}
		return same(map[string]any{"rows": rows}, map[string]any{"rows": q.Answer(w)})
	})
}

// followPages returns the sessions of a page and of all that follow.
func (s *schedule) followPages(path string, v url.Values, tree map[string]any) ([]any, error) {
	rows := []any{}
	for range 20 {
		page, _ := tree["sessions"].([]any)
		rows = append(rows, page...)
		cursor, ok := tree["next_cursor"].(string)
		if !ok {
			return rows, nil
		}
		v.Set("cursor", cursor)
		a := s.askRepaired("GET", path+"?"+v.Encode(), "")
		var err error
		if tree, err = a.tree(); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("more pages than sessions")
}

func (s *schedule) askSession(w *oracle.World) question {
	id, app := pick(s.generator, sessions...), pick(s.generator, s.apps...)
	want := w.Timeline([]string{app}, id)
	v := url.Values{"application": {app}, "limit": {"1000"}}
	if want == nil { // an unknown session
		return s.askTop(w)
	}
	return get("/v1/sessions/"+id, v, func(tree map[string]any) error {
		var rows []any
		list, _ := tree["events"].([]any)
		for _, e := range list {
			o, _ := e.(map[string]any)
			rows = append(rows, map[string]any{"application": o["application"], "event_id": o["event_id"], "gap_seconds": o["gap_seconds"]})
		}
		return same(map[string]any{"rows": rows}, map[string]any{"rows": want})
	})
}
