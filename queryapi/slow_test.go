package queryapi_test

import (
	"bufio"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/theeye/theeye/queryapi"
	"github.com/theeye/theeye/shared/store"
)

// putLargeEvents writes events of n bytes each, together more than a page.
func (fx *fixture) putLargeEvents(count, n int) {
	fx.t.Helper()
	data := `"text":"` + strings.Repeat("x", n) + `"`
	docs := make([]*store.Document, count)
	for i := range docs {
		raw := anEvent(fmt.Sprintf("large-%03d", i), aSession, "c", "n", "2026-01-01T00:00:00Z")
		docs[i] = fx.document("shop", time.Now(), strings.Replace(raw, `"host":"www.example.com"`, data, 1))
	}
	fx.writeDocuments(docs...)
}

// answerBytes returns the memory that answers hold, by its metric.
func (fx *fixture) answerBytes() float64 {
	fx.t.Helper()
	families, err := fx.metrics.Gather()
	if err != nil {
		fx.t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "eye_queryapi_answer_bytes" {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	fx.t.Fatal("there is no such metric")
	return 0
}

// waitUntil polls until ok returns true, and fails the test after 30 s.
func (fx *fixture) waitUntil(what string, ok func() bool) {
	fx.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.After(30 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-late:
			fx.t.Fatalf("timed out: %s", what)
		}
	}
}

// askAndNeverRead asks for a page over a connection that takes little, and never
// reads the answer.
func (fx *fixture) askAndNeverRead(token, target string) net.Conn {
	fx.t.Helper()
	conn, err := net.Dial("tcp", fx.service.Addr().String())
	if err != nil {
		fx.t.Fatal(err)
	}
	fx.t.Cleanup(func() { _ = conn.Close() })
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetReadBuffer(4 << 10)
	}
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n", target, token); err != nil {
		fx.t.Fatal(err)
	}
	return conn
}

