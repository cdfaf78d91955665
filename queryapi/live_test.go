package queryapi_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/queryapi"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

// sse is a server-sent event.
type sse struct {
	name, id, data, comment string
}

// liveStream reads a live stream.
type liveStream struct {
	t    *testing.T
	resp *http.Response
	in   *bufio.Reader
	last string // the last id
}

// listen opens a live stream and waits for its first heartbeat.
func (fx *fixture) listen(t *testing.T, token, parameters string, header ...string) *liveStream {
	t.Helper()
	return listenAt(t, fx.base, token, parameters, header...)
}

func listenAt(t *testing.T, base, token, parameters string, header ...string) *liveStream {
	t.Helper()
	resp := open(t, token, base+"/v1/live?"+parameters, header...)
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" || resp.Header.Get("Cache-Control") != "private, no-store" {
		body, _ := io.ReadAll(resp.Body)
		t.Fatalf("%d %v %s", resp.StatusCode, resp.Header, body)
	}
	l := &liveStream{t: t, resp: resp, in: bufio.NewReader(resp.Body)}
	if first, err := l.read(); err != nil || first.comment != "hb" {
		t.Fatalf("it begins with %+v, %v", first, err)
	}
	return l
}

// read returns the next event or comment.
func (l *liveStream) read() (e sse, err error) {
	for {
		line, err := l.in.ReadString('\n')
		if err != nil {
			return e, err
		}
		line = strings.TrimSuffix(line, "\n")
		if line == "" {
			if e.id != "" {
				l.last = e.id
			}
			return e, nil
		}
		field, value, _ := strings.Cut(line, ": ")
		switch field {
		case "":
			e.comment = value
		case "id":
			e.id = value
		case "event":
			e.name = value
		case "data":
			e.data = value
		default:
			return e, fmt.Errorf("a line %q", line)
		}
	}
}

// next returns the next event that is no heartbeat.
func (l *liveStream) next() sse {
	l.t.Helper()
	for {
		e, err := l.read()
		if err != nil {
			l.t.Fatalf("%+v, %v", e, err)
		}
		if e.comment == "" {
			return e
		}
	}
}

// want reads events and compares their names, or the ids and outcomes of events.
func (l *liveStream) want(want ...string) {
	l.t.Helper()
	var got []string
	for range want {
		e := l.next()
		if e.name != "" {
			got = append(got, e.name)
			continue
		}
		var outcome item
		if err := json.Unmarshal([]byte(e.data), &outcome); err != nil {
			l.t.Fatalf("%+v: %v", e, err)
		}
		if e.id != fmt.Sprintf("%d-%d", outcome.Origin.Epoch, outcome.Origin.Seq) {
			l.t.Errorf("id %s of %s", e.id, e.data)
		}
		text := fmt.Sprintf("%s/%s %s", outcome.Application, outcome.EventID, outcome.Status)
		for _, f := range outcome.Errors {
			text += " " + f.Code
		}
		got = append(got, text)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		l.t.Errorf("events (-want +got):\n%s", diff)
	}
}

// settled gives events an outcome: they are published, stored, and acknowledged. An
// event without content is acknowledged alone.
func (fx *fixture) settled(application string, raws ...string) {
	fx.t.Helper()
	epoch, err := stream.Epoch(fx.ctx(), fx.js)
	if err != nil {
		fx.t.Fatal(err)
	}
	var docs []*store.Document
	for _, raw := range raws {
		d := fx.document(application, time.Now(), raw)
		d.Origin = store.Origin{Epoch: epoch, Seq: fx.publish(application, time.Now(), raw)}
		docs = append(docs, d)
	}
	fx.writeDocuments(docs...)
	fx.settleMessages(len(raws))
}

func sent(id string) string { return anEvent(id, aSession, "c", "n", "2026-01-01T00:00:00Z") }

