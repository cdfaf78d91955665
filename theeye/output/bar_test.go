package output

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vbauerster/mpb/v8/decor"
)

func TestBarIsShownAfterTwoSeconds(t *testing.T) {
	var out bytes.Buffer
	quick := &Bar{title: "Comparing", total: 3, began: time.Now(), w: &out}
	quick.Advance(1)
	quick.Stop()
	if out.Len() != 0 {
		t.Errorf("shown at once: %q", out.String())
	}
	long := &Bar{title: "Comparing", total: 300, began: time.Now().Add(-showAfter), w: &out}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() { long.Advance(1) })
	}
	all.Wait()
	long.Stop()
	long.Stop()
	shown := out.String()
	if !strings.Contains(shown, "Comparing 4 / 300") {
		t.Errorf("shows %q", shown)
	}
	long.Advance(1)
	long.Stop() // ends the drawing of a bar, if there is one
	if out.String() != shown {
		t.Errorf("shown after Stop: %q", out.String())
	}
}

func TestBarIsNotShownInAPipe(t *testing.T) {
	var out, errs bytes.Buffer
	p := &Printer{Out: &out, Err: &errs}
	for _, b := range []*Bar{p.StartBar("Applying", 10), p.StartByteBar("Sending", 10), p.StartByteBar("Sending", 0)} {
		b.began = time.Now().Add(-time.Hour)
		b.SetPause("503")
		b.Advance(5)
		b.Stop()
	}
	if out.Len()+errs.Len() != 0 {
		t.Errorf("%q %q", out.String(), errs.String())
	}
}

func TestByteBarShowsUnitsAndPause(t *testing.T) {
	for total, want := range map[int64]string{10 << 20: "Sending 3.0 MiB / 10.0 MiB", 0: "Sending 3.0 MiB"} {
		var out bytes.Buffer
		b := &Bar{title: "Sending", total: total, bytes: true, began: time.Now().Add(-showAfter), w: &out}
		b.SetPause("503 no_space:\x1b[2J")
		b.Advance(3 << 20)
		b.Stop()
		shown := out.String()
		if !strings.Contains(shown, want) || !strings.Contains(shown, `waiting: 503 no_space:\x1b[2J`) || strings.Contains(shown, "\x1b[2J") {
			t.Errorf("shows %q", shown)
		}
		b.SetPause("")
		if b.pauseText(decor.Statistics{}) != "" {
			t.Error("the pause is still shown")
		}
	}
}

func TestRemoteBarDoesNotCompleteWhenItIsFull(t *testing.T) {
	var out bytes.Buffer
	quick := &RemoteBar{w: &out, began: time.Now()}
	quick.Update(RemoteProgress{Title: "replay 1", Done: 1, Total: 3})
	quick.Stop()
	if out.Len() != 0 {
		t.Errorf("shown at once: %q", out.String())
	}
	long := &RemoteBar{w: &out, began: time.Now().Add(-showAfter)}
	for _, p := range []RemoteProgress{
		{Done: 0, Total: 0}, {Done: 3, Total: 3}, {Done: 5, Total: 20, Activity: "5/s, 3s left, sweeping"},
	} {
		p.Title = "replay 1"
		long.Update(p)
		if long.shown.Completed() {
			t.Errorf("complete at %d of %d", p.Done, p.Total)
		}
	}
	long.Stop()
	long.Stop()
	shown := out.String()
	if !strings.Contains(shown, "replay 1 5 / 20 ") || !strings.Contains(shown, " 5/s, 3s left, sweeping") {
		t.Errorf("shows %q", shown)
	}
	long.Update(RemoteProgress{Title: "replay 1", Total: 7})
	long.Stop() // ends the drawing of a bar, if there is one
	if out.String() != shown {
		t.Errorf("shown after Stop: %q", out.String())
	}
}

func TestRemoteBarIsNotShownInAPipe(t *testing.T) {
	var out, errs bytes.Buffer
	b := (&Printer{Out: &out, Err: &errs}).StartRemoteBar()
	b.began = time.Now().Add(-time.Hour)
	b.Update(RemoteProgress{Total: 10})
	b.Stop()
	if out.Len()+errs.Len() != 0 {
		t.Errorf("%q %q", out.String(), errs.String())
	}
}
