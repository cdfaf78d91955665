package job

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestCovers(t *testing.T) {
	d := &store.Document{
		Application: "demo", Category: "c", Name: "n", ReceivedAt: noon, Origin: store.Origin{Seq: 7},
	}
	for name, c := range map[string]struct {
		s    Selection
		want bool
	}{
		"everything":           {Selection{}, true},
		"first":                {Selection{FromSeq: 7}, true},
		"behind":               {Selection{FromSeq: 8}, false},
		"last":                 {Selection{ToSeq: 7}, true},
		"before":               {Selection{ToSeq: 6}, false},
		"from, inclusive":      {Selection{From: noon}, true},
		"from later":           {Selection{From: noon.Add(1)}, false},
		"to, exclusive":        {Selection{To: noon}, false},
		"to later":             {Selection{To: noon.Add(1)}, true},
		"application":          {Selection{Application: "demo"}, true},
		"another application":  {Selection{Application: "shop"}, false},
		"type":                 {Selection{Category: "c", Name: "n"}, true},
		"another category":     {Selection{Category: "d"}, false},
		"another name":         {Selection{Category: "c", Name: "m"}, false},
		"all together, one no": {Selection{Application: "demo", Category: "c", Name: "n", FromSeq: 8}, false},
	} {
		if got := c.s.Covers(d); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestCoversOutcome(t *testing.T) {
	stored := store.Held{Status: store.Stored}
	rejected := store.Held{Status: store.Rejected, Errors: []event.Fault{{Code: "a"}, {Code: "b"}}}
	for name, c := range map[string]struct {
		s    Selection
		h    store.Held
		held bool
		want bool
	}{
		"all, stored":                {Selection{}, stored, true, true},
		"rejected, stored":           {Selection{Only: OnlyRejected}, stored, true, false},
		"rejected, rejected":         {Selection{Only: OnlyRejected}, rejected, true, true},
		"second code":                {Selection{Code: "b"}, rejected, true, true},
		"another code":               {Selection{Code: "c"}, rejected, true, false},
		"code, stored":               {Selection{Code: "a"}, stored, true, false},
		"no outcome yet":             {Selection{Only: OnlyRejected, Code: "a"}, store.Held{}, false, true},
		"no outcome yet, everything": {Selection{}, store.Held{}, false, true},
	} {
		if got := c.s.CoversOutcome(c.h, c.held); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestCheck(t *testing.T) {
	if err := (Selection{From: noon, To: noon.Add(1), FromSeq: 3, ToSeq: 3, Application: "demo", Only: OnlyRejected, Code: "x"}).Check(); err != nil {
		t.Error(err)
	}
	for name, s := range map[string]Selection{
		"sequences":   {FromSeq: 4, ToSeq: 3},
		"times":       {From: noon, To: noon},
		"application": {Application: "*"},
		"only":        {Only: "stored"},
		"category":    {Category: string(make([]byte, 900))},
		"code":        {Code: string(make([]byte, 65))},
	} {
		if s.Check() == nil {
			t.Errorf("%s: nothing is wrong with %+v", name, s)
		}
	}
}

func TestRange(t *testing.T) {
	ctx, js, _ := openAll(t)
	for i := range 10 {
		if _, err := js.Publish(ctx, stream.Unregistered("demo"), []byte{byte(i)}); err != nil {
			t.Fatal(err)
		}
	}
	events, err := js.Stream(ctx, stream.Name)
	if err != nil {
		t.Fatal(err)
	}
	if err := events.Purge(ctx, jetstream.WithPurgeSequence(3)); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		s           Selection
		first, last uint64
	}{
		"everything":        {Selection{}, 3, 10},
		"sequences":         {Selection{FromSeq: 4, ToSeq: 6}, 4, 6},
		"beyond the end":    {Selection{FromSeq: 4, ToSeq: 600}, 4, 10},
		"before the start":  {Selection{ToSeq: 2}, 3, 2},
		"behind the end":    {Selection{FromSeq: 11}, 11, 10},
		"since long ago":    {Selection{From: noon.AddDate(-1, 0, 0)}, 3, 10},
		"until long ago":    {Selection{To: time.Unix(1, 0)}, 3, 2},
		"from the future":   {Selection{From: time.Now().Add(time.Hour)}, 11, 10},
		"until the future":  {Selection{To: time.Now().Add(time.Hour)}, 3, 10},
		"now, with a skew":  {Selection{From: time.Now(), To: time.Now()}, 3, 10},
		"one application's": {Selection{Application: "shop"}, 3, 10},
	} {
		r, err := c.s.Range(ctx, js)
		if err != nil || r.First != c.first || r.Last != c.last {
			t.Errorf("%s: %+v, %v; want %d to %d", name, r, err, c.first, c.last)
		}
		if (c.s.Application != "") != (len(r.Subjects) > 0) {
			t.Errorf("%s: subjects %q", name, r.Subjects)
		}
	}
}
