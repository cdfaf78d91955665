package sdks

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/test/clients"
	"github.com/theeye/theeye/test/harness"
)

// sdk is an SDK in a site of its own.
type sdk struct {
	name string
	// start starts the site, which sends to an address.
	start func(t *testing.T, address string) site
	// translate returns the documents of a request that has the mark of a round.
	translate func(r request, mark string) ([]document, error)
	// calls are what the site does in each round.
	calls []call
}

// site sends the calls of a round, each with the mark of the round in its ids, and
// returns once they are handed over. What the SDK says about them then is its own
// affair: the store is looked at.
type site interface {
	send(ctx context.Context, mark string) error
}

// call is what a call of an SDK must become: a document of this type, with members of
// its data by their path. MARK stands for the mark of the round.
type call struct {
	category, name string
	data           map[string]string
}

var sdks = []sdk{
	segmentGo, rudderGo, snowplowGo, cloudEventsGo,
	segmentNode, rudderNode, snowplowNode, cloudEventsNode, segmentBrowser,
}

// A round sends every call of every SDK: into a calm collector, while The Eye is
// killed, and while answers are lost after the acceptance.
func TestMessagesAreStoredOnce(t *testing.T) {
	eye, address := startEye(t)
	recorders, sites := make([]*recorder, len(sdks)), make([]site, len(sdks))
	for i, s := range sdks {
		var url string
		recorders[i], url = newRecorder(t, address)
		sites[i] = s.start(t, url)
	}
	// At once, however few processors there are: the SDKs wait for each other.
	round := func(name string, disturb, restore func(*recorder)) {
		t.Run(name, func(t *testing.T) {
			ctx := waiting(t)
			var work sync.WaitGroup
			for i, s := range sdks {
				work.Go(func() {
					mark := strings.ReplaceAll("mark-"+name+"-"+s.name, " ", "-")
					var restored func()
					if restore != nil {
						restored = sync.OnceFunc(func() { restore(recorders[i]) })
						defer restored()
						disturb(recorders[i])
					}
					if err := testRound(ctx, s, sites[i], recorders[i], address, mark, restored); err != nil {
						t.Errorf("%s: %v", s.name, err)
					}
				})
			}
			work.Wait()
		})
	}
	round("calm", nil, nil)

	// The Eye starts again when every SDK has tried twice.
	if err := eye.Kill(); err != nil {
		t.Fatal(err)
	}
	var felt sync.WaitGroup
	felt.Add(len(sdks))
	started := make(chan error, 1)
	ctx := waiting(t)
	go func() {
		felt.Wait()
		started <- eye.Start(ctx)
	}()
	round("killed", func(*recorder) {}, func(*recorder) { felt.Done() })
	if err := <-started; err != nil {
		t.Fatal(err)
	}

	round("answers lost", func(r *recorder) { r.gate.Set(clients.LoseAnswers) }, func(r *recorder) { r.gate.Set(clients.Pass) })
}

// testRound has a site send, restores the way to the collector once the SDK has repeated
// an event, and compares the stored documents.
func testRound(ctx context.Context, s sdk, from site, r *recorder, address, mark string, restore func()) error {
	sent := make(chan error, 1)
	go func() { sent <- from.send(ctx, mark) }()
	if restore != nil {
		if err := harness.Poll(ctx, func() error {
			events, err := translateAll(s, r, mark)
			if err != nil {
				return harness.Final(err)
			}
			for _, times := range events {
				if len(times) > 1 {
					return nil
				}
			}
			return errors.New("the SDK has repeated nothing")
		}); err != nil {
			return err
		}
		restore()
	}
	if err := <-sent; err != nil {
		return fmt.Errorf("the site: %w", err)
	}
	return harness.Poll(ctx, func() error {
		got, err := stored(ctx, address, mark)
		if err != nil {
			return err
		}
		if len(got) < len(s.calls) {
			return fmt.Errorf("%d documents are stored, of %d calls", len(got), len(s.calls))
		}
		sent, err := translateAll(s, r, mark)
		if err != nil {
			return harness.Final(err)
		}
		want := map[string]document{}
		for id, times := range sent {
			want[id] = times[0]
		}
		if err := compare(want, got); err != nil {
			return err
		}
		return checkCalls(s.calls, got, mark)
	})
}

// translateAll returns the documents of all requests: each event as often as it was sent.
func translateAll(s sdk, r *recorder, mark string) (map[string][]document, error) {
	all := map[string][]document{}
	for _, q := range r.sent(mark) {
		documents, err := s.translate(q, mark)
		if err != nil {
			return nil, err
		}
		for _, d := range documents {
			all[d.EventID] = append(all[d.EventID], d)
		}
	}
	return all, nil
}

// checkCalls compares documents with what a site has said in its calls.
func checkCalls(calls []call, documents map[string]document, mark string) error {
	if len(documents) != len(calls) {
		return harness.Final(fmt.Errorf("%d documents are stored, of %d calls", len(documents), len(calls)))
	}
	for _, c := range calls {
		found := false
		for _, d := range documents {
			found = found || c.isIn(d, mark)
		}
		if !found {
			return harness.Final(fmt.Errorf("no document is that of %+v:\n%s", c, cmp.Diff(nil, documents)))
		}
	}
	return nil
}

func (c call) isIn(d document, mark string) bool {
	if d.Category != c.category || d.Name != c.name {
		return false
	}
	for path, want := range c.data {
		v := d.Data
		for name := range strings.SplitSeq(path, ".") {
			o, _ := v.(object)
			v = o[name]
		}
		if fmt.Sprint(v) != strings.ReplaceAll(want, "MARK", mark) {
			return false
		}
	}
	return true
}
