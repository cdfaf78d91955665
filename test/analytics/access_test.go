package analytics

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/theeye/theeye/test/analytics/oracle"
)

// wide is a range that has every event of a schedule in it.
const wide = "from=2026-10-01T00:00:00Z&to=2026-11-05T00:00:00Z"

// everyStatistic are requests for all of them, as GET or, with a body, as POST.
var everyStatistic = map[string]string{
	"/v1/stats/timeseries?interval=day&group_by=data.s&" + wide:                                "",
	"/v1/stats/timeseries?metric=sessions&group_by=application&compare=previous&" + wide:       "",
	"/v1/stats/timeseries?metric=p90&field=data.n&" + wide:                                     "",
	"/v1/stats/top?field=data.s&limit=1000&" + wide:                                            "",
	"/v1/stats/top?field=data.s&prefix=sec&" + wide:                                            "",
	"/v1/stats/top?field=application&" + wide:                                                  "",
	"/v1/stats/top?field=session_id&metric=sessions&" + wide:                                   "",
	"/v1/stats/retention?by=data.user&interval=day&" + wide:                                    "",
	"/v1/stats/paths?start=" + url.QueryEscape(`type exists`) + "&value=data.s&top=20&" + wide: "",
	"/v1/sessions?by=active&limit=1000&" + wide:                                                "",
	"/v1/sessions/" + sessions[0]:                                                              "",
	"/v1/types?" + wide:                                                                        "",
	"/v1/fields?limit=200&" + wide:                                                             "",
	"/v1/fields?prefix=data.secret&" + wide:                                                    "",
	"/v1/rejected/summary?" + wide:                                                             "",
	"/v1/export?" + wide:                                                                       "",
	"/v1/export?format=csv&" + wide:                                                            "",
	"/v1/stats/funnel":                                                                         `{"by":"data.user","from":"2026-10-01","to":"2026-11-05","steps":[{"name":"view"},{"name":"buy"}],"group_by":"data.s"}`,
	"/v1/stats/query":                                                                          `{"queries":[{"id":"1","kind":"top","field":"data.s","from":"2026-10-01","to":"2026-11-05"},{"id":"2","kind":"fields","from":"2026-10-01","to":"2026-11-05"},{"id":"3","kind":"sessions","by":"active","from":"2026-10-01","to":"2026-11-05"}]}`,
}

// showing is an answer: its status and body without moments, and its tag.
type showing struct{ text, tag string }

// shown is what a token is shown of everything.
func (s *schedule) shown(token string) map[string]showing {
	answers := map[string]showing{}
	for target, body := range everyStatistic {
		method := http.MethodGet
		if body != "" {
			method = http.MethodPost
		}
		a := s.in.ask(method, token, target, body)
		text := a.body
		if tree, err := a.tree(); err == nil && !strings.Contains(target, "export") {
			delete(tree, "as_of")
			results, _ := tree["results"].([]any)
			for _, r := range results {
				if o, ok := r.(map[string]any)["answer"].(map[string]any); ok {
					delete(o, "as_of")
				}
			}
			raw, _ := json.Marshal(tree)
			text = string(raw)
		}
		answers[target] = showing{http.StatusText(a.status) + " " + text, a.header.Get("ETag")}
	}
	return answers
}

// secretMessage is an event of the second application that shares session, type and
// visitor with the first, and has values and fields of its own.
func (s *schedule) secretMessage(i int) *message {
	m := s.newMessage()
	m.Application = s.apps[1]
	m.DocumentID = m.Application + "/" + m.ID
	m.Session, m.Name, m.Received = sessions[0], names[i%3], s.in.clock.now()
	m.Data = map[string]any{"s": "secret of the right", "secret": map[string]any{"path": i}, "user": "u1", "n": json.Number("100")}
	if i%4 == 0 {
		m.Name = "unknown"
	}
	m.encode()
	return m
}

// What a token is shown of its application does not depend on another application, which
// has the same sessions, visitors and values: no figure, sample, completion, tag or text
// of an error changes with it.
func TestStatisticsOfAnApplicationDoNotDependOnAnother(t *testing.T) {
	s := newSchedule(newInstallation(t), 0, 1)
	s.present().keep = 0
	var mine []*message
	for range 40 {
		m := s.newMessage()
		m.Application = s.apps[0]
		m.DocumentID = m.Application + "/" + m.ID
		mine = append(mine, m)
	}
	s.deliver(t.Context(), mine, s.present(), "left")
	s.refresh()
	left := tokenOf(0, "left")
	before := s.shown(left)
	// A tag changes when the parts of the application itself are merged, which happens
	// at any time: then a round says nothing of it, and another one does.
	for rounds, equalTags := 0, false; rounds < 3 || !equalTags; rounds++ {
		if rounds == 20 {
			t.Fatal("the tags changed in each of 20 rounds in which another application changed")
		}
		if rounds == 2 {
			s.in.clock.advance(20 * time.Minute) // the hours are sealed
			s.refresh()
		}
		tags := s.shown(left)
		var others []*message
		for i := range 30 {
			others = append(others, s.secretMessage(i))
		}
		s.deliver(t.Context(), others, s.present(), "right")
		s.refresh()
		after := s.shown(left)
		equalTags = true
		for _, target := range slices.Sorted(maps.Keys(before)) {
			if after[target].text != before[target].text {
				t.Errorf("%s: after the other application has changed\n%s\nbefore\n%s", target, after[target].text, before[target].text)
			}
			equalTags = equalTags && after[target].tag == tags[target].tag
			if strings.Contains(after[target].text, "right") || strings.Contains(after[target].text, "secret of") {
				t.Errorf("%s shows the other application: %s", target, after[target].text)
			}
			if !strings.HasPrefix(after[target].text, "OK ") {
				t.Errorf("%s: %s", target, after[target].text)
			}
		}
	}
	if own := s.shown(tokenOf(0, "right"))["/v1/stats/top?field=data.s&prefix=sec&"+wide].text; !strings.Contains(own, "secret of the right") {
		t.Errorf("its own token is shown %s", own)
	}
}

// A token learns nothing about an application that it does not read: not whether there
// is one.
func TestForbiddenApplicationsLookLikeUnknownOnes(t *testing.T) {
	s := newSchedule(newInstallation(t), 0, 1)
	s.ingest(t.Context())
	s.refresh()
	for target, body := range everyStatistic {
		if body != "" || strings.Contains(target, "application") {
			continue
		}
		separator := "?"
		if strings.Contains(target, "?") {
			separator = "&"
		}
		known := s.in.ask("GET", tokenOf(0, "left"), target+separator+"application="+s.apps[1], "")
		unknown := s.in.ask("GET", tokenOf(0, "left"), target+separator+"application=nothing", "")
		if known.status != http.StatusForbidden || known.status != unknown.status ||
			strings.ReplaceAll(known.body, s.apps[1], "nothing") != unknown.body {
			t.Errorf("%s: %d %s, of an unknown one %d %s", target, known.status, known.body, unknown.status, unknown.body)
		}
	}
	// Filters and groups by application do not widen the rows read.
	for _, query := range []string{
		"field=data.s&filter=" + url.QueryEscape(oracle.Filter{Field: "application", Op: "=", Value: s.apps[1]}.Text()),
		"field=application&prefix=right",
	} {
		a := s.in.ask("GET", tokenOf(0, "left"), "/v1/stats/top?"+query+"&"+wide, "")
		tree, err := a.tree()
		if values, _ := tree["values"].([]any); err != nil || len(values) != 0 {
			t.Errorf("%s: %v %s", query, err, a.body)
		}
	}
}
