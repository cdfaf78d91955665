package analytics

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/format/native"
	"github.com/theeye/theeye/shared/stream"
	"github.com/theeye/theeye/test/analytics/oracle"
)

// listener reads a live stream with random parameters, with interruptions.
type listener struct {
	token, target string
	scope         oracle.Scope
	outcome       string

	resp *http.Response
	in   *bufio.Reader
	// at is the last position that the stream named, last its sequence.
	at   string
	last uint64
	// behind has the outcomes that it has to be shown.
	behind []string
}

func (s *schedule) newListener() *listener {
	l := &listener{outcome: pick(s.generator, "", "all", "stored", "rejected")}
	which := pick(s.generator, "both", "both", "left", "right")
	l.token = tokenOf(s.pair, which)
	l.scope.Applications = map[string][]string{"both": s.apps, "left": s.apps[:1], "right": s.apps[1:]}[which]
	v := url.Values{}
	if l.outcome != "" {
		v.Set("outcome", l.outcome)
	}
	if s.chance(20) {
		l.scope.Applications = l.scope.Applications[:1]
		v.Set("application", l.scope.Applications[0])
	}
	if s.chance(20) {
		l.scope.Session = pick(s.generator, sessions...)
		v.Set("session_id", l.scope.Session)
	}
	if s.chance(20) {
		l.scope.Name = pick(s.generator, "view", "click", "buy", "unknown")
		v.Set("name", l.scope.Name)
	}
	l.scope.Filters = s.filters(2, s.in.clock.now())
	v["filter"] = oracle.Texts(l.scope.Filters)
	l.target = api.PathLive + "?" + v.Encode()
	return l
}

// shows reports whether the listener is shown an outcome.
func (l *listener) shows(e *oracle.Event) bool {
	return (cmp.Or(l.outcome, "all") == "all" || l.outcome == statusOf(e)) && l.scope.Shows(e)
}

// connect opens the stream, behind the last position where there is one.
func (l *listener) connect(t *testing.T, base string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+l.target, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+l.token)
	if l.at != "" {
		r.Header.Set(api.HeaderLastEventID, l.at)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %v, %v", l.target, resp, err)
	}
	l.resp, l.in = resp, bufio.NewReader(resp.Body)
}

// read returns the next outcome, "" at a heartbeat.
func (l *listener) read() (text string, err error) {
	for {
		line, err := l.in.ReadString('\n')
		if err != nil {
			return "", err
		}
		field, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch field {
		case "id":
			l.at = value
			if _, err := fmt.Sscanf(value[strings.IndexByte(value, '-')+1:], "%d", &l.last); err != nil {
				return "", fmt.Errorf("position %q: %w", value, err)
			}
		case "event":
			return "", fmt.Errorf("it says %s", value)
		case "data":
			var o struct {
				Application, Status string
				EventID             string `json:"event_id"`
				Origin              struct{ Seq uint64 }
			}
			if err := json.Unmarshal([]byte(value), &o); err != nil {
				return "", err
			}
			text = fmt.Sprintf("%d %s/%s %s", o.Origin.Seq, o.Application, o.EventID, o.Status)
		case "":
			if line == "\n" {
				return text, nil
			}
		}
	}
}

// catchUp reads until the stream is at a sequence or behind it, and compares. It reads
// at most most outcomes, so that it can stop in the middle.
func (l *listener) catchUp(seq uint64, most int) error {
	for n := 0; n < most && (l.last < seq || len(l.behind) > 0); {
		got, err := l.read()
		if err != nil {
			return fmt.Errorf("%s: %w; missing %v", l.target, err, l.behind)
		}
		if got == "" {
			if l.last >= seq && len(l.behind) > 0 {
				return fmt.Errorf("%s is at %d without %v", l.target, l.last, l.behind)
			}
			continue
		}
		n++
		if len(l.behind) == 0 || got != l.behind[0] {
			return fmt.Errorf("%s shows %q, next were %v", l.target, got, l.behind)
		}
		l.behind = l.behind[1:]
	}
	return nil
}

