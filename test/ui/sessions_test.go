package ui

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// shownSession are the figures, the events and the gaps of a session, and the event that
// is open.
const shownSession = `[...document.querySelectorAll(".session-figures, .legend, .moment, .gap, .run, .drawer")].map((e) => e.innerText).join("|")`

// sessionList is an answer with sessions.
type sessionList struct {
	Sessions []struct {
		SessionID string `json:"session_id"`
		Count     int
		Matched   int
	}
}

func TestSessions(t *testing.T) {
	p := newFixture(t).open(t, "/ui/sessions?"+pinned)
	p.awaitText(".windowed", "page interaction")
	p.checkScreen("sessions")
	p.checkSame(shownRows)
	check := func() {
		t.Helper()
		p.awaitAnswers()
		var list sessionList
		p.curl("Sessions", &list)
		row := evaluate[[]string](p, `[...document.querySelector(".windowed tbody tr").cells].map((c) => c.innerText)`)
		if want := list.Sessions[0]; row[len(row)-1] != want.SessionID[:8] || row[2] != fmt.Sprint(want.Count) {
			t.Errorf("the first row is %q, the call returns %+v", row, want)
		}
	}
	check()
	p.clickText(".segments button", "Oldest")
	p.await(`location.search.includes("order=asc")`)
	check()
	p.clickText(".segments button", "Active")
	p.await(`location.search.includes("by=active")`)
	check()
	p.choose("Least number of events", "20")
	p.await(`location.search.includes("min_events=20")`)
	check()
	p.choose("Least duration", "300")
	p.await(`location.search.includes("min_seconds=300")`)
	check()
	p.checkSame(shownRows)
	// A click on a type keeps the sessions with such an event, and counts these.
	p.click(".windowed tbody .value")
	p.awaitText(".windowed th", "Matched")
	p.checkSame(shownRows)
}

func TestSession(t *testing.T) {
	f := newFixture(t)
	var list sessionList
	if err := f.get(t.Context(), fmt.Sprintf("/v1/sessions?from=%dd&min_events=15&min_seconds=120&limit=1", demoDays), &list); err != nil {
		t.Fatal(err)
	}
	p := f.open(t, "/ui/sessions/"+list.Sessions[0].SessionID+"?"+pinned)
	p.awaitText(".session-figures", "Duration")
	p.checkScreen("session")

	// The events and the gaps are those of the call.
	var timeline struct {
		Count  int
		Events []struct {
			Name       string
			GapSeconds *float64 `json:"gap_seconds"`
		}
	}
	p.curl("Session", &timeline)
	gaps := 0
	for _, e := range timeline.Events {
		if e.GapSeconds != nil && *e.GapSeconds >= 1 {
			gaps++
		}
	}
	p.await(`(() => { const folded = document.querySelector(".run [aria-expanded=false]"); folded?.click(); return !folded })()`)
	p.await(fmt.Sprintf(`document.querySelectorAll(".moment").length === %d && document.querySelectorAll(".gap").length === %d`, timeline.Count, gaps))
	p.checkSame(shownSession)

	// An event opens beside the timeline; two of them make a funnel.
	p.press("j\r")
	p.awaitText(".drawer", timeline.Events[0].Name)
	p.checkSame(shownSession)
	p.press("\x1b")
	p.await(`!document.querySelector(".drawer")`)
	p.run(chromedp.NavigateBack())
	p.awaitText(".drawer", timeline.Events[0].Name)
}

// A run of one type is folded, and unfolded by its button.
func TestSessionFoldsRuns(t *testing.T) {
	f := newEmptyFixture(t)
	const session = "5f0c7a34-6c1b-4d0e-9a35-1f2f3c4d5e6f"
	start := time.Now().Add(-time.Hour).UTC()
	body := ""
	for i := range 6 {
		body += fmt.Sprintf(`{"session_id":%q,"category":"page interaction","name":"pageview","data":{"host":"a","path":"/%d"},"timestamp":%q}`+"\n",
			session, i, start.Add(time.Duration(i)*10*time.Second).Format(time.RFC3339))
	}
	f.sendEvents(t, body)
	p := f.open(t, "/ui/sessions/"+session+"?from=1d&to=now&tz=UTC")
	p.awaitText(".run", "5 more of page interaction / pageview")
	p.awaitText(".run", "within 50 s")
	p.checkSame(shownSession)
	p.click(".run button")
	p.await(`document.querySelectorAll(".moment").length === 6`)
	p.checkSame(shownSession)
	p.clickText(".run button", "Fold")
	p.await(`document.querySelectorAll(".moment").length === 1`)
}
