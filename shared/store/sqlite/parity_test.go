package sqlite_test

import (
	"context"
	"crypto/rand"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/store/mongo/mongotest"
	"github.com/theeye/theeye/shared/store/sqlite"
	"github.com/theeye/theeye/shared/store/storetest"
)

// clock is the clock of both stores. It is far ahead of the machine's, so that
// the server, which removes expired documents by the real time, keeps those that
// are expired by this clock.
func clock() time.Time { return time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC) }

// TestBothStoresAgree drives both adapters with the same random operations and
// compares all results. Runs share the databases, each with applications of its
// own.
func TestBothStoresAgree(t *testing.T) {
	embedded := openNew(t, sqlite.Config{Now: clock, SweepEvery: -1})
	if err := embedded.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	cfg := mongotest.Config(t)
	cfg.Now = clock
	served := mongotest.Open(t, cfg)
	if err := served.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	run := 0
	rapid.Check(t, func(t *rapid.T) {
		run++
		p := &parity{
			stores: []store.Store{embedded, served},
			// No two runs of this process have an application in common.
			applications: []string{applicationOf(run, "a"), applicationOf(run, "b")},
		}
		t.Repeat(map[string]func(*rapid.T){
			"write":    p.writeByRule,
			"insert":   p.insertDirectly,
			"replace":  p.replaceDirectly,
			"events":   p.findStored,
			"rejected": p.findRejected,
			"session":  p.summarizeSession,
			"lookup":   p.lookUpIDs,
			"scan":     p.scanSlots,
		})
	})
}

func applicationOf(run int, suffix string) string {
	return strings.ToLower(rand.Text())[:8] + "-" + suffix + string(rune('a'+run%26))
}

// parity is the state of one run.
type parity struct {
	stores       []store.Store
	applications []string
	written      []string // ids
}

// Small alphabets, so that ids and contents collide.
var (
	someIDs   = rapid.SampledFrom([]string{"1", "2", "3", "é", "a\x00", "a", "a\x00b", "$x", "#/"})
	someNames = rapid.SampledFrom([]string{"pageview", "cta click", "n\x00", "N"})
	someCodes = rapid.SampledFrom([]string{event.CodeSchemaViolation, event.CodeUnknownType, event.CodeInvalidTimestamp})
	somePaths = rapid.SampledFrom([]string{"", "/data", "/data/a\x00b", "/data/é"})
	someData  = rapid.SampledFrom([]string{
		`{}`, `{"a":1}`, `{"a":1.0,"b":[1,"x",null]}`, `{"\u0000":"\u0001","a.b":{"$c":-0.0}}`, `{"n":12345678901234567890}`,
	})
)

func someTime(t *rapid.T, label string) time.Time {
	us := rapid.OneOf(rapid.Int64Range(0, 5), rapid.Int64Range(990, 1010), rapid.Int64Range(-2, 100_000_000)).Draw(t, label)
	return storetest.Start().Add(time.Duration(us) * time.Microsecond)
}

// drawDocument draws a document whose content and outcome depend on few values.
func (p *parity) drawDocument(t *rapid.T) *store.Document {
	d := &store.Document{
		Status:      rapid.SampledFrom([]store.Status{store.Stored, store.Stored, store.Rejected}).Draw(t, "status"),
		Application: rapid.SampledFrom(p.applications).Draw(t, "application"),
		EventID:     someIDs.Draw(t, "event id"),
		SessionID:   storetest.Session(rapid.IntRange(0, 2).Draw(t, "session")),
		Category:    rapid.SampledFrom([]string{"page interaction", "form interaction"}).Draw(t, "category"),
		Name:        someNames.Draw(t, "name"),
		Data:        []byte(someData.Draw(t, "data")),
		Timestamp:   someTime(t, "timestamp"),
		ReceivedAt:  someTime(t, "received").Truncate(time.Millisecond),
		ContentHash: rapid.SampledFrom([]string{"h1", "h2"}).Draw(t, "hash"),
		Origin: store.Origin{
			Epoch: rapid.Int64Range(1, 2).Draw(t, "epoch"), Seq: rapid.Uint64Range(1, 3).Draw(t, "seq"),
		},
		Revision:          rapid.Uint64Range(1, 3).Draw(t, "revision"),
		SchemaVersion:     rapid.Int64Range(0, 2).Draw(t, "version"),
		SentSchemaVersion: rapid.Int64Range(0, 2).Draw(t, "sent version"),
		ClockOffsetMS:     rapid.Int64Range(-2, 2).Draw(t, "clock offset"),
		Original:          rapid.SampledFrom([][]byte{nil, []byte("original \x00\xff")}).Draw(t, "original"),
	}
	d.ID = store.DocumentID(d.Application, d.EventID)
	if hours := rapid.SampledFrom([]int{0, 0, 1, -1}).Draw(t, "expires in hours"); hours != 0 {
		d.ExpiresAt = clock().Add(time.Duration(hours) * time.Hour)
	}
	if d.Status == store.Rejected {
		p.makeRejected(t, d)
	}
	p.written = append(p.written, d.ID, store.ConflictID(d.Application, d.ContentHash, d.EventID))
	return d
}

