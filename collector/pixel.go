package collector

import (
	"log/slog"
	"maps"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/format"
	"github.com/theeye/theeye/shared/registry"
)

// pixelDialect keeps refused events: no client reads the answer, and the processor says
// why it rejects them.
var pixelDialect = dialect{format: format.Pixel, keepsRefused: true, answer: answerImage}

// servePixel accepts the event in the query of an image. Every answer has the image as its
// body, so that it breaks no mail, and so that a page of another origin, which sees
// whether an image loads and no status, cannot ask which keys exist. The status is that
// of other requests where the key or the moment is refused, and 200 whatever the event
// is.
func (s *Service) servePixel(w http.ResponseWriter, r *http.Request) error {
	if isPrefetch(r.Header) {
		setReason(w.Header(), "prefetch", "the image is loaded ahead and not seen yet; nothing is counted")
		return writeImage(w, http.StatusOK)
	}
	err := s.acceptPixel(w.Header(), r)
	if err == nil {
		return writeImage(w, http.StatusOK)
	}
	f := failureOf(err)
	if f.Cause != nil && f.Status >= http.StatusInternalServerError {
		s.logLimit.Do(func() {
			s.log.WarnContext(r.Context(), "request failed",
				slog.String("route", api.PathPixel), slog.String("code", f.Code), slog.Any("error", f.Cause))
		})
	}
	h := w.Header()
	maps.Copy(h, f.Header)
	if f.RetryAfter > 0 {
		h.Set("Retry-After", strconv.FormatInt(int64(math.Ceil(f.RetryAfter.Seconds())), 10))
	}
	setReason(h, f.Code, f.Detail)
	return writeImage(w, f.Status)
}

// acceptPixel accepts and commits the event of a request, and sets the reason why it will
// be rejected, where the event alone shows it.
func (s *Service) acceptPixel(h http.Header, r *http.Request) error {
	a, body, err := s.takeBody(r, pixelDialect)
	if err != nil {
		return err
	}
	if a.key.Kind == registry.Server {
		body.reservation.refund()
		body.buffer.release()
		return errServerKeyInPage
	}
	item := body.events.Items[0]
	ev, refusal := a.format.Decode(item.Raw, a.receipt(body.events.SentAt))
	if _, err := s.commitBody(a, body); err != nil {
		return err
	}
	switch {
	case refusal != nil:
		setReason(h, refusal.Code, refusal.Message)
	case len(ev.Faults) > 0:
		setReason(h, ev.Faults[0].Code, ev.Faults[0].Message)
	}
	return nil
}

// isPrefetch reports whether a browser loads an image for a page that may be opened
// later. A page that is rendered ahead counts: it does not load the image again when it
// is opened.
func isPrefetch(h http.Header) bool {
	for _, name := range []string{"Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"} {
		if value := strings.ToLower(h.Get(name)); strings.Contains(value, "prefetch") && !strings.Contains(value, "prerender") {
			return true
		}
	}
	return false
}

// setReason sets the header that says why an event is not accepted, or will be rejected.
func setReason(h http.Header, code, message string) {
	const most = 256
	text := strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' {
			return '?'
		}
		return c
	}, message)
	h.Set(api.HeaderReason, code+": "+text[:min(len(text), most)])
}
