package httpapi

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/theeye/theeye/queryapi/eventjson"
	"github.com/theeye/theeye/queryapi/live"
	"github.com/theeye/theeye/queryapi/problem"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/httpserver"
	"github.com/theeye/theeye/shared/store"
)

const (
	// maxStreams bounds the live streams; one token has at most maxTokenStreams.
	maxStreams      = 100
	maxTokenStreams = 20
	retryStream     = 10 * time.Second
	// rightsInterval is how often a stream checks that its token is still valid.
	rightsInterval = time.Second
	// defaultHeartbeat is how often a stream without events sends something.
	defaultHeartbeat = 15 * time.Second
)

// outcomeAll is the value of parameter outcome for both outcomes.
const outcomeAll = "all"

// liveOutcomes are the values of parameter outcome; the default is outcomeAll.
var liveOutcomes = []string{api.StatusStored, api.StatusRejected, outcomeAll}

// liveQuery are the parameters that a live stream alone has.
type liveQuery struct{ outcome string }

var errServerStops = errors.New("the server stops")

// streamLive answers GET /v1/live: outcomes as they happen, as server-sent events.
func (s *service) streamLive(w http.ResponseWriter, r *http.Request) error {
	p, secret, err := s.admitStream(r)
	if err != nil {
		return err
	}
	q, err := parseParams(r, liveParams)
	if err != nil {
		return err
	}
	held, err := newRights(p, secret, q.Application)
	if err != nil {
		return err
	}
	after, err := lastEvent(r.Header)
	if err != nil {
		return err
	}
	if r.Method != http.MethodHead {
		if !s.streams.takeSlot(p.ID) {
			return &problem.Error{Code: api.CodeTooManyStreams, RetryAfter: retryStream, Detail: "too many live streams are open already, of this token or of all"}
		}
		defer s.streams.freeSlot(p.ID)
	}
	h := w.Header()
	if r.Method == http.MethodHead {
		setLiveHeaders(h)
		w.WriteHeader(http.StatusOK)
		return nil
	}
	sub, err := s.live.Subscribe(r.Context(), q.matchLive(held.applications), after)
	if err != nil {
		return err
	}
	defer sub.Close()
	setLiveHeaders(h)
	out := newStream(w, false)
	defer out.releaseWriter()
	(&liveStream{out: out, sub: sub, heartbeat: s.heartbeat, check: func() error { return s.checkRights(held) }}).writeStream(r.Context())
	return nil
}

func setLiveHeaders(h http.Header) {
	h.Set("Content-Type", api.ContentTypeEvents)
	h.Set("Cache-Control", cachePrivate)
	h.Set("X-Accel-Buffering", "no") // nginx would hold events back
}

// lastEvent returns the position after which a client goes on, nil without one.
func lastEvent(h http.Header) (*store.Origin, error) {
	id := h.Get(api.HeaderLastEventID)
	if id == "" {
		return nil, nil
	}
	at, err := live.ParsePosition(id)
	if err != nil {
		return nil, httpserver.BadRequest(api.CodeInvalidHeader, "header %s is not the id of an event of this stream", api.HeaderLastEventID)
	}
	return &at, nil
}

// matchLive returns what decides whether an outcome is shown.
func (p *params) matchLive(applications []string) func(*store.Document) bool {
	allowed := make(map[string]bool, len(applications))
	for _, name := range applications {
		allowed[name] = true
	}
	status := store.Status(cmp.Or(p.live.outcome, outcomeAll))
	matches := matchFilter(p.Filters)
	return func(d *store.Document) bool {
		return (applications == nil || allowed[d.Application]) && (status == outcomeAll || d.Status == status) &&
			(p.SessionID == "" || d.SessionID == p.SessionID) && (p.Category == "" || d.Category == p.Category) &&
			(p.Name == "" || d.Name == p.Name) && (matches == nil || matches(d))
	}
}

// liveStream writes the events of a subscription.
type liveStream struct {
	out       *streamWriter
	sub       *live.Subscription
	heartbeat time.Duration
	check     func() error
	buf       []byte
	wrote     time.Time
}

