package collector

import (
	"context"
	"maps"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/format/native"
	"github.com/theeye/theeye/shared/httpserver"
	"github.com/theeye/theeye/shared/schema"
)

// Bounds of the work of validations, which must not slow down what accepts and
// processes events, in one process either.
const (
	// requestWork bounds one request: one event of any cost, or a batch of others.
	requestWork = schema.MaxWork
	// freeWork is what a request may cost without a turn: about 5 ms.
	freeWork = schema.MaxWork / 60
	// turnWait bounds the wait for a turn.
	turnWait = 5 * time.Second
	// coresPerTurn is the share of the cores that costly validations may take.
	coresPerTurn = 4
)

// validationTurns admits costly validations: a few at once, and of each application
// one at a time, so that none waits for the many of another.
type validationTurns struct {
	turns chan struct{} // has room for those that run

	mu sync.Mutex
	// applications have a turn, or wait for one.
	applications map[string]bool
}

func newValidationTurns() *validationTurns {
	return &validationTurns{
		turns:        make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/coresPerTurn)),
		applications: map[string]bool{},
	}
}

// take waits for a turn of an application; give returns it.
func (v *validationTurns) take(ctx context.Context, application string) error {
	v.mu.Lock()
	taken := v.applications[application]
	v.applications[application] = true
	v.mu.Unlock()
	if taken {
		return &httpserver.Failure{
			Status: http.StatusTooManyRequests, Code: api.CodeRateLimited, RetryAfter: retrySoon,
			Detail: "another costly validation of this application is running; validate one batch at a time. Nothing is kept",
		}
	}
	ctx, cancel := context.WithTimeout(ctx, turnWait)
	defer cancel()
	select {
	case v.turns <- struct{}{}:
		return nil
	case <-ctx.Done():
		v.leave(application)
		return httpserver.Unavailable(api.CodeOverloaded, "other costly validations are running; nothing is kept", retryLater, ctx.Err())
	}
}

func (v *validationTurns) give(application string) {
	<-v.turns
	v.leave(application)
}

func (v *validationTurns) leave(application string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.applications, application)
}

// paramFormat names the format of the events to validate.
const paramFormat = "format"

// validatedDialects are the formats whose events are validated, by name. It is not changed.
var validatedDialects = listValidatedDialects()

// listValidatedDialects returns all formats; an application need not have enabled them.
func listValidatedDialects() map[string]dialect {
	all := map[string]dialect{}
	for _, d := range []dialect{nativeDialect, cloudEventsDialect, segmentDialect, snowplowDialect, pixelDialect} {
		d.isAdapter, d.keepsNothing = false, true
		all[d.format.Name()] = d
	}
	return all
}

// asSent returns the dialect of the events of a request to validate, and the request as
// it would be sent to the routes of that format: without the name of the format in its
// query, and by GET if it has no body, as events in a query are sent.
func asSent(r *http.Request) (dialect, *http.Request, error) {
	query := r.URL.Query()
	if !query.Has(paramFormat) {
		return validatedDialects[native.Name], r, nil
	}
	d, ok := validatedDialects[query.Get(paramFormat)]
	if !ok {
		return d, r, httpserver.BadRequest(api.CodeInvalidParameter,
			"format must be one of %s", strings.Join(slices.Sorted(maps.Keys(validatedDialects)), ", "))
	}
	sent := r.Clone(r.Context())
	var kept []string
	for parameter := range strings.SplitSeq(r.URL.RawQuery, "&") {
		if name, _, _ := strings.Cut(parameter, "="); name != paramFormat {
			kept = append(kept, parameter)
		}
	}
	sent.URL.RawQuery = strings.Join(kept, "&")
	if r.ContentLength == 0 {
		sent.Method = http.MethodGet
	}
	return d, sent, nil
}

// serveValidate validates the events of a request as the processor would if
// they were received now, and stores nothing.
func (s *Service) serveValidate(w http.ResponseWriter, r *http.Request) error {
	d, sent, err := asSent(r)
	if err != nil {
		return err
	}
	a, body, err := s.takeBody(sent, d)
	if err != nil {
		return err
	}
	answer, err := s.validateBody(r.Context(), a, body)
	if err != nil {
		return err
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout))
	return writeJSON(w, http.StatusOK, answer)
}

// validateBody validates the events of a body, releases it, and returns the
// answer.
func (s *Service) validateBody(ctx context.Context, a authenticatedRequest, body requestBody) ([]byte, error) {
	defer body.buffer.release()
	v := validation{authenticatedRequest: a, turns: s.turns, left: freeWork}
	defer v.end()
	items := body.events.Items
	out := append(make([]byte, 0, 64+96*len(items)), `{"results":[`...)
	for i, item := range items {
		var err error
		if out, err = v.appendOutcomeOf(ctx, out, i, item, body.events.SentAt); err != nil {
			return nil, err
		}
	}
	return append(out, "]}\n"...), nil
}

// validation is the validation of one request.
type validation struct {
	authenticatedRequest
	turns *validationTurns
	// left is the work that is left, of freeWork or with a turn of requestWork.
	left    schema.Work
	hasTurn bool
}

// end gives back the turn.
func (v *validation) end() {
	if v.hasTurn {
		v.turns.give(v.key.Application)
	}
}

// appendOutcomeOf appends the outcome that an event would have.
func (v *validation) appendOutcomeOf(ctx context.Context, out []byte, index int, item event.Item, sentAt string) ([]byte, error) {
	receipt := v.receipt(sentAt)
	_, refusal := v.inspectItem(item, receipt)
	var ev *event.Event
	if refusal == nil {
		ev, refusal = v.format.Decode(item.Raw, receipt)
	}
	if refusal != nil {
		return append(appendRefused(out, index, refusal), '}'), nil
	}
	verdict, err := v.validate(ctx, ev)
	if err != nil {
		return nil, err
	}
	out = appendOutcome(out, index, ev.EventID, verdict)
	if v.format.Name() != native.Name {
		out = appendTranslated(out, ev)
	}
	return append(out, '}'), nil
}

// validate validates an event within the work that is left.
func (v *validation) validate(ctx context.Context, ev *event.Event) (schema.Verdict, error) {
	for {
		verdict, within := v.snapshot.Schemas.ValidateWithin(ev, v.received, v.key.Application, v.left)
		if within && verdict.Work <= v.left {
			v.left -= verdict.Work
			return verdict, nil
		}
		if v.hasTurn {
			return verdict, httpserver.NewFailure(http.StatusRequestEntityTooLarge, api.CodeTooCostly,
				"these events take too much work to validate in one request; send fewer of them. Nothing is kept")
		}
		if err := v.turns.take(ctx, v.key.Application); err != nil {
			return verdict, err
		}
		v.hasTurn, v.left = true, requestWork
	}
}
