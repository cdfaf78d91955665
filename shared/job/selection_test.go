package job

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"pgregory.net/rapid"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestCoversComparesWhatTheMessageSays(t *testing.T) {
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

func TestCoversOutcomeComparesStatusAndCodes(t *testing.T) {
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

func TestCheckFindsFaults(t *testing.T) {
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

func TestRangeEndsAtThePresentEndOfTheStream(t *testing.T) {
	f := newFixture(t)
	ctx, js := f.ctx, f.js
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

// Whatever a collector's clock shows within the bound, an event that a selection
// covers lies in its range.
func TestRangeHoldsEverythingThatIsCovered(t *testing.T) {
	f := newFixture(t)
	const n = 12
	for i := range n {
		if _, err := f.js.Publish(f.ctx, stream.Unregistered("demo"), []byte{byte(i)}); err != nil {
			t.Fatal(err)
		}
		awaitNextMillisecond() // the times of messages differ
	}
	var taken []time.Time // by the stream, of sequences from 1
	for portion, err := range stream.Read(f.ctx, f.js, stream.Range{First: 1, Last: n}) {
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range portion {
			taken = append(taken, m.Time)
		}
	}
	around := func(t *rapid.T, label string) time.Time {
		return taken[rapid.IntRange(0, n-1).Draw(t, label)].
			Add(time.Duration(rapid.Int64Range(-int64(2*maxClockSkew), int64(2*maxClockSkew)).Draw(t, label+" offset")))
	}
	rapid.Check(t, func(t *rapid.T) {
		var s Selection
		if rapid.Bool().Draw(t, "by from") {
			s.From = around(t, "from")
		}
		if rapid.Bool().Draw(t, "by to") {
			s.To = around(t, "to")
		}
		s.FromSeq, s.ToSeq = rapid.Uint64Range(0, n+2).Draw(t, "from_seq"), rapid.Uint64Range(0, n+2).Draw(t, "to_seq")
		r, err := s.Range(f.ctx, f.js)
		if err != nil {
			t.Fatal(err)
		}
		if r.First < 1 || r.Last > max(n, r.First-1) || r.Last+1 < r.First {
			t.Fatalf("the range is %+v", r)
		}
		for i, at := range taken {
			seq := uint64(i) + 1
			skew := time.Duration(rapid.Int64Range(-int64(maxClockSkew), int64(maxClockSkew)).Draw(t, "skew"))
			d := &store.Document{Origin: store.Origin{Seq: seq}, ReceivedAt: at.Add(skew)}
			if s.Covers(d) && (seq < r.First || seq > r.Last) {
				t.Fatalf("the range %+v lacks %d, received %v off", r, seq, skew)
			}
		}
	})
}

// The purged part of a range is counted by its sequences.
func TestPurgedSequencesAreCounted(t *testing.T) {
	first := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	kept := jetstream.StreamState{FirstSeq: 101, LastSeq: 200, Msgs: 100, FirstTime: first}
	for _, c := range []struct {
		s     Selection
		state jetstream.StreamState
		want  uint64
	}{
		{Selection{}, kept, 100},
		{Selection{FromSeq: 41}, kept, 60},
		{Selection{FromSeq: 41, ToSeq: 50}, kept, 10},
		{Selection{ToSeq: 150}, kept, 100},
		{Selection{FromSeq: 101}, kept, 0},
		{Selection{FromSeq: 150, ToSeq: 160}, kept, 0},
		{Selection{From: first.Add(time.Second)}, kept, 0},
		{Selection{From: first.Add(-time.Second)}, kept, 100},
		{Selection{To: first.Add(time.Second)}, kept, 100},
		{Selection{}, jetstream.StreamState{FirstSeq: 1, LastSeq: 9, Msgs: 9}, 0},
		{Selection{}, jetstream.StreamState{}, 0},
		{Selection{}, jetstream.StreamState{FirstSeq: 11, LastSeq: 10}, 10},
		{Selection{From: first}, jetstream.StreamState{FirstSeq: 11, LastSeq: 10}, 10},
	} {
		if got := c.s.CountPurged(c.state); got != c.want {
			t.Errorf("%+v of %d to %d: %d, want %d", c.s, c.state.FirstSeq, c.state.LastSeq, got, c.want)
		}
	}
}