func TestLiveShowsOutcomesAsTheyHappen(t *testing.T) {
	fx := newFixture(t)
	fx.settled("shop", sent("before"))
	all, stored, rejected := fx.listen(t, operator, ""), fx.listen(t, operator, "outcome=stored"), fx.listen(t, operator, "outcome=rejected")
	shop, filtered := fx.listen(t, shopOnly, ""), fx.listen(t, analyst, "application=blog&category=c&name=n&session_id="+aSession+"&filter=event_id%3Db2")
	fx.settled("shop", sent("s1"), `{"event_id":"r1","session_id":1}`)
	fx.settled("blog", sent("b1"), sent("b2"))
	fx.settled("shop", sent("s1")) // the same content again
	fx.settled("shop", strings.Replace(sent("s1"), `"path":"/"`, `"path":"/other"`, 1))
	fx.settled("shop", sent("s2"))
	bad := "shop/r1 rejected " + strings.Join(codesOf(fx, "r1"), " ")
	all.want("shop/s1 stored", bad, "blog/b1 stored", "blog/b2 stored", "shop/s1 rejected id_conflict", "shop/s2 stored")
	stored.want("shop/s1 stored", "blog/b1 stored", "blog/b2 stored", "shop/s2 stored")
	rejected.want(bad, "shop/s1 rejected "+event.CodeIDConflict)
	shop.want("shop/s1 stored", bad, "shop/s1 rejected id_conflict", "shop/s2 stored")
	filtered.want("blog/b2 stored")
}

// codesOf returns the codes of a rejected event.
func codesOf(fx *fixture, id string) (codes []string) {
	_, got := fx.get(operator, "/v1/events/"+id)
	for _, f := range got.Errors {
		codes = append(codes, f.Code)
	}
	return codes
}

// Outcomes below the ack floor are shown, and nothing above it: until then the store
// may not have it, or have it otherwise in the end.
func TestLiveWaitsForTheOutcome(t *testing.T) {
	fx := newFixture(t)
	l := fx.listen(t, operator, "")
	fx.publish("shop", time.Now(), sent("first")) // no processor takes it yet
	raw := sent("second")
	epoch, err := stream.Epoch(fx.ctx(), fx.js)
	if err != nil {
		t.Fatal(err)
	}
	second := fx.document("shop", time.Now(), raw)
	second.Origin = store.Origin{Epoch: epoch, Seq: fx.publish("shop", time.Now(), raw)}
	fx.writeDocuments(second)
	first := fx.document("shop", time.Now(), sent("first"))
	first.Origin = store.Origin{Epoch: epoch, Seq: second.Origin.Seq - 1}
	fx.writeDocuments(first)
	fx.settleMessages(2)
	l.want("shop/first stored", "shop/second stored")
}

// A client goes on behind the last id that it has, whether that was an outcome or
// the place of a heartbeat; removed outcomes are a gap.
func TestLiveResumes(t *testing.T) {
	fx := newFixture(t, func(c *queryapi.Config) { c.LiveHeartbeat = 20 * time.Millisecond })
	l := fx.listen(t, operator, "")
	fx.settled("shop", sent("a"), sent("b"), sent("c"))
	l.want("shop/a stored")
	afterA := l.last
	l.want("shop/b stored", "shop/c stored")
	_ = l.resp.Body.Close()
	fx.settled("shop", sent("d"))
	fx.listen(t, operator, "", "Last-Event-ID", afterA).want("shop/b stored", "shop/c stored", "shop/d stored")

	rare := fx.listen(t, operator, "filter=event_id%3Drare")
	fx.settled("shop", sent("e"), sent("f"))
	js, err := fx.js.Stream(t.Context(), stream.Name)
	if err != nil {
		t.Fatal(err)
	}
	passed := fmt.Sprintf("-%d", js.CachedInfo().State.LastSeq)
	for !strings.HasSuffix(rare.last, passed) { // until a heartbeat has passed e and f
		if _, err := rare.read(); err != nil {
			t.Fatal(err)
		}
	}
	_ = rare.resp.Body.Close()
	fx.settled("shop", sent("g"))
	resumed := fx.listen(t, operator, "", "Last-Event-ID", rare.last)
	resumed.want("shop/g stored")

	// Another stream, an id that no event can have yet, and a part that was purged.
	epoch, seq, _ := strings.Cut(resumed.last, "-")
	for _, id := range []string{"1-1", epoch + "-99999999"} {
		fx.listen(t, operator, "", "Last-Event-ID", id).want("gap")
	}
	if err := js.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	gap := fx.listen(t, operator, "", "Last-Event-ID", afterA)
	e := gap.next()
	if want := fmt.Sprintf(`{"after":%q,"resume":%q,"missed":6}`, afterA, resumed.last); e.name != "gap" || e.data != want || e.id != resumed.last || seq == "" {
		t.Errorf("%+v, want %s", e, want)
	}
	fx.settled("shop", sent("h"))
	gap.want("shop/h stored")
	resumed.want("shop/h stored")
	for _, id := range []string{"x", "1", "-", "1-2-3"} {
		resp := open(t, operator, fx.base+"/v1/live", "Last-Event-ID", id)
		if resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%q: %d", id, resp.StatusCode)
		}
	}
}