// writeStream writes until the client is gone, the token is not valid any more, or the
// server stops.
func (l *liveStream) writeStream(ctx context.Context) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stopping := httpserver.Stopping(ctx)
	go func() {
		select {
		case <-stopping:
			cancel(errServerStops)
		case <-ctx.Done():
		}
	}()
	l.appendHeartbeat()
	for l.send() == nil {
		events, err := l.next(ctx)
		var dropped *live.DroppedError
		switch {
		case errors.Is(context.Cause(ctx), errServerStops):
			l.endStream(api.CodeStopping, "the server stops; connect again")
			return
		case ctx.Err() != nil:
			return
		case errors.As(err, &dropped):
			l.appendData(api.LiveDropped, "", api.LiveDroppedData{Missed: dropped.Missed, Resume: live.FormatPosition(dropped.Resume)})
			_ = l.send()
			return
		}
		if err := l.check(); err != nil {
			l.endWithoutRights(err)
			return
		}
		for _, e := range events {
			if l.appendEvent(e); len(l.buf) >= flushSize && l.send() != nil {
				return
			}
		}
		if len(l.buf) == 0 && time.Since(l.wrote) >= l.heartbeat {
			l.appendHeartbeat()
		}
	}
}

// next waits for events, no longer than until the next check of the rights or the
// next heartbeat.
func (l *liveStream) next(ctx context.Context) ([]live.Event, error) {
	ctx, cancel := context.WithTimeout(ctx, min(rightsInterval, max(l.heartbeat-time.Since(l.wrote), 0)))
	defer cancel()
	return l.sub.Next(ctx)
}

// send writes the appended lines.
func (l *liveStream) send() error {
	if len(l.buf) == 0 {
		return nil
	}
	l.wrote = time.Now()
	_, err := l.out.Write(l.buf)
	if l.buf = l.buf[:0]; cap(l.buf) > 4*flushSize {
		l.buf = nil // of a large event
	}
	if err != nil {
		return err
	}
	return l.out.flush()
}

func (l *liveStream) appendEvent(e live.Event) {
	id := live.FormatPosition(e.Position)
	if e.Gap != nil {
		l.appendData(api.LiveGap, id, api.LiveGapData{After: live.FormatPosition(e.Gap.After), Resume: id, Missed: e.Gap.Missed})
		return
	}
	l.buf = append(append(append(l.buf, "id: "...), id...), "\ndata: "...)
	l.buf = append(eventjson.Append(l.buf, e.Document), "\n\n"...)
}

// appendHeartbeat appends a comment, and the position up to which nothing else
// matched, so that a client that waits for rare events can resume. An event without
// data reaches no listener.
func (l *liveStream) appendHeartbeat() {
	l.buf = append(l.buf, ": hb\n"...)
	if at, ok := l.sub.Position(); ok {
		l.buf = append(append(append(l.buf, "id: "...), live.FormatPosition(at)...), '\n')
	}
	l.buf = append(l.buf, '\n')
}

// appendData appends an event with a name.
func (l *liveStream) appendData(name, id string, data any) {
	l.buf = append(append(append(l.buf, "event: "...), name...), '\n')
	if id != "" {
		l.buf = append(append(append(l.buf, "id: "...), id...), '\n')
	}
	raw, err := json.Marshal(data)
	if err != nil {
		raw = []byte("{}") // numbers and short texts always encode
	}
	l.buf = append(append(append(l.buf, "data: "...), raw...), "\n\n"...)
}

func (l *liveStream) endWithoutRights(err error) {
	code, detail := api.CodeApplicationNotAllowed, err.Error()
	var p *problem.Error
	if errors.As(err, &p) {
		code, detail = p.Code, p.Detail
	}
	l.endStream(code, detail)
}

// endStream says why the stream ends.
func (l *liveStream) endStream(code, detail string) {
	l.appendData(api.LiveEnd, "", api.LiveEndData{Code: code, Detail: detail})
	_ = l.send()
}
