package eye

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// lacking are the needs of vectors that Go does not have: it has no big integers in JSON
// that its encoder knows.
var lacking = []string{"bigint"}

const vectorsDir = "../testdata/vectors"

func TestVectors(t *testing.T) {
	entries, err := os.ReadDir(vectorsDir)
	if err != nil {
		t.Fatal(err)
	}
	var skipped []string
	for _, entry := range entries {
		if entry.Name() == "README.md" {
			continue
		}
		names := map[string]bool{}
		for _, v := range readVectors(t, entry.Name()) {
			if names[v.Name] {
				t.Errorf("%s has two cases %q", entry.Name(), v.Name)
			}
			names[v.Name] = true
			if slices.ContainsFunc(v.Needs, func(need string) bool { return slices.Contains(lacking, need) }) {
				skipped = append(skipped, v.Name)
				continue
			}
			t.Run(strings.TrimSuffix(entry.Name(), ".json")+"/"+v.Name, func(t *testing.T) {
				dir := t.TempDir()
				synctest.Test(t, func(t *testing.T) { runVector(t, v, dir) })
			})
		}
		if len(names) == 0 {
			t.Errorf("%s has no case", entry.Name())
		}
	}
	if want := []string{"unserialisable: bigint"}; !slices.Equal(skipped, want) {
		t.Errorf("the cases %q are skipped, want %q", skipped, want)
	}
}

func readVectors(t *testing.T, name string) []vector {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(vectorsDir, name))
	if err != nil {
		t.Fatal(err)
	}
	var f vectorFile
	dec := json.NewDecoder(strings.NewReader(string(text)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&f); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return f.Cases
}

// player plays a vector.
type player struct {
	t         *testing.T
	v         vector
	start     time.Time
	cfg       Config
	client    *Client
	transport *scriptedTransport
	returned  map[string]chan string
	enqueued  map[int]time.Time
	given     map[int]map[string]string
	ids       map[int]string

	mu      sync.Mutex
	reached ending
	drops   []drop // of calls, and those that OnDropped reported of them
	called  map[Reason]int
}

type drop struct {
	n      int
	reason string
}

func runVector(t *testing.T, v vector, dir string) {
	p := &player{
		t: t, v: v, start: time.Now(), returned: map[string]chan string{}, enqueued: map[int]time.Time{},
		given: map[int]map[string]string{}, ids: map[int]string{}, called: map[Reason]int{},
		transport: &scriptedTransport{requests: make(chan *pendingRequest, 10)},
	}
	p.configure(dir)
	defer p.killClient()
	if !slices.ContainsFunc(v.Steps, func(s step) bool { return s.BeforeStart }) {
		p.startClient()
	} else {
		before := slog.Default()
		slog.SetDefault(p.cfg.Logger)
		defer slog.SetDefault(before)
		p.client = new(Client)
	}
	for i := range v.Steps {
		p.advance(v.Steps[i].At, v.Steps[i].Request != nil)
		p.playStep(&v.Steps[i])
		synctest.Wait()
	}
	p.advance(v.End.At, false)
	p.checkEnd()
}

func (p *player) configure(dir string) {
	s := p.v.Settings
	ms := func(value, fallback int) time.Duration {
		if value == 0 {
			value = fallback
		}
		return time.Duration(value) * time.Millisecond
	}
	or := func(value, fallback int) int {
		if value == 0 {
			return fallback
		}
		return value
	}
	p.cfg = Config{
		URL: "https://collector.example/eye", WriteKey: "the-key",
		BatchEvents: or(s.BatchEvents, 100), BatchBytes: or(s.BatchBytes, 500_000), MaxWait: ms(s.BatchWaitMS, 1000),
		QueueEvents: or(s.QueueEvents, 1000), QueueBytes: or(s.QueueBytes, 50_000_000),
		BackoffMin: ms(s.BackoffMinMS, 1000), BackoffMax: ms(s.BackoffMaxMS, 60_000), RetryAfterMax: ms(s.RetryAfterMaxMS, 3_600_000),
		RequestTimeout: ms(s.RequestTimeoutMS, 30_000), GzipFrom: or(s.GzipFromBytes, -1),
		Logger: slog.New(messageHandler{p}), Transport: p.transport,
	}
	if slices.Contains(p.v.Needs, "spool") {
		p.cfg.Spool = filepath.Join(dir, "spool")
	}
	report := func(f func()) {
		p.mu.Lock()
		defer p.mu.Unlock()
		f()
		if s.CallbacksFail {
			panic("of the site")
		}
	}
	p.cfg.OnAccepted = func(ids []string) {
		report(func() {
			for _, id := range ids {
				p.reached.Accepted = append(p.reached.Accepted, p.numberOf(id))
			}
		})
	}
	p.cfg.OnRefused = func(refused []Refused) {
		report(func() {
			for _, r := range refused {
				p.reached.Refused = append(p.reached.Refused, refusal{numberIn(r.Event), r.Code})
			}
		})
	}
	p.cfg.OnDropped = func(d Dropped) {
		report(func() {
			p.called[d.Reason] += d.Count
			for _, event := range d.Events {
				p.drops = append(p.drops, drop{numberIn(event), string(d.Reason)})
			}
		})
	}
}

