package analytics

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/theeye/theeye/test/analytics/oracle"
)

// leaves are the fields of the data that events have.
var leaves = []string{"data.n", "data.s", "data.user", "data.tags", "data.o.p", "data.items", `data."a.b"`}

func (s *schedule) askFields(w *oracle.World) question {
	sc, v := s.scope()
	sc.Filters, sc.Session = nil, ""
	v.Del("filter")
	v.Del("session_id")
	v.Del("tz")
	return get("/v1/fields", v, func(tree map[string]any) error {
		if n := len(w.Selected(&sc)); number64(tree["events"]) != n {
			return fmt.Errorf("events %v, want %d", tree["events"], n)
		}
		list, _ := tree["fields"].([]any)
		var listed []string
		for _, e := range list {
			object, _ := e.(map[string]any)
			path := fmt.Sprint(object["path"])
			listed = append(listed, path)
			for _, member := range []string{"path", "distinct_exact", "in_schema", "required"} {
				delete(object, member)
			}
			if err := same(object, w.Field(&sc, path)); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
		}
		for _, path := range leaves {
			if want := number64(w.Field(&sc, path)["present"]) > 0; want != slices.Contains(listed, path) {
				return fmt.Errorf("%s is listed: %t", path, !want)
			}
		}
		return nil
	})
}

// askBatch asks for several statistics at once.
func (s *schedule) askBatch(w *oracle.World) question {
	kinds := map[string]func(*schedule, *oracle.World) question{
		"timeseries": (*schedule).askTimeseries, "top": (*schedule).askTop, "types": (*schedule).askTypes,
		"retention": (*schedule).askRetention, "paths": (*schedule).askPaths, "fields": (*schedule).askFields,
	}
	var questions []question
	var queries []any
	for range 1 + s.IntN(4) {
		kind := pick(s.generator, "timeseries", "top", "types", "retention", "paths", "fields")
		q := kinds[kind](s, w)
		_, raw, _ := strings.Cut(q.target, "?")
		v, _ := url.ParseQuery(raw)
		member := map[string]any{"kind": kind, "id": strconv.Itoa(len(queries))}
		for name, values := range v {
			switch name {
			case "filter":
				member["filters"] = values
			case "first", "again", "start", "end":
				member[name] = values
			default:
				member[name] = values[0]
			}
		}
		questions, queries = append(questions, q), append(queries, member)
	}
	body, _ := json.Marshal(map[string]any{"queries": queries})
	return question{"POST", "/v1/stats/query", string(body), func(tree map[string]any) error {
		results, _ := tree["results"].([]any)
		for i, q := range questions {
			o, _ := results[i].(map[string]any)
			answer, _ := o["answer"].(map[string]any)
			if number64(o["status"]) != 200 {
				return fmt.Errorf("query %d: %v", i, o)
			}
			if err := q.check(answer); err != nil {
				return fmt.Errorf("query %d: %w", i, err)
			}
		}
		return nil
	}}
}
