package eye

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"time"
)

// scriptedTransport passes requests to the player, and gives its answers.
type scriptedTransport struct{ requests chan *pendingRequest }

type pendingRequest struct {
	*http.Request
	at     time.Time
	body   []byte
	answer chan func() (*http.Response, error)
}

func (t *scriptedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	p := &pendingRequest{r, time.Now(), body, make(chan func() (*http.Response, error), 1)}
	t.requests <- p
	select {
	case answer := <-p.answer:
		return answer()
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// wireEvent is an event as a client sends it.
type wireEvent struct {
	n       int
	id      string
	members map[string]any
}

// answer checks the request of a step, and answers it.
func (p *player) answer(s *step) {
	p.t.Helper()
	var r *pendingRequest
	select {
	case r = <-p.transport.requests:
	default:
		p.t.Fatalf("at %v: no request", time.Since(p.start))
	}
	events := p.checkRequest(r, s)
	a := s.Answer
	go func() {
		time.Sleep(time.Duration(a.After) * time.Millisecond)
		switch a.Fails {
		case "":
			r.answer <- func() (*http.Response, error) { return p.response(a, events), nil }
		case "hangs":
		case "refused":
			r.answer <- func() (*http.Response, error) { return nil, fmt.Errorf("dial: %w", syscall.ECONNREFUSED) }
		case "cut":
			r.answer <- func() (*http.Response, error) {
				resp := p.response(vectorAnswer{Status: 202, Accept: true}, events)
				resp.Body = io.NopCloser(io.MultiReader(io.LimitReader(resp.Body, 20), iotest.ErrReader(io.ErrUnexpectedEOF)))
				return resp, nil
			}
		default: // reset, lost
			r.answer <- func() (*http.Response, error) { return nil, errors.New("connection reset by peer") }
		}
	}()
}

func (p *player) response(a vectorAnswer, events []wireEvent) *http.Response {
	body := a.Text
	switch {
	case a.Accept:
		results := make([]string, len(events))
		for i, e := range events {
			results[i] = fmt.Sprintf(`{"index":%d,"event_id":%q,"status":"accepted"}`, i, e.id)
			if at := slices.IndexFunc(a.Refuse, func(r refusal) bool { return r.N == e.n }); at >= 0 {
				results[i] = fmt.Sprintf(`{"index":%d,"status":"refused","code":%q,"message":"because"}`, i, a.Refuse[at].Code)
			}
		}
		if a.Reversed {
			slices.Reverse(results)
		}
		body = fmt.Sprintf(`{"accepted":%d,"refused":%d,"results":[%s]}`, len(events)-len(a.Refuse), len(a.Refuse), strings.Join(results, ","))
	case a.Problem != "":
		body = fmt.Sprintf(`{"type":"about:blank","title":"x","status":%d,"code":%q,"detail":"because"}`, a.Status, a.Problem)
	}
	resp := &http.Response{StatusCode: a.Status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
	for name, value := range a.Headers {
		resp.Header.Set(name, value)
	}
	for name, ms := range a.Dates {
		resp.Header.Set(name, p.start.Add(time.Duration(ms)*time.Millisecond).UTC().Format(http.TimeFormat))
	}
	return resp
}

// checkRequest compares a request with a step, and returns its events.
func (p *player) checkRequest(r *pendingRequest, s *step) []wireEvent {
	p.t.Helper()
	now := r.at.Sub(p.start)
	if off := now - time.Duration(s.At)*time.Millisecond; off.Abs() > time.Millisecond {
		p.t.Fatalf("a request at %v, want %d ms", now, s.At)
	}
	if r.Method != http.MethodPost || r.URL.String() != "https://collector.example/eye/v1/events" || r.Header.Get("Authorization") != "Bearer the-key" {
		p.t.Errorf("%s %s %v", r.Method, r.URL, r.Header)
	}
	text, encoding := r.body, "identity"
	if r.Header.Get("Content-Encoding") == "gzip" {
		encoding = "gzip"
		unzipped, err := gzip.NewReader(bytes.NewReader(text))
		if err != nil {
			p.t.Fatal(err)
		}
		if text, err = io.ReadAll(unzipped); err != nil {
			p.t.Fatal(err)
		}
	}
	if want := s.Request.Encoding; want != "" && want != encoding {
		p.t.Errorf("at %v: encoding %s, want %s", now, encoding, want)
	}
	var body struct {
		SentAt time.Time `json:"sent_at"`
		Events []json.RawMessage
	}
	if err := json.Unmarshal(text, &body); err != nil {
		p.t.Fatalf("%v: %s", err, text)
	}
	if body.SentAt.Sub(r.at).Abs() > time.Millisecond {
		p.t.Errorf("at %v: sent_at is %v", now, body.SentAt)
	}
	if want := s.Request.BodyMembers; want != nil {
		var all map[string]any
		_ = json.Unmarshal(text, &all)
		p.checkNames(all, want)
	}
	var events []wireEvent
	var got numbers
	for i, raw := range body.Events {
		e := p.checkEvent(raw, s.Request.N, i)
		events = append(events, e)
		got = append(got, e.n)
	}
	if !slices.Equal(got, s.Request.N) {
		p.t.Fatalf("at %v: the request has the events %v, want %v", now, got, s.Request.N)
	}
	for i, want := range s.Request.Events {
		for name, value := range want {
			p.checkMember(name, events[i].members[name], value)
		}
	}
	for _, e := range events {
		if s.Request.Members != nil {
			p.checkNames(e.members, s.Request.Members)
		}
	}
	return events
}

func (p *player) checkNames(got map[string]any, want []string) {
	p.t.Helper()
	names := slices.Sorted(maps.Keys(got))
	if want = slices.Sorted(slices.Values(want)); !slices.Equal(names, want) {
		p.t.Errorf("members %v, want %v", names, want)
	}
}

func (p *player) checkMember(name string, got, want any) {
	p.t.Helper()
	if name == "timestamp" {
		x, err := time.Parse(time.RFC3339Nano, fmt.Sprint(got))
		y, _ := time.Parse(time.RFC3339Nano, fmt.Sprint(want))
		if err != nil || !x.Equal(y) {
			p.t.Errorf("timestamp %v, want %v", got, want)
		}
		return
	}
	if !equalJSON(got, want) {
		p.t.Errorf("%s is %v, want %v", name, got, want)
	}
}

var uuid7 = regexp.MustCompile(`^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

// checkEvent checks the id and the time of an event.
func (p *player) checkEvent(raw []byte, want numbers, i int) wireEvent {
	p.t.Helper()
	var members map[string]any
	if err := json.Unmarshal(raw, &members); err != nil {
		p.t.Fatal(err)
	}
	e := wireEvent{n: numberIn(raw), members: members}
	if e.n == 0 && i < len(want) {
		e.n = want[i] // an event without data
	}
	e.id, _ = members["event_id"].(string)
	if before, known := p.ids[e.n]; known && before != e.id {
		p.t.Errorf("event %d had the id %s, and has %s", e.n, before, e.id)
	} else if !known && p.numberOf(e.id) >= 0 {
		p.t.Errorf("event %d has the id of another", e.n)
	}
	p.ids[e.n] = e.id
	if _, given := p.given[e.n]["event_id"]; !given {
		parts := uuid7.FindStringSubmatch(e.id)
		if parts == nil {
			p.t.Fatalf("event_id is %q", e.id)
		}
		ms, _ := strconv.ParseInt(parts[1]+parts[2], 16, 64)
		if off := time.UnixMilli(ms).Sub(p.enqueued[e.n]); off.Abs() > time.Millisecond {
			p.t.Errorf("the id of event %d is %v off", e.n, off)
		}
	}
	if _, given := p.given[e.n]["timestamp"]; !given {
		p.checkMember("timestamp", members["timestamp"], p.enqueued[e.n].UTC().Format("2006-01-02T15:04:05.000000Z"))
	}
	return e
}

// readIDs returns the ids of the events of a request.
func readIDs(t *testing.T, r *http.Request) (ids []string) {
	t.Helper()
	var in io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		unzipped, err := gzip.NewReader(r.Body)
		if err != nil {
			t.Error(err)
			return nil
		}
		in = unzipped
	}
	var body struct {
		Events []struct {
			EventID string `json:"event_id"`
		}
	}
	if err := json.NewDecoder(in).Decode(&body); err != nil {
		t.Error(err)
	}
	for _, e := range body.Events {
		ids = append(ids, e.EventID)
	}
	return ids
}

// resultsOf returns an answer that accepts events.
func resultsOf(ids []string) string {
	results := make([]string, len(ids))
	for i, id := range ids {
		results[i] = fmt.Sprintf(`{"index":%d,"event_id":%q,"status":"accepted"}`, i, id)
	}
	return `{"results":[` + strings.Join(results, ",") + `]}`
}