// makeRejected adds reasons to a rejected document and removes some fields.
func (p *parity) makeRejected(t *rapid.T, d *store.Document) {
	for range rapid.IntRange(1, 3).Draw(t, "faults") {
		d.Errors = append(d.Errors, event.Fault{
			Code: someCodes.Draw(t, "code"), Path: somePaths.Draw(t, "path"), Message: "m\x00",
		})
	}
	if rapid.Bool().Draw(t, "fields missing") {
		d.SessionID, d.Category, d.Data, d.Timestamp = "", "", nil, time.Time{}
	}
}

func (p *parity) drawDocuments(t *rapid.T) []*store.Document {
	return rapid.SliceOfN(rapid.Custom(p.drawDocument), 1, 6).Draw(t, "documents")
}

// compareAnswers fails unless both stores give the same answer and no error.
func (p *parity) compareAnswers(t *rapid.T, ask func(store.Store) (any, error)) {
	t.Helper()
	var answers []any
	for _, s := range p.stores {
		answer, err := ask(s)
		if err != nil {
			t.Fatalf("%T: %v", s, err)
		}
		answers = append(answers, answer)
	}
	if diff := cmp.Diff(answers[0], answers[1]); diff != "" {
		t.Fatalf("the stores differ (-embedded +served):\n%s", diff)
	}
}

func (p *parity) writeByRule(t *rapid.T) {
	docs := p.drawDocuments(t)
	p.compareAnswers(t, func(s store.Store) (any, error) {
		return store.NewWriter(store.WriterConfig{Backend: s, Now: clock}).Write(context.Background(), docs)
	})
}

// insertDirectly writes without the rule, so that the stores also hold documents
// that the rule would skip.
func (p *parity) insertDirectly(t *rapid.T) {
	docs := distinct(p.drawDocuments(t))
	p.compareAnswers(t, func(s store.Store) (any, error) {
		errs, err := s.Insert(context.Background(), docs)
		return areNil(errs), err
	})
}

func (p *parity) replaceDirectly(t *rapid.T) {
	docs := distinct(p.drawDocuments(t))
	p.compareAnswers(t, func(s store.Store) (any, error) {
		// MongoDB does not report which of several documents matched.
		errs, err := s.Replace(context.Background(), docs)
		return !slices.Contains(areNil(errs), false), err
	})
}

// distinct sorts by id and keeps one document of each, as the rule does.
func distinct(docs []*store.Document) []*store.Document {
	slices.SortFunc(docs, func(a, b *store.Document) int { return strings.Compare(a.ID, b.ID) })
	return slices.CompactFunc(docs, func(a, b *store.Document) bool { return a.ID == b.ID })
}

func areNil(errs []error) []bool {
	out := make([]bool, len(errs))
	for i, err := range errs {
		out[i] = err == nil
	}
	return out
}

// someOf draws one of the values or the empty string.
func someOf(t *rapid.T, label string, values *rapid.Generator[string]) string {
	if rapid.IntRange(0, 2).Draw(t, label+"?") > 0 {
		return ""
	}
	return values.Draw(t, label)
}

