package collector

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/httpserver"
)

const (
	// maxBody bounds a body in bytes, both as received and decompressed.
	maxBody = 8 << 20
	// firstRead is the initial buffer size of every body.
	firstRead = 16 << 10
	// maxExcess bounds how much is read and discarded of a body that is too
	// large, so that its client gets to read the answer.
	maxExcess = 8 << 20
)

// requestBody is a decoded request body whose cost has been reserved. The
// caller must release the buffer, which the events alias.
type requestBody struct {
	buffer      *bodyBuffer
	events      event.Batch
	reservation reservation
}

// readBody reads the body of an authenticated request, splits it into events
// and reserves its cost from the rate limits of the write key. An error
// concerns the request as a whole; nothing is reserved then.
func (s *Service) readBody(w http.ResponseWriter, r *http.Request, a authenticatedRequest) (requestBody, error) {
	// A key over its limits must not cost the work on its bodies.
	if err := s.limiters.checkExceeded(a.key, minCost(r)); err != nil {
		s.bodies.discardBody(w, r)
		return requestBody{}, err
	}
	b, err := s.bodies.readBody(w, r)
	if err != nil {
		return requestBody{}, err
	}
	body := requestBody{buffer: b}
	if body.events, err = a.format.Split(r, b.data, maxEvents); err == nil {
		body.reservation, err = s.limiters.reserve(a.key, cost{events: len(body.events.Items), bytes: len(b.data)})
	}
	if err != nil {
		b.release()
		return requestBody{}, err
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

// bodyReader reads bodies within one memory budget for all requests together.
type bodyReader struct {
	budget  memoryBudget
	timeout time.Duration
	gzip    gzipDecoder
}

var (
	errTooLarge = httpserver.NewFailure(http.StatusRequestEntityTooLarge, api.CodeBodyTooLarge,
		"a body has at most "+strconv.Itoa(maxBody)+" bytes, decompressed")

	// errBodyTimeout closes the connection: the bytes that follow on it are the
	// rest of the body.
	errBodyTimeout = &httpserver.Failure{
		Status: http.StatusRequestTimeout, Code: api.CodeBodyTimeout, Detail: "the body did not arrive in time",
		Header: http.Header{"Connection": {"close"}},
	}
)

// readBody reads the body of a request and decompresses it. The caller must
// release the buffer.
func (d *bodyReader) readBody(w http.ResponseWriter, r *http.Request) (*bodyBuffer, error) {
	compressed, err := checkEncoding(r.Header)
	if err != nil {
		return nil, err
	}
	if r.ContentLength > maxBody {
		d.discardBody(w, r)
		return nil, errTooLarge
	}
	d.setDeadline(w)
	b := &bodyBuffer{budget: &d.budget}
	if err := b.readFrom(r.Body, int(max(r.ContentLength, 0))); err != nil {
		b.release()
		if errors.Is(err, errTooLarge) {
			discardExcess(r.Body)
		}
		return nil, bodyFailure(err)
	}
	// After a failure the deadline stays: nothing may wait for the rest.
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	if !compressed && !isGzip(b.data) {
		return b, nil
	}
	defer b.release()
	return d.gzip.decompress(r.Context(), b)
}

// discardBody discards the body of a request that is answered without it. A
// client that expects 100 Continue has not sent it and does not get to.
func (d *bodyReader) discardBody(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Expect") == "" {
		d.setDeadline(w)
		discardExcess(r.Body)
	}
}

// setDeadline bounds the arrival of a body. A writer without deadlines, as in
// tests, is bounded by its caller.
func (d *bodyReader) setDeadline(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(d.timeout))
}

// discardExcess reads up to maxExcess bytes and drops them: if the connection is
// reset while its client still sends, the answer is lost.
func discardExcess(source io.Reader) { _, _ = io.CopyN(io.Discard, source, maxExcess) }

// bodyFailure returns why a body could not be read. An unknown error is the
// client's: a broken connection or a broken chunk.
func bodyFailure(err error) error {
	var f *httpserver.Failure
	switch {
	case errors.As(err, &f), errors.Is(err, errOverloaded):
		return err
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errBodyTimeout
	}
	return httpserver.NewFailure(http.StatusBadRequest, api.CodeBodyIncomplete, "the body ends too early, or its chunks are broken")
}

// bodyBuffer holds the text of one body. release returns its memory to the
// budget; nothing may alias the data after that.
type bodyBuffer struct {
	data   []byte
	budget *memoryBudget
}

var bufferPool = sync.Pool{New: func() any { return new([firstRead]byte) }}

// release may be called once.
func (b *bodyBuffer) release() {
	b.budget.freeBytes(cap(b.data))
	if cap(b.data) == firstRead {
		bufferPool.Put((*[firstRead]byte)(b.data[:firstRead]))
	}
	b.data = nil
}

// growTo grows the buffer to a capacity of size bytes.
func (b *bodyBuffer) growTo(size int) error {
	if !b.budget.reserveBytes(size) {
		return errOverloaded
	}
	if size == firstRead {
		b.data = bufferPool.Get().(*[firstRead]byte)[:0]
		return nil
	}
	old := *b
	b.data = append(make([]byte, 0, size), old.data...)
	if cap(old.data) > 0 {
		old.release()
	}
	return nil
}

