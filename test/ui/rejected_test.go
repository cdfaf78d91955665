package ui

import (
	"fmt"
	"strings"
	"testing"
)

// shownRejected are the groups, the reason that is open and its event.
const shownRejected = `[...document.querySelectorAll(".group, .explained, .sample, .chip")].map((e) => e.innerText.replace(/\d+ \w+ ago|just now/g, "")).join("|")`

// violations opens the events that break the schema of page views.
func (p *page) violations() {
	p.t.Helper()
	p.await(`document.querySelectorAll(".group").length >= 3`)
	p.press("j") // the rows are reached by keys
	p.await(`document.activeElement.classList.contains("group")`)
	p.clickText(".group", "schema_violation")
	p.awaitText(".sample h3", "Event")
}

func TestRejected(t *testing.T) {
	f := newFixture(t)
	p := f.open(t, "/ui/rejected?"+pinned)
	p.violations()
	p.awaitText("[aria-label='The schema of this type'] mark", `"path"`)
	p.checkScreen("rejected")
	p.checkSame(shownRejected)

	// The call of the panel returns the same figures.
	var summary struct {
		Total  int
		Groups []struct {
			Code   string
			Count  int
			Series []int
		}
	}
	p.curl("Reasons", &summary)
	if shown := strings.ReplaceAll(p.text(".panel-note .total"), ",", ""); shown != fmt.Sprint(summary.Total) {
		t.Errorf("the panel shows %s, its call returns %d", shown, summary.Total)
	}
	counts := evaluate[[]string](p, `[...document.querySelectorAll(".group-count")].map((e) => e.innerText)`)
	for i, g := range summary.Groups {
		if strings.ReplaceAll(counts[i], ",", "") != fmt.Sprint(g.Count) || len(g.Series) != 24 {
			t.Errorf("row %d shows %s, the call returns %+v", i, counts[i], g)
		}
	}

	// The event names the place, the schema has the keyword.
	if fault := p.text(".faults"); !strings.Contains(fault, "/data/path") || !strings.Contains(fault, "missing") {
		t.Errorf("the event shows %s", fault)
	}
	if mark := p.text("[aria-label='The event as it was received'] mark"); mark != `"data"` {
		t.Errorf("the event marks %s", mark)
	}
	if at := p.text("figcaption .path"); at != "/required/1" {
		t.Errorf("the schema marks %s", at)
	}
	first := p.text(".sample h3")
	p.click(`button[aria-label="Older event"]`)
	p.await(fmt.Sprintf(`document.querySelector(".sample h3").innerText !== %s`, quote(first)))
	p.checkSame(shownRejected)
	p.click(`button[aria-label="Newer event"]`)
	p.await(fmt.Sprintf(`document.querySelector(".sample h3").innerText === %s`, quote(first)))

	// By the present schema they stay rejected.
	p.clickText("button", "Would a replay mend it?")
	p.awaitText(".inset", "they stay rejected")
	p.checkScreen("rejected-dry-run")
	p.checkSame(`document.querySelector(".figures")?.innerText ?? ""`)

	// Other reasons.
	p.clickText(".group", "unknown_type")
	p.awaitText(".explained", "No schema is registered")
	p.awaitText("figure", "No schema is registered for")
	p.clickText(".group", "invalid_timestamp")
	p.awaitText(".explained", "The timestamp is no time")
}

// A reason is shown however many newer events have its code at another place.
func TestReasonOlderThanOthersOfItsCode(t *testing.T) {
	f := newOperatorFixture(t)
	f.put(t, "travel", "hotel", `{"properties": {"nights": {"type": "number"}, "stars": {"type": "number"}}}`, 0)
	var newer strings.Builder
	event := func(i int, data string) string {
		return fmt.Sprintf(`{"event_id": "hotel-%d", "session_id": "0193b5c2-7c1a-7000-8000-000000000000", "category": "travel", "name": "hotel", "data": %s}`+"\n", i, data)
	}
	f.sendEvents(t, event(0, `{"nights": "two"}`))
	for i := range 250 { // more than the screen asks for
		newer.WriteString(event(i+1, `{"stars": "five"}`))
	}
	f.sendEvents(t, newer.String())
	p := f.open(t, "/ui/rejected?from=7d&to=now&tz=UTC")
	p.clickText(".group", "/data/nights")
	p.awaitText(".sample h3", "hotel-0")
	p.awaitText(".faults", "/data/nights")
	if call := p.text(".group-panel .panel-note"); call != "1" {
		t.Errorf("the panel says %q of one event", call)
	}
}

// What the address restricts is shown, and lifted one by one.
func TestRejectedIsRestricted(t *testing.T) {
	p := newFixture(t).open(t, "/ui/rejected?"+pinned+"&category=page+interaction&name=pageview&code=schema_violation")
	p.await(`document.querySelectorAll(".group").length === 1 && document.querySelectorAll(".chip").length === 3`)
	p.checkSame(shownRejected)
	p.click(`button[aria-label="Remove code"]`)
	p.await(`document.querySelectorAll(".group").length === 2`)
	p.click(`button[aria-label="Reasons: table"]`)
	p.await(`document.querySelectorAll("table tbody tr").length === 2`)
	p.checkAccessibility()
}

// Without a rejected event the screen says so, and an analyst is offered no replay.
func TestNothingIsRejected(t *testing.T) {
	f := newFixture(t)
	p := f.open(t, "/ui/rejected?from=2020-01-01&to=2020-01-02&tz=UTC")
	p.awaitText(".empty", "Nothing was rejected")
	p.click(".empty .link")
	p.await(`document.querySelectorAll(".group").length >= 3`)

	analyst := f.openAs(t, analystToken, "/ui/rejected?"+pinned)
	analyst.violations()
	if shown := analyst.text(".group-panel"); strings.Contains(shown, "Replay") || strings.Contains(shown, "Schema") {
		t.Errorf("an analyst is offered %s", shown)
	}
}
