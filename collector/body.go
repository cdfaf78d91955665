package collector

import (
	"context"
	"errors"
	"math"
	"net/http"
	"os"
	"strconv"

	"github.com/nats-io/nats.go"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/httpserver"
	"github.com/theeye/theeye/shared/registry"
)

// maxBody bounds a body in bytes, both as received and decompressed.
const maxBody = 8 << 20

// smallBody is the size up to which a body has memory that large ones do not
// take.
const smallBody = 64 << 10

// requestBody is a decoded request body whose cost has been reserved. The
// caller must release the buffer, which the events alias.
type requestBody struct {
	buffer      *bodyBuffer
	events      event.Batch
	reservation reservation
}

// heldBytes estimates the memory that messages hold until they are committed: that of
// the body, or their own where they were made from a query or from headers.
func (b requestBody) heldBytes(msgs []*nats.Msg) int64 {
	made := 0
	for _, m := range msgs {
		made += len(m.Data)
	}
	return int64(max(cap(b.buffer.data), made) + eventOverhead*len(msgs))
}

// readBody reads the body of an authenticated request, splits it into events
// and reserves its cost from the rate limits of the write key. An error
// concerns the request as a whole; nothing is reserved then.
func (s *Service) readBody(r *http.Request, a authenticatedRequest) (requestBody, error) {
	// A key over its limits must not cost the work on its bodies.
	if err := s.limiters.checkExceeded(a.key, minCost(r)); err != nil {
		return requestBody{}, err
	}
	b, err := s.bodies.readBody(r, a.key, a.isOpaque(r))
	if err != nil {
		return requestBody{}, err
	}
	return s.splitBody(r, a, b)
}

// splitBody splits a body that is read, and reserves its cost. An error releases
// the buffer.
func (s *Service) splitBody(r *http.Request, a authenticatedRequest, b *bodyBuffer) (requestBody, error) {
	body := requestBody{buffer: b}
	var err error
	if body.events, err = a.format.Split(r, b.data, maxEvents); err == nil {
		// Events may be in the query, too.
		body.reservation, err = s.limiters.reserve(a.key, cost{events: len(body.events.Items), bytes: max(len(b.data), len(r.URL.RawQuery))})
	}
	if err != nil {
		b.release()
		return requestBody{}, err
	}
	if a.hideKeys != nil {
		body.events.Items = a.hideKeys(body.events.Items, a.isKey)
	}
	return body, nil
}

// minCost is a lower bound of the cost of a request, from its headers.
func minCost(r *http.Request) cost {
	least := cost{events: 1, bytes: 1}
	if r.Header.Get("Content-Encoding") == "" && r.ContentLength <= maxBody {
		least.bytes = int(max(r.ContentLength, 1))
	}
	return least
}

// bodyReader reads bodies within one memory budget for all requests together,
// which the write keys share.
type bodyReader struct {
	budget *httpserver.Budget[keyID]
	gzip   gzipDecoder
}

var (
	errTooLarge = httpserver.NewFailure(http.StatusRequestEntityTooLarge, api.CodeBodyTooLarge,
		"a body has at most "+strconv.Itoa(maxBody)+" bytes, decompressed")

	// errBodyTimeout closes the connection: the bytes that follow on it are the
	// rest of the body.
	errBodyTimeout = &httpserver.Failure{
		Status: http.StatusRequestTimeout, Code: api.CodeBodyTimeout,
		Detail: "the body did not arrive in time; send smaller batches on a slow connection",
		Header: http.Header{"Connection": {"close"}},
	}

	// errShareExceeded means that the bodies of a key hold its share already.
	errShareExceeded = unavailable(api.CodeOverloaded,
		"requests of this write key hold all memory that it may have for bodies; send fewer at a time", retrySoon, nil)
)

// readBody reads the body of a request, and decompresses it if its bytes are gzip; one
// that is opaque, only if the header says so, too. The size that a body claims is
// reserved before it is read. The caller must release the buffer.
func (d *bodyReader) readBody(r *http.Request, k registry.Key, opaque bool) (*bodyBuffer, error) {
	if r.ContentLength > maxBody {
		return nil, errTooLarge
	}
	b := newBuffer(d.budget, k, httpserver.BodyTransfer(r))
	likely := int(max(r.ContentLength, 0))
	if err := b.reserve(r.Context(), likely+1); err != nil {
		return nil, err
	}
	if err := b.readFrom(r.Context(), r.Body, likely); err != nil {
		b.release()
		return nil, bodyFailure(err)
	}
	if opaque && r.Header.Get("Content-Encoding") == "" {
		return b, nil
	}
	if !isGzip(b.data) {
		if err := checkPlain(r.Header, b.data); err != nil {
			b.release()
			return nil, err
		}
		return b, nil
	}
	defer b.release()
	return d.gzip.decompress(r.Context(), b)
}

// maxHeld returns how much memory the bodies of a key may hold, in each part of
// the budget. That of a limited key is what its rates can use at a time, but
// enough for the largest request.
func maxHeld(k registry.Key) int64 {
	const (
		least = 2 * (maxBody + 1) // compressed and decompressed
		most  = math.MaxInt64 / firstRead
	)
	held := int64(most)
	if k.EventsPerSecond > 0 {
		held = min(held, max(min(k.EventsPerSecond, most/firstRead), maxEvents)*firstRead)
	}
	if k.BytesPerSecond > 0 {
		held = min(held, 2*min(k.BytesPerSecond, most/2))
	}
	return max(held, least)
}

// bodyFailure returns why a body could not be read. An unknown error is the
// client's: a broken connection or a broken chunk.
func bodyFailure(err error) error {
	var f *httpserver.Failure
	switch {
	case errors.As(err, &f):
		return err
	case errors.Is(err, httpserver.ErrGaveWay):
		return errShareExceeded
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errBodyTimeout
	case errors.Is(err, context.Canceled):
		return httpserver.NewFailure(http.StatusBadRequest, api.CodeBodyIncomplete, "the client closed the connection")
	}
	return httpserver.NewFailure(http.StatusBadRequest, api.CodeBodyIncomplete, "the body ends too early, or its chunks are broken")
}