// A stream ends when its token is revoked, or when the server stops; it says why.
func TestLiveEnds(t *testing.T) {
	fx := newFixture(t)
	for id, change := range map[string]string{"gone": "DELETE", "kept": ""} {
		token := fx.asOperator(201, "POST", "/v1/tokens", fmt.Sprintf(`{"id":%q,"role":"analyst","applications":["shop"]}`, id))
		fx.waitUntil("the token is valid", func() bool { return fx.ask("GET", token.Secret, "/v1/events", "").status == 200 })
		l := fx.listen(t, token.Secret, "")
		if change == "DELETE" {
			fx.asOperator(200, change, "/v1/tokens/"+id, "", "If-Match", "*")
			if e := l.next(); e.name != "end" || !strings.Contains(e.data, `"code":"unauthorized"`) {
				t.Errorf("%+v", e)
			}
			if _, err := l.read(); !errors.Is(err, io.EOF) {
				t.Errorf("it goes on: %v", err)
			}
			continue
		}
		fx.settled("shop", sent("x"))
		l.want("shop/x stored")
	}
	base, stop := fx.runAlone(func(*queryapi.Config) {})
	l := listenAt(t, base, operator, "")
	go stop()
	if e := l.next(); e.name != "end" || !strings.Contains(e.data, `"code":"stopping"`) {
		t.Errorf("%+v", e)
	}
	if _, err := l.read(); !errors.Is(err, io.EOF) {
		t.Errorf("it keeps the server: %v", err)
	}
	stop()
}

func TestLiveStreamsOfATokenAreBounded(t *testing.T) {
	fx := newFixture(t)
	streams := make([]*liveStream, 20)
	for i := range streams {
		streams[i] = fx.listen(t, shopOnly, "")
	}
	resp := open(t, shopOnly, fx.base+"/v1/live")
	if body, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") == "" || !strings.Contains(string(body), "too_many_streams") {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	other := fx.listen(t, operator, "")
	_ = streams[0].resp.Body.Close()
	fx.waitUntil("the slot is free", func() bool { return open(t, shopOnly, fx.base+"/v1/live").StatusCode == http.StatusOK })
	fx.settled("shop", sent("x"))
	other.want("shop/x stored")
	for _, l := range streams[1:] {
		l.want("shop/x stored")
	}
}

// Credentials are checked as everywhere; a stream needs NATS.
func TestLiveChecksItsRequest(t *testing.T) {
	fx := newFixture(t)
	for target, want := range map[string]struct {
		token  string
		status int
	}{
		"/v1/live":                     {"", 401},
		"/v1/live?outcome=all":         {writeKey, 401},
		"/v1/live?application=blog":    {shopOnly, 403},
		"/v1/live?application=shop":    {noApplication, 403},
		"/v1/live?outcome=lost":        {operator, 400},
		"/v1/live?filter=x":            {operator, 400},
		"/v1/live?from=now":            {operator, 400},
		"/v1/live?application=unknown": {analyst, 200},
	} {
		if resp := open(t, want.token, fx.base+target); resp.StatusCode != want.status {
			t.Errorf("%s: %d, want %d", target, resp.StatusCode, want.status)
		}
	}
	if resp, body := fx.do(http.MethodHead, operator, "/v1/live"); resp.StatusCode != http.StatusOK || body != "" {
		t.Errorf("HEAD: %d", resp.StatusCode)
	}
	base, _ := fx.runAlone(func(c *queryapi.Config) { c.JetStream = nil })
	if resp := open(t, operator, base+"/v1/live"); resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("without NATS: %d", resp.StatusCode)
	}
}