// getPlain sends a GET by a client that leaves the answer as it is on the wire.
func (fx *fixture) getPlain(token, target, acceptEncoding string) (*http.Response, []byte) {
	fx.t.Helper()
	req, err := http.NewRequestWithContext(fx.ctx(), http.MethodGet, fx.base+target, http.NoBody)
	if err != nil {
		fx.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	if acceptEncoding != "" {
		req.Header.Set("Accept-Encoding", acceptEncoding)
	}
	client := http.Client{Transport: &http.Transport{DisableCompression: true, DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		fx.t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil {
		fx.t.Fatal(err)
	}
	return resp, body
}

// Clients that never read their answers hold neither slots nor more memory than
// the budget has, and keep no other client waiting.
func TestSlowReadersKeepNoOneWaiting(t *testing.T) {
	const budget = 64 << 20
	fx := newFixture(t, func(c *queryapi.Config) { c.MaxInFlight, c.AnswerBytes = 8, budget })
	// A page and its documents take 14 MiB: less than a third of the budget, which is the
	// share of each of three tokens.
	fx.putLargeEvents(28, 256<<10)
	for range 70 {
		fx.askAndNeverRead(analyst, "/v1/events?limit=1000")
	}
	fx.waitUntil("answers are stuck", func() bool { return fx.answerBytes() > 8<<20 })
	for i := range 30 {
		for target, token := range map[string]string{"/v1/status": operator, "/v1/events?limit=1": operator, "/v1/rejected": shopOnly} {
			if resp, body := fx.getPlain(token, target, ""); resp.StatusCode != http.StatusOK {
				t.Errorf("request %d, %s: %d %.200s", i, target, resp.StatusCode, body)
			}
		}
		if i%10 == 0 {
			resp, body := fx.getPlain(shopOnly, "/v1/events?limit=1000", "")
			if resp.StatusCode != http.StatusOK || len(body) < 7<<20 {
				t.Errorf("a large page beside: %d %.200s", resp.StatusCode, body)
			}
		}
		if got := fx.answerBytes(); got > budget {
			t.Errorf("answers hold %v bytes of %d", got, budget)
		}
	}
}

// A token's own stuck answers leave room for its small ones, and give way to its
// large ones once they are far behind.
func TestStuckAnswersGiveWay(t *testing.T) {
	fx := newFixture(t, func(c *queryapi.Config) { c.AnswerBytes = 64 << 20 })
	fx.putLargeEvents(40, 256<<10)
	for range 20 {
		fx.askAndNeverRead(shopOnly, "/v1/events?limit=1000")
	}
	fx.waitUntil("answers are stuck", func() bool { return fx.answerBytes() > 8<<20 })
	for range 20 {
		if resp, body := fx.getPlain(shopOnly, "/v1/rejected", ""); resp.StatusCode != http.StatusOK {
			t.Errorf("a small answer: %d %.200s", resp.StatusCode, body)
		}
	}
	fx.waitUntil("a large one is answered", func() bool {
		resp, body := fx.getPlain(shopOnly, "/v1/events?limit=1000", "")
		if resp.StatusCode == http.StatusServiceUnavailable {
			if !strings.Contains(string(body), `"code":"overloaded"`) || resp.Header.Get("Retry-After") == "" {
				t.Errorf("%v %s", resp.Header, body)
			}
			return false
		}
		return resp.StatusCode == http.StatusOK && len(body) > 8<<20
	})
}

// Queries of analysts in work leave the slots of operators free.
func TestOperatorsHaveSlotsOfTheirOwn(t *testing.T) {
	b := &broken{}
	entered, release := make(chan struct{}), make(chan struct{})
	fx := newFixture(t, func(c *queryapi.Config) { b.Store, c.Store, c.MaxInFlight = c.Store, b, 2 })
	b.events = func(context.Context) error {
		entered <- struct{}{}
		<-release
		return nil
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		fx.getPlain(analyst, "/v1/events", "")
	}()
	<-entered
	if resp, body := fx.getPlain(analyst, "/v1/rejected", ""); resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a second query of the token: %d %.200s", resp.StatusCode, body)
	}
	if resp, body := fx.getPlain(shopOnly, "/v1/rejected", ""); resp.StatusCode != http.StatusOK {
		t.Errorf("a query of another token: %d %.200s", resp.StatusCode, body)
	}
	for _, target := range []string{"/v1/status", "/v1/rejected", "/v1/schemas"} {
		if resp, body := fx.getPlain(operator, target, ""); resp.StatusCode != http.StatusOK {
			t.Errorf("%s of an operator: %d %.200s", target, resp.StatusCode, body)
		}
	}
	close(release)
	<-done
}

// A declaration that arrives slowly holds no slot.
func TestSlowBodiesHoldNoSlot(t *testing.T) {
	fx := newFixture(t, func(c *queryapi.Config) { c.MaxInFlight = 1 })
	for range 20 {
		conn, err := net.Dial("tcp", fx.service.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		_, err = fmt.Fprintf(conn, "PUT /v1/policy HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Length: 500\r\n\r\n{", operator)
		if err != nil {
			t.Fatal(err)
		}
	}
	fx.waitUntil("the bodies are awaited", func() bool { return fx.answerBytes() >= 20*500 })
	if resp, body := fx.getPlain(operator, "/v1/status", ""); resp.StatusCode != http.StatusOK {
		t.Errorf("%d %.200s", resp.StatusCode, body)
	}
}

// Answers are compressed where the client asks for it and it pays.
func TestAnswersAreCompressed(t *testing.T) {
	fx := newFixture(t)
	fx.putLargeEvents(3, 4<<10)
	_, plain := fx.getPlain(operator, "/v1/events", "")
	for accept, want := range map[string]string{
		"": "", "gzip": "gzip", "gzip, deflate, br": "gzip", "GZip": "gzip", "x-gzip": "gzip", "*": "gzip", "gzip;q=0.1": "gzip",
		"identity;q=0.5, gzip;q=1.0": "gzip", "br;q=1, gzip ; q=0.8": "gzip", "gzip;q=0": "", "*;q=0": "", "gzip;q=0, *": "", "br": "",
		"identity, gzip;q=0.5": "", "identity": "", "deflate, br;q=0.9": "", "gzip;q=x": "", "gzipped": "", ",,gzip": "gzip", "gzip;q=2": "", "*;q=0, gzip": "gzip",
	} {
		resp, body := fx.getPlain(operator, "/v1/events", accept)
		if got := resp.Header.Get("Content-Encoding"); got != want || resp.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%q: %q, Vary %q", accept, got, resp.Header.Get("Vary"))
		}
		if got := resp.Header.Get("Content-Length"); got != strconv.Itoa(len(body)) {
			t.Errorf("%q: length %s of %d bytes", accept, got, len(body))
		}
		if want == "gzip" {
			if len(body)*4 > len(plain) {
				t.Errorf("%q: %d bytes of %d", accept, len(body), len(plain))
			}
			body = unzip(t, body)
		}
		if string(body) != string(plain) {
			t.Errorf("%q: %.200s", accept, body)
		}
	}
}

// An answer to a POST is compressed as one to a GET is, and a change is not.
func TestAnswersToQuestionsInABodyAreCompressed(t *testing.T) {
	fx := newFixture(t)
	fx.awaitColumns()
	queries := make([]string, 12)
	for i := range queries {
		queries[i] = fmt.Sprintf(`{"id":"%d","kind":"timeseries","interval":"hour"}`, i)
	}
	a := fx.send(http.MethodPost, operator, "/v1/stats/query", `{"queries":[`+strings.Join(queries, ",")+`]}`, "Accept-Encoding", "gzip")
	if a.status != http.StatusOK || a.header.Get("Content-Encoding") != "gzip" {
		t.Fatalf("%d, Content-Encoding %q: %.200s", a.status, a.header.Get("Content-Encoding"), a.raw)
	}
	if plain := unzip(t, []byte(a.raw)); !strings.Contains(string(plain), `"results"`) {
		t.Errorf("%.200s", plain)
	}
	long := `{"type":"object","description":"` + strings.Repeat("long ", 1000) + `"}`
	if a := fx.send(http.MethodPut, operator, "/v1/schemas/c/n", long, "Accept-Encoding", "gzip"); a.header.Get("Content-Encoding") != "" {
		t.Errorf("%d of a change is compressed", a.status)
	}
}

func unzip(t *testing.T, body []byte) []byte {
	t.Helper()
	z, err := gzip.NewReader(strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

// Small answers, answers with an ETag and problems are never compressed; the
// document is.
func TestSomeAnswersStayPlain(t *testing.T) {
	fx := newFixture(t)
	long := `{"type": "object", "description": "` + strings.Repeat("long ", 1000) + `"}`
	made := fx.asOperator(201, "PUT", "/v1/schemas/c/n", long)
	for _, target := range []string{"/v1/rejected", "/v1/schemas/c/n", "/v1/events?limit=x", "/v1/nothing", "/healthz"} {
		if resp, _ := fx.getPlain(operator, target, "gzip"); resp.Header.Get("Content-Encoding") != "" {
			t.Errorf("%s is compressed", target)
		}
	}
	if resp, body := fx.getPlain(operator, "/v1/schemas/c/n", "gzip"); resp.Header.Get("ETag") != quoted(made.Revision) || !strings.Contains(string(body), "long long") {
		t.Errorf("ETag %s, %.100s", resp.Header.Get("ETag"), body)
	}
	_, plain := fx.getPlain("", "/openapi.json", "")
	resp, zipped := fx.getPlain("", "/openapi.json", "gzip")
	if resp.Header.Get("Content-Encoding") != "gzip" || string(unzip(t, zipped)) != string(plain) || resp.Header.Get("Vary") != "Accept-Encoding" {
		t.Errorf("the document: %v", resp.Header)
	}
}

// HEAD has the headers of the answer to GET.
func TestHeadHasTheHeadersOfGet(t *testing.T) {
	fx := newFixture(t)
	fx.putLargeEvents(3, 4<<10)
	for _, accept := range []string{"gzip", "identity"} {
		conn, err := net.Dial("tcp", fx.service.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		r := bufio.NewReader(conn)
		var got [2]http.Header
		for i, method := range []string{http.MethodHead, http.MethodGet} {
			_, err := fmt.Fprintf(conn, "%s /v1/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nAccept-Encoding: %s\r\n\r\n", method, operator, accept)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := http.ReadResponse(r, &http.Request{Method: method})
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			got[i] = resp.Header
		}
		for _, name := range []string{"Content-Length", "Content-Encoding", "Content-Type", "Vary"} {
			if got[0].Get(name) != got[1].Get(name) {
				t.Errorf("%s: %s %q of HEAD, %q of GET", accept, name, got[0].Get(name), got[1].Get(name))
			}
		}
	}
}

// All spellings of a path are one route, with the same rights.
func TestSpellingsOfAPathAreOneRoute(t *testing.T) {
	fx := newFixture(t)
	fx.putEvents("shop", time.Now(), anEvent("a/b", aSession, "c", "n", "2026-01-01T00:00:00Z"))
	for _, path := range []string{
		"/v1/events/a%2Fb", "/v1/events/a%2fb/", "//v1/events/a%2Fb", "/v1/%65vents/%61%2Fb", "/v1/./events/a%2Fb", "/v1/x/../events/a%2Fb",
	} {
		if resp, body := fx.getPlain(operator, path, ""); resp.StatusCode != http.StatusOK || !strings.Contains(string(body), `"event_id":"a/b"`) {
			t.Errorf("%s: %d %.200s", path, resp.StatusCode, body)
		}
	}
	for _, path := range []string{"/v1/status/", "//v1/status", "/v1/%73tatus", "/v1/events/../status/", "/v1/./tokens"} {
		if resp, body := fx.getPlain(analyst, path, ""); resp.StatusCode != http.StatusForbidden {
			t.Errorf("%s for an analyst: %d %.200s", path, resp.StatusCode, body)
		}
		if resp, body := fx.getPlain(operator, path, ""); resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %.200s", path, resp.StatusCode, body)
		}
	}
}