// readFrom reads source to its end, at most maxBody bytes. likely is the
// expected size, or 0: the buffer grows to it, but never beyond four times the
// bytes that have arrived.
func (b *bodyBuffer) readFrom(source io.Reader, likely int) error {
	for {
		if len(b.data) == cap(b.data) {
			if err := b.growTo(nextSize(cap(b.data), likely)); err != nil {
				return err
			}
		}
		n, err := source.Read(b.data[len(b.data):cap(b.data)])
		b.data = b.data[:len(b.data)+n]
		switch {
		case len(b.data) > maxBody:
			return errTooLarge
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}

// nextSize returns the capacity that follows size. One byte more than likely
// lets the end be seen without growing again.
func nextSize(size, likely int) int {
	next := max(4*size, firstRead)
	if likely >= size && likely < next {
		next = max(likely+1, firstRead)
	}
	return min(next, maxBody+1)
}

// memoryBudget bounds memory. It never blocks: requests that hold a part of it
// and wait for more would block each other.
type memoryBudget struct {
	limit int64
	used  atomic.Int64
}

// reserveBytes reserves n bytes and reports whether they were available.
func (b *memoryBudget) reserveBytes(n int) bool {
	if b.used.Add(int64(n)) <= b.limit {
		return true
	}
	b.freeBytes(n)
	return false
}

func (b *memoryBudget) freeBytes(n int) { b.used.Add(-int64(n)) }

const (
	// maxGzipRatio is more than deflate can save: its best is 1 : 1032.
	maxGzipRatio = 1032
	// minGzip is the size of the smallest gzip file: header and trailer.
	minGzip = 18
)

var (
	errInvalidGzip = httpserver.NewFailure(http.StatusBadRequest, api.CodeInvalidGzip, "the body is not valid gzip, or ends too early")

	errEncoding = &httpserver.Failure{
		Status: http.StatusUnsupportedMediaType, Code: api.CodeUnsupportedEncoding,
		Detail: "a body may be compressed with gzip, once, or not at all",
		Header: http.Header{"Accept-Encoding": {"gzip"}},
	}
)

// checkEncoding reports whether the headers say that the body is gzip. Other
// encodings, and several at once, are refused.
func checkEncoding(h http.Header) (compressed bool, err error) {
	switch strings.ToLower(strings.TrimSpace(strings.Join(h["Content-Encoding"], ","))) {
	case "", "identity":
		return false, nil
	case "gzip", "x-gzip":
		return true, nil
	}
	return false, errEncoding
}

// isGzip decides by the magic bytes: some clients compress without the header,
// and no JSON text starts like that.
func isGzip(data []byte) bool { return len(data) > 1 && data[0] == 0x1f && data[1] == 0x8b }

// gzipDecoder decompresses a few bodies at a time. Decompression needs no
// network, so a wait for a slot ends, and a body that decompresses to more than
// is allowed holds its memory only in a slot.
type gzipDecoder struct {
	budget *memoryBudget
	slots  chan struct{}
}

var gzipReaders = sync.Pool{New: func() any { return new(gzip.Reader) }}

// decompress decompresses one level into a buffer that the caller must release.
// ctx ends when the client disconnects.
func (u *gzipDecoder) decompress(ctx context.Context, compressed *bodyBuffer) (*bodyBuffer, error) {
	likely, err := decompressedSize(compressed.data)
	if err != nil {
		return nil, err
	}
	select {
	case u.slots <- struct{}{}:
		defer func() { <-u.slots }()
	case <-ctx.Done():
		return nil, bodyFailure(ctx.Err())
	}
	z, _ := gzipReaders.Get().(*gzip.Reader)
	defer gzipReaders.Put(z)
	if err := z.Reset(bytes.NewReader(compressed.data)); err != nil {
		return nil, errInvalidGzip
	}
	b := &bodyBuffer{budget: u.budget}
	if err := b.growTo(max(likely+1, firstRead)); err != nil {
		return nil, err
	}
	if err := b.readFrom(z, likely); err != nil {
		b.release()
		if errors.Is(err, errTooLarge) || errors.Is(err, errOverloaded) {
			return nil, err
		}
		return nil, errInvalidGzip
	}
	return b, nil
}

// decompressedSize reads the size that a gzip file claims in its trailer. A
// claim over the limit is believed; any other is only a hint for the first
// allocation, and never more than the compressed bytes can expand to.
func decompressedSize(compressed []byte) (int, error) {
	if !isGzip(compressed) || len(compressed) < minGzip {
		return 0, errInvalidGzip
	}
	claim := int64(binary.LittleEndian.Uint32(compressed[len(compressed)-4:]))
	switch {
	case claim > int64(len(compressed))*maxGzipRatio:
		return 0, nil // corrupt, or several files in one: the gzip reader decides
	case claim > maxBody:
		return 0, errTooLarge
	}
	return int(claim), nil
}
