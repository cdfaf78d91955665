package tracker

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/tracing"
	"github.com/chromedp/chromedp"

	"github.com/theeye/theeye/test/harness"
)

// tracking is a page that tracks a number of events, some in a task, with clicks and views
// between, from the first message to next.port2 on.
const tracking = `<script>
let n = 0
const next = new MessageChannel
next.port1.onmessage = function slice() {
	for (const end = n + %[2]d; n < end; n++) eye.track("test", "step", {n})
	if (n %% (10 * %[2]d) == 0) cta.click()
	if (n %% (25 * %[2]d) == 0) history.pushState({}, "", "/view/" + n)
	if (n < %[1]d) next.port2.postMessage(0)
}
</script>`

// BenchmarkTracker traces a page, and prints the longest task in which the script ran, with
// the work of the page in it, and how soon its first request begins after the start of the
// navigation. A visit has 100 events, each in a task of its own. A busy page has 10,000,
// 20 in a task; it shows what a page that tracks too much costs, and has no bar for tasks.
func BenchmarkTracker(b *testing.B) {
	f := newFixture(b, []string{"visit", "busy"})
	b.Run("visit", func(b *testing.B) {
		longest := traceSite(b, f.newSite(b, "visit"), 100, 1)
		harness.ReportAtMost(b, longest, "ms-longest-task", 5)
	})
	b.Run("busy", func(b *testing.B) {
		b.ReportMetric(traceSite(b, f.newSite(b, "busy"), 10_000, 20), "ms-longest-task")
	})
}

// traceSite traces a page that tracks events, some in a task, until all are accepted, and
// returns the longest task in ms.
func traceSite(b *testing.B, s *site, events, inTask int) (longest float64) {
	b.Helper()
	s.head = fmt.Sprintf(tracking, events, inTask)
	for range b.N {
		p := s.open("/")
		traced, end := p.trace()
		p.do("next.port2.postMessage(0)")
		p.waitFor(fmt.Sprintf("n == %d && !Object.keys(localStorage).some((key) => key.includes('the-key'))", events))
		end()
		first, err := chromedp.Run(p.ctx, chromedp.Evaluate[float64](
			"Math.min(...performance.getEntriesByType('resource').filter((r) => r.name.includes('/v1/events')).map((r) => r.startTime))"))
		if err != nil {
			b.Fatal(err)
		}
		one, tasks := longestTask(b, traced.get())
		b.Logf("the script ran in %d tasks", tasks)
		longest = max(longest, one)
		harness.ReportAtMost(b, first/1000, "s-until-first-request", 1)
		p.close()
	}
	return longest
}

// trace begins a trace, and returns its events, which are there after end.
func (p tab) trace() (events *lines, end func()) {
	p.t.Helper()
	events = &lines{}
	complete := make(chan struct{})
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	p.t.Cleanup(cancel)
	if err := chromedp.ListenBrowser(p.ctx, func(event any) {
		switch e := event.(type) {
		case *tracing.EventDataCollected:
			for _, value := range e.Value {
				events.add(string(value))
			}
		case *tracing.EventTracingComplete:
			close(complete)
		}
	}); err != nil {
		p.t.Fatal(err)
	}
	if _, err := chromedp.CallBrowser(ctx, tracing.Start, tracing.StartParams{
		TransferMode: tracing.StartTransferModeReportEvents,
		TraceConfig: &tracing.TraceConfig{IncludedCategories: []string{
			"toplevel", "devtools.timeline", "disabled-by-default-devtools.timeline",
		}},
	}); err != nil {
		p.t.Fatal(err)
	}
	return events, func() {
		p.t.Helper()
		if _, err := chromedp.CallBrowser(ctx, tracing.End, cdp.Empty{}); err != nil {
			p.t.Fatal(err)
		}
		select {
		case <-complete:
		case <-ctx.Done():
			p.t.Fatal("the trace does not end")
		}
	}
}

// span is an event of a trace that has a duration, in microseconds.
type span struct {
	Name string
	Pid  int
	Tid  int
	TS   float64
	Dur  float64
	Args struct {
		Data struct{ URL, FunctionName string }
	}
}

// longestTask returns the milliseconds of the longest task in which the script ran, on the
// clock, with the work of the page in it, and how many there were. The microtasks of a page that
// awaits nothing itself are those of the script.
func longestTask(t testing.TB, events []string) (longest float64, count int) {
	t.Helper()
	var tasks, runs []span
	for _, text := range events {
		var e span
		if json.Unmarshal([]byte(text), &e) != nil {
			continue // has no data of this form
		}
		data := e.Args.Data
		switch {
		case strings.HasSuffix(e.Name, "RunTask"):
			tasks = append(tasks, e)
		case strings.HasSuffix(data.URL, "/tracker.js") && (e.Name == "FunctionCall" || e.Name == "EvaluateScript"),
			data.FunctionName == "slice", e.Name == "RunMicrotasks":
			runs = append(runs, e)
		}
	}
	for _, task := range tasks {
		for _, run := range runs {
			if run.Pid == task.Pid && run.Tid == task.Tid && run.TS >= task.TS && run.TS < task.TS+task.Dur {
				longest = max(longest, task.Dur/1000)
				count++
				break
			}
		}
	}
	if count == 0 {
		t.Fatalf("%d events of the trace have no task of the script", len(events))
	}
	return longest, count
}