func (p *player) startClient() {
	random := p.v.Random
	c, err := newClient(p.cfg, func() float64 {
		if len(random) == 0 {
			return 0.5
		}
		r := random[0]
		random = random[1:]
		return r
	})
	if err != nil {
		p.t.Fatal(err)
	}
	p.client = c
	synctest.Wait()
}

func (p *player) killClient() {
	if p.client == nil || p.client.ended == nil {
		return
	}
	p.client.mu.Lock()
	p.client.killed = true
	p.client.mu.Unlock()
	p.client.cut()
	<-p.client.ended
}

// advance goes to a moment, before which nothing may be requested but a millisecond of it.
func (p *player) advance(at int, request bool) {
	p.t.Helper()
	moment := p.start.Add(time.Duration(at) * time.Millisecond)
	if before := time.Until(moment) - time.Millisecond; before > 0 {
		time.Sleep(before)
		synctest.Wait()
		p.expectNoRequest()
	}
	time.Sleep(time.Until(moment))
	synctest.Wait()
	if request && len(p.transport.requests) == 0 {
		time.Sleep(time.Millisecond)
		synctest.Wait()
	} else if !request {
		p.expectNoRequest()
	}
}

func (p *player) expectNoRequest() {
	p.t.Helper()
	select {
	case r := <-p.transport.requests:
		p.t.Fatalf("at %v: a request that no step lists: %s", time.Since(p.start), r.body)
	default:
	}
}

func (p *player) playStep(s *step) {
	p.t.Helper()
	switch {
	case s.Call == "enqueue":
		for _, n := range s.N {
			p.enqueue(s, n)
		}
	case s.Call == "kill":
		p.killClient()
	case s.Call == "start":
		p.startClient()
	case s.Call != "":
		p.callAsync(s)
	case s.Returns != "":
		select {
		case got := <-p.returned[s.Returns]:
			if got != s.Result {
				p.t.Fatalf("at %v: %s returns %q, want %q", time.Since(p.start), s.Returns, got, s.Result)
			}
		default:
			p.t.Fatalf("at %v: %s has not returned", time.Since(p.start), s.Returns)
		}
	case s.Request != nil:
		p.answer(s)
	default:
		p.t.Fatalf("a step of no kind: %+v", s)
	}
}

// callAsync calls Flush or Close.
func (p *player) callAsync(s *step) {
	result := make(chan string, 1)
	p.returned[s.As] = result
	ctx, cancel := context.Background(), context.CancelFunc(func() {})
	if s.Deadline > 0 {
		ctx, cancel = context.WithDeadline(ctx, p.start.Add(time.Duration(s.At+s.Deadline)*time.Millisecond))
	}
	go func() {
		defer cancel()
		var err error
		if s.Call == "flush" {
			err = p.client.Flush(ctx)
		} else {
			err = p.client.Close(ctx)
		}
		switch {
		case err == nil:
			result <- "sent"
		case errors.Is(err, ErrLeft):
			result <- "left"
		case errors.Is(err, context.DeadlineExceeded):
			result <- "late"
		default:
			result <- err.Error()
		}
	}()
}

type throwing struct{}

func (throwing) MarshalJSON() ([]byte, error) { panic("of the data") }

// dataOf returns the data of an event, and changes it as the caller does later.
func dataOf(s *step, n int) (data any, change func()) {
	m := map[string]any{"n": n}
	switch maps.Copy(m, s.Data.Value); s.Data.Special {
	case "none":
		return nil, func() {}
	case "cycle":
		m["self"] = map[string]any{"a": []any{m}}
	case "nan":
		m["x"] = math.NaN()
	case "infinity":
		m["x"] = []any{math.Inf(-1)}
	case "function":
		m["x"] = func() {}
	case "throws":
		m["x"] = throwing{}
	case "broken text":
		m["x"] = "cut \xff\xc3"
	case "array":
		return []int{n}, func() {}
	case "text":
		return fmt.Sprint(n), func() {}
	}
	if s.Data.TextBytes > 0 {
		m["text"] = strings.Repeat("x", s.Data.TextBytes)
	}
	return m, func() {
		if s.Data.Then != nil {
			maps.Copy(m, s.Data.Then)
			if inner, ok := s.Data.Value["b"].(map[string]any); ok {
				inner["c"] = 9
			}
		}
	}
}

