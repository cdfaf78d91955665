package ui

import (
	"fmt"
	"strings"
	"testing"
)

func TestStatus(t *testing.T) {
	f := newFixture(t)
	p := f.open(t, "/ui/status?from=7d&to=now&tz=UTC")
	p.await(`document.querySelectorAll(".checks li").length === 7`)
	p.await(`document.querySelectorAll(".checks .not-met").length === 0`)
	p.awaitText(".panel-note", "all are met")
	p.awaitText(".services", "processor")
	p.checkScreen("status")
	p.checkSame(`[...document.querySelectorAll(".checks strong, .status-columns h2, .services td:first-child")].map((e) => e.innerText).join("|")`)
	var status struct {
		Stream   struct{ Messages int }
		Services []struct{ Service string }
	}
	p.curl("Checks", &status)
	if shown := p.text(".status-columns .facts dd"); strings.ReplaceAll(shown, ",", "") != fmt.Sprint(status.Stream.Messages) {
		t.Errorf("the screen shows %s messages, the call returns %d", shown, status.Stream.Messages)
	}
	if rows := evaluate[int](p, `document.querySelectorAll(".services tbody tr").length`); rows != len(status.Services) {
		t.Errorf("the screen shows %d services, the call returns %d", rows, len(status.Services))
	}
	p.awaitText(`[aria-label="Applications that fell silent"]`, "None")
	p.click(`button[aria-label="Checks: table"]`)
	p.await(`document.querySelectorAll("table[class=table] tbody tr").length >= 7`)
}

// What an operator may do is not offered to an analyst, also by its address.
func TestOperatorsScreensNeedTheirToken(t *testing.T) {
	p := newFixture(t).openAs(t, analystToken, "/ui/status?from=7d&to=now&tz=UTC")
	p.awaitText("#main", "needs an operator token")
	side := p.text(".side")
	for _, title := range []string{"Schemas", "Replays", "Audits", "Status", "Access", "Policy", "Changes"} {
		if strings.Contains(side, title) {
			t.Errorf("an analyst is offered %s", title)
		}
	}
}

func TestChanges(t *testing.T) {
	f := newOperatorFixture(t)
	p := f.open(t, "/ui/changes?from=7d&to=now&tz=UTC")
	p.awaitText(".version-row", "travel / booking")
	p.clickText(".version-row", "travel / booking")
	p.awaitText(".version-open .diff", `"total"`)
	p.checkScreen("changes")
	p.checkSame(`document.querySelector("#main").innerText`)
	var list struct {
		Changes []struct{ Author, Note string }
	}
	p.curl("Changes of the registry", &list)
	if rows := evaluate[int](p, `document.querySelectorAll(".version-row").length`); rows != len(list.Changes) || list.Changes[0].Note != "by a colleague" {
		t.Errorf("the screen has %d rows, the call returns %+v", rows, list.Changes)
	}
	p.clickText(".version-open a", "Open the schema")
	p.awaitText(".crumbs", "travel / booking")
	p.run(back)
	p.choose("Kind of change", "policy")
	p.awaitText(".empty", "Nothing was changed of kind policy")
}

// The policy is changed with a reason; faults of the server and another's change are shown.
func TestPolicy(t *testing.T) {
	f := newOperatorFixture(t)
	p := f.open(t, "/ui/policy?from=7d&to=now&tz=UTC")
	p.awaitText("h2", "the default one")
	p.await(`document.querySelector(".policy-text").value.includes("future_skew")`)
	p.checkScreen("policy")
	p.fill(".policy-text", `{"future_skew": "10m",`)
	p.awaitText("form .fault", "Line 1")
	p.expect("422")
	p.fill(".policy-text", `{"future_skew": "soon"}`)
	p.submit("form button[type=submit]")
	p.awaitText("form .fault", "/future_skew")
	p.fill(".policy-text", `{"future_skew": "10m", "unknown_types": "reject"}`)
	p.awaitText(".diff", `"10m"`)
	p.checkSame(`document.querySelector(".policy-text").value`)
	p.fill("input[name=note]", "clocks of <i>kiosks</i>")
	p.submit("form button[type=submit]")
	p.awaitText(".versions", "clocks of <i>kiosks</i>")
	var policy struct {
		FutureSkew string `json:"future_skew"`
	}
	if err := f.get(t.Context(), "/v1/policy", &policy); err != nil || policy.FutureSkew != "10m" {
		t.Errorf("the policy is %+v (%v)", policy, err)
	}
	// Another operator is faster.
	p.fill(".policy-text", `{"future_skew": "20m", "unknown_types": "reject"}`)
	var list struct{ Versions []struct{ Revision int } }
	if err := f.get(t.Context(), "/v1/policy/history", &list); err != nil {
		t.Fatal(err)
	}
	f.change(t, "PUT", "/v1/policy", `{"future_skew": "10m", "unknown_types": "store"}`, list.Versions[0].Revision)
	p.expect("412")
	p.submit("form button[type=submit]")
	p.awaitText(".conflict", "was saved meanwhile")
	p.checkAccessibility()
	p.clickText(".conflict button", "Keep my text")
	p.fill(".policy-text", `{"future_skew": "20m", "unknown_types": "store"}`)
	p.submit("form button[type=submit]")
	p.await(`document.querySelectorAll(".versions .version-row").length === 3`)
}
