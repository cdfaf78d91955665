package ui

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// submit presses the button of a form once it is enabled.
func (p *page) submit(selector string) {
	p.t.Helper()
	p.await(fmt.Sprintf(`document.querySelector(%s) && !document.querySelector(%s).disabled`, quote(selector), quote(selector)))
	p.click(selector)
}

// changed returns the figure of a report.
func (p *page) changed(change string) string {
	p.t.Helper()
	return p.text(".panel [data-change=" + change + "] dd")
}

// A replay is counted before it starts; its dry run leads to the same selection; its
// report is shown, and listed.
func TestReplays(t *testing.T) {
	f := newOperatorFixture(t)
	p := f.open(t, "/ui/replays?from=7d&to=now&tz=UTC")
	p.awaitText(".empty", "Nothing was replayed yet")
	p.clickText("a.button", "New replay")
	p.awaitText(".panel-note .total", "40")
	p.click("input[name=only]")
	p.awaitText(".panel-note .total", "11")
	p.run(chromedp.SendKeys("input[name=category]", "travel\t"), chromedp.SendKeys("input[name=code]", "schema_violation\t"))
	p.await(`location.search.includes("category=travel") && location.search.includes("code=schema_violation")`)
	p.awaitText(".panel-note .total", "11")
	p.checkScreen("replay-new")
	p.checkSame(`document.querySelector("#main").innerText`)
	var counted struct{ Total int }
	p.curl("What is replayed", &counted)
	if counted.Total != 11 {
		t.Errorf("the call counts %d events", counted.Total)
	}
	p.click("input[name=times]")
	p.await(`location.search.includes("times=all")`)
	p.awaitText(".panel-note .total", "11")
	p.click("input[name=times]")
	p.run(chromedp.SendKeys("input[name=rate]", "x"))
	p.awaitText("form .fault", "whole number")
	p.run(chromedp.KeyEvent("\b"), chromedp.SendKeys("input[name=rate]", "500"), chromedp.SendKeys("input[name=note]", "a “note”"))
	p.clickText("form button", "Dry run")
	p.awaitText(".job .badge", "Done")
	if still := p.changed("still_rejected"); still != "11" {
		t.Errorf("%s are still rejected", still)
	}
	p.checkScreen("replay")
	p.checkSame(`document.querySelector("#main").innerText`)
	var job struct {
		Report struct {
			StillRejected int `json:"still_rejected"`
		}
		Note string
	}
	p.curl("Dry run", &job)
	if job.Report.StillRejected != 11 || job.Note != "a “note”" {
		t.Errorf("the call returns %+v", job)
	}
	p.clickText("a.button", "Replay this selection")
	p.awaitText(".panel-note .total", "11")
	p.await(`document.querySelector("input[name=only]").checked && document.querySelector("input[name=code]").value === "schema_violation"`)
	p.clickText("form button", "Replay…")
	p.awaitText("dialog", "11 events of the selection")
	p.checkAccessibility()
	p.clickText("dialog button", "Not now")
	p.await(`!document.querySelector("dialog")`)
	p.clickText("form button", "Replay…")
	p.clickText("dialog button", "Replay")
	p.awaitText(".job .badge", "Done")
	p.clickText("a.button", "What is still rejected")
	p.await(`document.querySelectorAll(".group").length === 1`)
	p.run(chromedp.NavigateBack())
	p.clickText(".crumbs a", "Replays and dry runs")
	p.await(`document.querySelectorAll(".job-row").length === 2`)
	p.checkScreen("replays")
	p.checkSame(`document.querySelector(".jobs").innerText`)
	p.press("j")
	p.press("\r")
	p.awaitText(".panel h2", "Replay")
}

// A job that has not ended is cancelled: here no processor runs faster than one event a
// second.
func TestReplayIsCancelled(t *testing.T) {
	f := newOperatorFixture(t)
	f.sendMany(t)
	p := f.open(t, "/ui/replays/new?from=7d&to=now&tz=UTC&times=all")
	p.run(chromedp.SendKeys("input[name=rate]", "1"))
	p.clickText("form button", "Replay…")
	p.clickText("dialog button", "Replay")
	p.clickText(".job button", "Cancel")
	p.awaitText(".job .badge", "Cancelled")
	p.awaitText("a.button", "Replay it again")
	p.checkAccessibility()
}

// An audit accounts for every sequence.
func TestAudits(t *testing.T) {
	f := newOperatorFixture(t)
	p := f.open(t, "/ui/audits?from=7d&to=now&tz=UTC")
	p.awaitText(".empty", "Nothing was audited yet")
	p.clickText("a.button", "New audit")
	p.click("input[name=repair]")
	p.click("input[name=times]")
	p.await(`location.search.includes("repair=true") && location.search.includes("times=all")`)
	p.checkScreen("audit-new")
	p.checkSame(`document.querySelector("#main").innerText + document.querySelector("input[name=repair]").checked`)
	p.submit("form button[type=submit]")
	p.awaitText(".verdict", "Every sequence from 1 to 40 is accounted for")
	p.checkScreen("audit")
	p.checkSame(`document.querySelector("#main").innerText`)
	var audit struct {
		Report struct{ Stored, Rejected int }
	}
	p.curl("Audit", &audit)
	if audit.Report.Stored != 29 || audit.Report.Rejected != 11 {
		t.Errorf("the call returns %+v", audit)
	}
	p.clickText(".crumbs a", "Audits")
	p.await(`document.querySelectorAll(".job-row").length === 1`)
	if row := p.text(".job-row"); !strings.Contains(row, "Audit with repair") {
		t.Errorf("the row is %s", row)
	}
	p.checkScreen("audits")
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func wantCount(want, got int) error {
	if want != got {
		return fmt.Errorf("%d events, want %d", got, want)
	}
	return nil
}
