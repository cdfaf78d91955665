package chaos

import (
	"fmt"
	"reflect"
	"sort"
)

// Document is an event as the query API returns it.
type Document struct {
	Application string         `json:"application"`
	EventID     string         `json:"event_id"`
	SessionID   string         `json:"session_id"`
	Category    string         `json:"category"`
	Name        string         `json:"name"`
	Status      string         `json:"status"`
	Data        map[string]any `json:"data"`
	Timestamp   string         `json:"timestamp"`
	Original    string         `json:"original"`
	Revision    uint64         `json:"revision"`
	Origin      struct {
		Epoch int64  `json:"epoch"`
		Seq   uint64 `json:"seq"`
	} `json:"origin"`
	Errors []struct {
		Code string `json:"code"`
	} `json:"errors"`
}

const codeConflict = "id_conflict"

func (d *Document) hasCode(code string) bool {
	for _, e := range d.Errors {
		if e.Code == code {
			return true
		}
	}
	return false
}

func (d *Document) marker() string {
	m, _ := d.Data["marker"].(string)
	return m
}

// Check compares the documents of a store with the entries sent and returns a
// sentence for every difference.
func (l *Ledger) Check(docs []*Document) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var findings []string
	report := func(format string, args ...any) { findings = append(findings, fmt.Sprintf(format, args...)) }

	found := map[string]*Document{}
	origins := map[string]string{}
	for _, d := range docs {
		m := d.marker()
		e := l.entries[m]
		if e == nil {
			report("unexpected: document %s was never sent", d.EventID)
			continue
		}
		if found[m] != nil {
			report("twice: content %s of event %s", m, d.EventID)
			continue
		}
		found[m] = d
		place := fmt.Sprintf("%d/%d", d.Origin.Epoch, d.Origin.Seq)
		if other := origins[place]; other != "" {
			report("one place, two documents: %s holds %s and %s", place, other, m)
		}
		origins[place] = m
		findings = append(findings, e.differencesFrom(d, l.expectedCode(e))...)
	}
	for _, e := range l.order {
		if e.accepted && found[e.Marker] == nil {
			report("missing: accepted event %q, content %s", e.EventID, e.Marker)
		}
	}
	findings = append(findings, l.checkOwners(found)...)
	sort.Strings(findings)
	return findings
}

// differencesFrom compares a document with the event it was made of, which code
// rejects, or nothing. An event that came second under its id is rejected
// whatever its content.
func (e *Entry) differencesFrom(d *Document, code string) []string {
	var out []string
	report := func(format string, args ...any) {
		out = append(out, fmt.Sprintf("event %q, content %s: ", e.EventID, e.Marker)+fmt.Sprintf(format, args...))
	}
	if e.EventID != "" && d.EventID != e.EventID {
		report("altered: event_id is %q", d.EventID)
	}
	got := Sent{EventID: e.EventID, SessionID: d.SessionID, Category: d.Category, Name: d.Name, Data: d.Data, Timestamp: d.Timestamp}
	if !reflect.DeepEqual(got, e.Want) {
		report("altered: %+v, sent %+v", got, e.Want)
	}
	switch {
	case d.hasCode(codeConflict):
		if d.Status != "rejected" {
			report("outcome: a conflict is %s", d.Status)
		}
	case code == "" && d.Status != "stored":
		report("outcome: a valid event is %s: %+v", d.Status, d.Errors)
	case code != "" && !(d.Status == "rejected" && d.hasCode(code)):
		report("outcome: want rejected as %s, got %s: %+v", code, d.Status, d.Errors)
	}
	if d.Status == "rejected" && d.Original != string(e.Body) {
		report("altered: the original of a rejected event is %q", d.Original)
	}
	return out
}

// checkOwners finds ids that are owned by no content or by several: of the
// contents sent under one id, one is validated and the others are conflicts.
func (l *Ledger) checkOwners(found map[string]*Document) []string {
	owners, held := map[string]int{}, map[string]bool{}
	for m, d := range found {
		id := l.entries[m].EventID
		if id == "" {
			if d.hasCode(codeConflict) {
				id = m // a derived id is of one content alone: never a conflict
			} else {
				continue
			}
		}
		held[id] = true
		if !d.hasCode(codeConflict) {
			owners[id]++
		}
	}
	var out []string
	for id := range held {
		if owners[id] != 1 {
			out = append(out, fmt.Sprintf("conflict: event id %s is owned by %d contents", id, owners[id]))
		}
	}
	return out
}