func (p *player) enqueue(s *step, n int) {
	data, change := dataOf(s, n)
	e := Event{SessionID: "0199e8a0-0000-4000-8000-00000000000a", Category: "page interaction", Name: "pageview", Data: data}
	for name, value := range s.Event {
		switch name {
		case "event_id":
			e.EventID = value
		case "session_id":
			e.SessionID = value
		case "category":
			e.Category = value
		case "name":
			e.Name = value
		case "timestamp":
			at, err := time.Parse(time.RFC3339Nano, value)
			if err != nil {
				p.t.Fatal(err)
			}
			e.Timestamp = at
		default:
			p.t.Fatalf("member %q", name)
		}
	}
	p.enqueued[n], p.given[n] = time.Now(), s.Event
	if err := p.client.Enqueue(e); err != nil {
		reason := map[error]string{ErrTooLarge: "too_large", ErrClosed: "closed", ErrNotStarted: "not_started"}[err]
		if errors.Is(err, ErrUnserialisable) {
			reason = "unserialisable"
		}
		p.mu.Lock()
		p.drops = append(p.drops, drop{n, reason})
		p.mu.Unlock()
	}
	change()
}

func (p *player) numberOf(id string) int {
	for n, known := range p.ids {
		if known == id {
			return n
		}
	}
	return -1
}

// numberIn returns the number of an encoded event.
func numberIn(event []byte) int {
	var e struct{ Data json.RawMessage }
	if json.Unmarshal(event, &e) != nil {
		return -1
	}
	var object struct{ N int }
	var array []int
	var text string
	switch {
	case json.Unmarshal(e.Data, &object) == nil:
		return object.N
	case json.Unmarshal(e.Data, &array) == nil:
		return array[0]
	case json.Unmarshal(e.Data, &text) == nil:
		_, _ = fmt.Sscan(text, &object.N)
	}
	return object.N
}

func (p *player) checkEnd() {
	for n := range p.v.Steps {
		if name := p.v.Steps[n].As; name != "" && len(p.returned[name]) != 0 {
			p.t.Errorf("%s returned %s, which no step lists", name, <-p.returned[name])
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	want, got := p.v.End, &p.reached
	if !slices.Equal(got.Accepted, want.Accepted) {
		p.t.Errorf("accepted %v, want %v", got.Accepted, want.Accepted)
	}
	if !slices.Equal(got.Refused, want.Refused) {
		p.t.Errorf("refused %v, want %v", got.Refused, want.Refused)
	}
	var drops []drop
	for _, d := range want.Dropped {
		for _, n := range d.N {
			drops = append(drops, drop{n, d.Reason})
		}
	}
	if !slices.Equal(p.drops, drops) {
		p.t.Errorf("dropped %v, want %v", p.drops, drops)
	}
	if !slices.Equal(got.Messages, want.Messages) {
		p.t.Errorf("messages %q, want %q", got.Messages, want.Messages)
	}
	p.checkStats()
}

// checkStats compares the counts of the last client with what its callbacks got.
func (p *player) checkStats() {
	s := p.client.Stats()
	if s.Queued != p.v.End.Queued {
		p.t.Errorf("%d are queued, want %d", s.Queued, p.v.End.Queued)
	}
	if s.Enqueued+s.Recovered != s.Accepted+s.Refused+s.Dropped()+int64(s.Queued) {
		p.t.Errorf("the counts do not add up: %+v", s)
	}
	if p.cfg.Spool != "" || p.client.ended == nil {
		return // others counted the rest
	}
	if int(s.Accepted) != len(p.reached.Accepted) || int(s.Refused) != len(p.reached.Refused) || int(s.Dropped()) != len(p.drops) {
		p.t.Errorf("%+v; the callbacks got %+v and %v", s, p.reached, p.drops)
	}
	reported := 0
	for _, n := range p.called {
		reported += n
	}
	if reported != len(p.drops) {
		p.t.Errorf("OnDropped got %d events, want %d", reported, len(p.drops))
	}
}

// messageHandler collects the codes of messages.
type messageHandler struct{ p *player }

func (messageHandler) Enabled(context.Context, slog.Level) bool { return true }
func (h messageHandler) WithAttrs([]slog.Attr) slog.Handler     { return h }
func (h messageHandler) WithGroup(string) slog.Handler          { return h }

func (h messageHandler) Handle(_ context.Context, r slog.Record) error {
	code := ""
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "code" {
			code = a.Value.String()
		}
		return code == ""
	})
	h.p.mu.Lock()
	defer h.p.mu.Unlock()
	h.p.reached.Messages = append(h.p.reached.Messages, code)
	if r.Message == "" {
		h.p.t.Errorf("%s has no sentence", code)
	}
	return nil
}

// equalJSON compares two values of JSON.
func equalJSON(a, b any) bool {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	var u, v any
	_, _ = json.Unmarshal(x, &u), json.Unmarshal(y, &v)
	return reflect.DeepEqual(u, v)
}
