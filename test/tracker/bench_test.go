package tracker

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/tracing"
	"github.com/chromedp/chromedp"

	"github.com/theeye/theeye/test/harness"
)

// busy is a page that tracks 10,000 events, 20 in a task, with clicks and views between.
const busy = `<script>
let n = 0
const next = new MessageChannel
next.port1.onmessage = function slice() {
	for (const end = n + 20; n < end; n++) eye.track("test", "step", {n})
	if (n % 200 == 0) cta.click()
	if (n % 500 == 0) history.pushState({}, "", "/view/" + n)
	if (n < 10000) next.port2.postMessage(0)
}
</script>`

// BenchmarkTracker traces a page that is busy, and prints the longest task in which the script
// ran, and how soon its first request begins after the start of the navigation.
func BenchmarkTracker(b *testing.B) {
	f := newFixture(b, []string{"busy"})
	for range b.N {
		s := f.newSite(b, "busy")
		s.head = busy
		p := s.open("/")
		events, end := p.trace()
		p.do("next.port2.postMessage(0)")
		p.waitFor("n == 10000 && !Object.keys(localStorage).some((key) => key.includes('the-key'))")
		end()
		first, err := chromedp.Run(p.ctx, chromedp.Evaluate[float64](
			"Math.min(...performance.getEntriesByType('resource').filter((r) => r.name.includes('/v1/events')).map((r) => r.startTime))"))
		if err != nil {
			b.Fatal(err)
		}
		longest, tasks := longestTask(b, events.get())
		b.Logf("the script ran in %d tasks", tasks)
		harness.ReportAtMost(b, longest, "ms-longest-task", 5)
		harness.ReportAtMost(b, first/1000, "s-until-first-request", 1)
		p.close()
	}
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