// publish puts messages into the stream, in their order, and acknowledges them after
// settle wrote their outcomes, as a processor does.
func (s *schedule) publish(t *testing.T, consumer jetstream.Consumer, batch []*message, settle func()) {
	t.Helper()
	for _, m := range batch {
		sent := stream.Message{Application: m.Application, ReceivedAt: m.Received, Format: native.Name, Payload: m.raw}
		ack, err := s.in.js.PublishMsg(t.Context(), sent.Msg(stream.Unregistered(m.Application)))
		if err != nil || ack.Sequence != m.seq {
			t.Fatalf("message %d: %+v, %v", m.seq, ack, err)
		}
	}
	settle()
	for left := len(batch); left > 0; {
		fetched, err := consumer.Fetch(left, jetstream.FetchMaxWait(10*time.Second))
		if err != nil {
			t.Fatal(err)
		}
		for msg := range fetched.Messages() {
			if err := msg.DoubleAck(t.Context()); err != nil {
				t.Fatal(err)
			}
			left--
		}
	}
}

// Random listeners are shown what the model keeps of each message that is its origin, each
// once and in the order of the stream, also over interruptions.
func TestLiveIsTheOraclesAfterAnyInterruption(t *testing.T) {
	in := newInstallation(t)
	server := httptest.NewServer(in.handler)
	consumer, err := in.js.Consumer(t.Context(), stream.Name, stream.Consumer)
	if err != nil {
		t.Fatal(err)
	}
	s := newSchedule(in, 0, 77)
	var listeners []*listener
	t.Cleanup(func() {
		for _, l := range listeners {
			_ = l.resp.Body.Close()
		}
		server.Close()
	})
	for range 12 {
		l := s.newListener()
		l.connect(t, server.URL)
		if _, err := l.read(); err != nil { // the first heartbeat: it listens
			t.Fatal(err)
		}
		listeners = append(listeners, l)
	}
	shown := 0
	for range number(t, "EYE_ORACLE_LIVE_ROUNDS", 20) {
		var batch []*message
		for range 1 + s.IntN(20) {
			batch = append(batch, s.newMessage())
		}
		var away []*listener
		for _, l := range listeners {
			if l.at != "" && s.chance(25) {
				_ = l.resp.Body.Close()
				away = append(away, l)
			}
		}
		s.publish(t, consumer, batch, func() { s.deliver(t.Context(), batch, s.present(), "live") })
		for _, e := range s.keptOf(batch) {
			for _, l := range listeners {
				if l.shows(e.event) {
					l.behind = append(l.behind, e.text())
					shown++
				}
			}
		}
		for _, l := range away {
			l.connect(t, server.URL)
		}
		for _, l := range listeners {
			most := len(s.sent)
			if s.chance(20) {
				most = s.IntN(3)
			}
			if err := l.catchUp(s.seq, most); err != nil {
				t.Fatal(err)
			}
		}
		if s.chance(10) {
			s.changeRetention(t.Context())
		}
	}
	for _, l := range listeners {
		if err := l.catchUp(s.seq, len(s.sent)); err != nil {
			t.Fatal(err)
		}
	}
	if shown < 250 {
		t.Errorf("only %d outcomes were shown", shown)
	}
}

// keptOf returns the outcomes whose origin is a message of the batch, in the order of the
// stream, without those that have expired.
func (s *schedule) keptOf(batch []*message) (list []*kept) {
	now := s.in.clock.now()
	for _, k := range s.model.kept {
		if k.seq >= batch[0].seq && (k.event.Expires.IsZero() || k.event.Expires.After(now)) {
			list = append(list, k)
		}
	}
	slices.SortFunc(list, func(a, b *kept) int { return cmp.Compare(a.seq, b.seq) })
	return list
}

func (k *kept) text() string {
	return fmt.Sprintf("%d %s/%s %s", k.seq, k.event.Application, k.event.ID, statusOf(k.event))
}

func statusOf(e *oracle.Event) string {
	if len(e.Reasons) > 0 {
		return "rejected"
	}
	return "stored"
}
