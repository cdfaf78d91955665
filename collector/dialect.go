package collector

import (
	"errors"
	"net/http"
	"slices"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/format"
	"github.com/theeye/theeye/shared/format/cloudevents"
	"github.com/theeye/theeye/shared/format/native"
	"github.com/theeye/theeye/shared/httpserver"
	"github.com/theeye/theeye/shared/registry"
)

// dialect is how the clients of a format send events and read answers.
type dialect struct {
	format format.Format
	// isAdapter is set for the formats of other products, which an application must
	// have enabled.
	isAdapter bool
	// keepsNothing is set where events are only validated.
	keepsNothing bool
	// opaque reports whether the body of a request may be anything, compressed data, too;
	// nil for a dialect whose bodies are all text.
	opaque func(h http.Header) bool
	// keysIn returns what may be write keys in the body of a request, which is read
	// where its header and its query have none; nil for a dialect whose bodies carry
	// none.
	keysIn func(r *http.Request, body []byte) []string
	// hideKeys returns the events of a request without the write keys in them; nil for
	// a dialect whose Split leaves them out.
	hideKeys func(items []event.Item, isKey func(secret string) bool) []event.Item
	// keepsRefused is set where clients drop, or send again, a whole request for one
	// bad event. An event that is refused is accepted then, unless it is too large:
	// the processor rejects it and keeps it.
	keepsRefused bool
	// answer answers a request whose events are on disk, unless they are refused.
	answer func(w http.ResponseWriter, results []result) error
}

var (
	nativeDialect = dialect{format: format.Native, answer: answerResults}

	// The clients of CloudEvents take any 2xx for an acknowledgement, so that only
	// the status can say that every event is refused.
	cloudEventsDialect = dialect{
		format: format.CloudEvents, isAdapter: true, opaque: cloudevents.IsBinary, answer: answerResults,
	}

	// The clients of Segment read the status alone, and some of them send a whole
	// batch again for any other than 200.
	segmentDialect = dialect{
		format: format.Segment, isAdapter: true, keysIn: segmentKeys, keepsRefused: true, answer: answerOK,
	}
)

// checkEnabled returns an error unless the application of a key takes events in the
// dialect.
func (d dialect) checkEnabled(key registry.Key) error {
	name := d.format.Name()
	if !d.isAdapter || slices.Contains(key.Settings.Adapters, name) {
		return nil
	}
	return httpserver.NewFailure(http.StatusForbidden, api.CodeAdapterNotEnabled,
		"application "+key.Application+" has not enabled the adapter "+name+": theeye app set "+key.Application+" --adapter "+name)
}

// isOpaque reports whether the body of a request may be anything.
func (d dialect) isOpaque(r *http.Request) bool { return d.opaque != nil && d.opaque(r.Header) }

// answerResults answers with the result of each event.
func answerResults(w http.ResponseWriter, results []result) error {
	status, answer := renderResults(results)
	return writeJSON(w, status, answer)
}

// mayFindKey reports whether an error of authenticate may end when the keys in the
// body are known.
func mayFindKey(err error) bool {
	var f *httpserver.Failure
	return errors.As(err, &f) && (f.Code == api.CodeUnauthorized || f.Code == api.CodeSeveralKeys)
}

// unkeyed stands for the clients of requests whose key is in the body. Together they
// hold the memory of one key with a low limit, whatever they send: that of the
// largest request.
var unkeyed = registry.Key{KeySettings: registry.KeySettings{BytesPerSecond: 1}}

// takeKeyedBody is takeBody for a request whose key is in its body. The body is
// read before it is known who sends it.
func (s *Service) takeKeyedBody(r *http.Request, d dialect) (authenticatedRequest, requestBody, error) {
	if err := s.checkSpace(d); err != nil {
		return authenticatedRequest{}, requestBody{}, err
	}
	b, err := s.bodies.readBody(r, unkeyed, d.isOpaque(r))
	if err != nil {
		return authenticatedRequest{}, requestBody{}, err
	}
	a, err := s.authenticate(r, d, d.keysIn(r, b.data)...)
	if err == nil {
		err = s.limiters.checkExceeded(a.key, minCost(r))
	}
	if err != nil {
		b.release()
		return a, requestBody{}, err
	}
	body, err := s.splitBody(r, a, b)
	return a, body, err
}

// takeBody authenticates a request and reads its body.
func (s *Service) takeBody(r *http.Request, d dialect) (authenticatedRequest, requestBody, error) {
	a, err := s.authenticate(r, d)
	if err != nil {
		if d.keysIn == nil || !mayFindKey(err) {
			return a, requestBody{}, err
		}
		return s.takeKeyedBody(r, d)
	}
	if err := s.checkSpace(d); err != nil {
		return a, requestBody{}, err
	}
	body, err := s.readBody(r, a)
	return a, body, err
}

func (s *Service) checkSpace(d dialect) error {
	if d.keepsNothing {
		return nil
	}
	if err := s.guard(); err != nil {
		return unavailable(api.CodeNoSpace, "the disk has no room", retryLater, err)
	}
	return nil
}

// missingSession returns the setting of the application where the format of the
// request heeds it and it is not the default.
func (a authenticatedRequest) missingSession() string {
	if a.format.Name() == native.Name {
		return ""
	}
	return a.key.Settings.MissingSession
}

// receipt returns what the message of an event says of it.
func (a authenticatedRequest) receipt(sentAt string) event.Receipt {
	return event.Receipt{
		Application: a.key.Application, ReceivedAt: a.received, SentAt: sentAt, MissingSession: a.missingSession(),
	}
}
