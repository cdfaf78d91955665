package ui

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/tracing"
	"github.com/chromedp/chromedp"
)

func BenchmarkTraceTmp(b *testing.B) {
	f, err := startFixture(false)
	if err != nil {
		b.Fatal(err)
	}
	if err := f.startBrowser(); err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(b.Context(), 20*patience)
	defer cancel()
	if err := f.sendDemo(ctx, 14000); err != nil {
		b.Fatal(err)
	}
	for round := range 2 {
		for _, name := range []string{"explorer", "sessions"} {
			p := f.openRecorded(b)
			p.measure(`() => document.querySelector("h1")`)
			p.run(chromedp.Navigate(f.base + "/ui/" + name + "?from=31d&to=now&tz=UTC"))
			p.measure(`() => document.querySelector(".windowed")`)
			done := make(chan struct{})
			out, _ := os.Create(fmt.Sprintf("%s/%s-%d.ndjson", os.Getenv("TRACE_OUT"), name, round))
			lctx, lcancel := context.WithCancel(p.ctx)
			if err := chromedp.ListenBrowser(lctx, func(ev any) {
				switch e := ev.(type) {
				case *tracing.EventDataCollected:
					for _, v := range e.Value {
						fmt.Fprintln(out, string(v))
					}
				case *tracing.EventTracingComplete:
					close(done)
				}
			}); err != nil {
				b.Fatal(err)
			}
			if _, err := chromedp.CallBrowser(p.ctx, tracing.Start, tracing.StartParams{TransferMode: tracing.StartTransferModeReportEvents,
				TraceConfig: &tracing.TraceConfig{IncludedCategories: []string{"toplevel", "devtools.timeline", "disabled-by-default-devtools.timeline", "v8", "disabled-by-default-v8.cpu_profiler", "disabled-by-default-v8.gc"}}}); err != nil {
				b.Fatal(err)
			}
			got := evaluate[scrolling](p, fmt.Sprintf(`scrolled(".windowed", %d)`, benchRows))
			if _, err := chromedp.CallBrowser(p.ctx, tracing.End, cdp.Empty{}); err != nil {
				b.Fatal(err)
			}
			<-done
			lcancel()
			out.Close()
			sum := 0.0
			for _, f := range got.Frames {
				sum += f
			}
			b.Logf("%s rows %d frames %d long %v", name, got.Loaded, len(got.Frames), got.Long)
		}
	}
}