func (p *parity) drawApplications(t *rapid.T) []string {
	return rapid.SampledFrom([][]string{p.applications, p.applications[:1], {}}).Draw(t, "applications")
}

// drawFilter draws a filter, with a code among those of rejected events.
func (p *parity) drawFilter(t *rapid.T, codes bool) query.Filter {
	f := query.Filter{
		Applications: p.drawApplications(t),
		SessionID:    someOf(t, "session", rapid.Just(storetest.Session(1))),
		Category:     someOf(t, "category", rapid.Just("page interaction")),
		Name:         someOf(t, "name", someNames),
		EventID:      someOf(t, "event id", someIDs),
	}
	if codes {
		f.Code = someOf(t, "code", someCodes)
	}
	if rapid.Bool().Draw(t, "bounded") {
		f.From, f.To = someTime(t, "from"), someTime(t, "to")
	}
	return f
}

// drawPage draws a question for a page.
func (p *parity) drawPage(t *rapid.T, rejected bool) query.Events {
	return query.Events{
		Filter:     p.drawFilter(t, rejected),
		Rejected:   rejected,
		Descending: rapid.Bool().Draw(t, "descending"),
		Limit:      rapid.SampledFrom([]int{1, 3, query.MaxEvents}).Draw(t, "limit"),
	}
}

func (p *parity) findStored(t *rapid.T) {
	q := p.drawPage(t, false)
	if rapid.Bool().Draw(t, "continued") {
		q.After = &query.Position{Time: someTime(t, "after"), ID: p.applications[0] + "/" + someIDs.Draw(t, "after id")}
	}
	p.compareAnswers(t, func(s store.Store) (any, error) { return s.Find(context.Background(), q) })
}

func (p *parity) findRejected(t *rapid.T) {
	q := p.drawPage(t, true)
	if rapid.Bool().Draw(t, "continued") {
		at := someTime(t, "after").Truncate(time.Millisecond)
		q.After = &query.Position{Time: at, ID: p.applications[0] + "/" + someIDs.Draw(t, "after id")}
	}
	p.compareAnswers(t, func(s store.Store) (any, error) { return s.Find(context.Background(), q) })
}

func (p *parity) summarizeSession(t *rapid.T) {
	id := storetest.Session(rapid.IntRange(0, 3).Draw(t, "session"))
	applications := p.drawApplications(t)
	p.compareAnswers(t, func(s store.Store) (any, error) { return s.SummarizeSession(context.Background(), applications, id) })
}

func (p *parity) lookUpIDs(t *rapid.T) {
	ids := slices.Clone(p.written)
	slices.Sort(ids)
	ids = slices.Compact(ids)
	p.compareAnswers(t, func(s store.Store) (any, error) {
		docs, err := s.Lookup(context.Background(), ids)
		slices.SortFunc(docs, func(a, b *store.Document) int { return strings.Compare(a.ID, b.ID) })
		return docs, err
	})
	p.compareAnswers(t, func(s store.Store) (any, error) { return s.Holders(context.Background(), ids) })
}

func (p *parity) scanSlots(t *rapid.T) {
	first := store.SlotOf(storetest.Start())
	from := first + rapid.Int64Range(-2, 10).Draw(t, "from slot")
	to := from + rapid.Int64Range(0, 12).Draw(t, "slots")
	at := []time.Time{someTime(t, "at"), someTime(t, "or at")}
	p.compareAnswers(t, func(s store.Store) (any, error) {
		docs, err := collect(s.Scan(context.Background(), p.applications[0], from, to))
		slices.SortFunc(docs, func(a, b *store.Document) int { return strings.Compare(a.ID, b.ID) })
		return docs, err
	})
	p.compareAnswers(t, func(s store.Store) (any, error) { return collect(s.At(context.Background(), p.applications[0], at)) })
}

func collect(docs iter.Seq2[*store.Document, error]) (list []*store.Document, err error) {
	for d, err := range docs {
		if err != nil {
			return nil, err
		}
		list = append(list, d)
	}
	return list, nil
}
