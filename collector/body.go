package collector

import (
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/httpserver"
)

const (
	// maxBody bounds a body, in bytes, as it arrives and unpacked.
	maxBody = 8 << 20
	// firstRead is the memory that every body starts with.
	firstRead = 16 << 10
	// maxExcess bounds what is read and thrown away of a body that is too
	// large, so that its client comes to read the answer.
	maxExcess = 8 << 20
)

// reader reads bodies within one budget of memory for all requests together.
type reader struct {
	budget  budget
	timeout time.Duration
	unpack  unpacker
}

// body is the text of one request. release gives its memory back; nothing may
// alias the text then.
type body struct {
	text   []byte
	budget *budget
}

// release may be called once.
func (b *body) release() {
	b.budget.give(cap(b.text))
	if cap(b.text) == firstRead {
		buffers.Put((*[firstRead]byte)(b.text[:firstRead]))
	}
	b.text = nil
}

var buffers = sync.Pool{New: func() any { return new([firstRead]byte) }}

// grow makes room for more, up to want bytes in all.
func (b *body) grow(want int) error {
	if !b.budget.take(want) {
		return errOverloaded
	}
	if want == firstRead {
		b.text = buffers.Get().(*[firstRead]byte)[:0]
		return nil
	}
	old := *b
	b.text = append(make([]byte, 0, want), old.text...)
	if cap(old.text) > 0 {
		old.release()
	}
	return nil
}

// fill reads source to its end, at most maxBody bytes. likely is how many bytes
// will come, as far as known: the memory grows to it, not beyond what arrived
// by a factor of four.
func (b *body) fill(source io.Reader, likely int) error {
	for {
		if len(b.text) == cap(b.text) {
			if err := b.grow(nextSize(cap(b.text), likely)); err != nil {
				return err
			}
		}
		n, err := source.Read(b.text[len(b.text):cap(b.text)])
		b.text = b.text[:len(b.text)+n]
		switch {
		case len(b.text) > maxBody:
			return errTooLarge
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}

// nextSize is the size after have. One byte more than likely lets the end be
// seen without growing again.
func nextSize(have, likely int) int {
	next := max(4*have, firstRead)
	if likely >= have && likely < next {
		next = max(likely+1, firstRead)
	}
	return min(next, maxBody+1)
}

var (
	errTooLarge = httpserver.NewFailure(http.StatusRequestEntityTooLarge, api.CodeBodyTooLarge,
		"a body has at most "+strconv.Itoa(maxBody)+" bytes, unpacked")

	// errBodyTimeout closes the connection: what comes on it later is the rest
	// of the body.
	errBodyTimeout = &httpserver.Failure{
		Status: http.StatusRequestTimeout, Code: api.CodeBodyTimeout, Detail: "the body did not arrive in time",
		Header: http.Header{"Connection": {"close"}},
	}
)

// read takes the body of a request, unpacked. The caller releases it.
func (d *reader) read(w http.ResponseWriter, r *http.Request) (*body, error) {
	packed, err := checkEncoding(r.Header)
	if err != nil {
		return nil, err
	}
	if r.ContentLength > maxBody {
		d.skip(w, r)
		return nil, errTooLarge
	}
	d.limitTime(w)
	b := &body{budget: &d.budget}
	if err := b.fill(r.Body, int(max(r.ContentLength, 0))); err != nil {
		b.release()
		if errors.Is(err, errTooLarge) {
			discard(r.Body)
		}
		return nil, bodyFailure(err)
	}
	// After a failure the deadline stays: nothing may wait for the rest.
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	if !packed && !isGzip(b.text) {
		return b, nil
	}
	defer b.release()
	return d.unpack.gunzip(r.Context(), b)
}

// skip throws away the body of a request that is answered without it. A client
// that asks before it sends is not made to.
func (d *reader) skip(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Expect") == "" {
		d.limitTime(w)
		discard(r.Body)
	}
}

// limitTime bounds the arrival of a body. A writer without deadlines, as in
// tests, is bounded by its caller.
func (d *reader) limitTime(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(d.timeout))
}

// discard reads on for a while without keeping anything: a connection that is
// reset while its client still sends loses the answer.
func discard(source io.Reader) { _, _ = io.CopyN(io.Discard, source, maxExcess) }

// bodyFailure says why a body could not be read. Anything that is not known is
// the client's: a broken connection, or a broken chunk.
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

// budget bounds memory. It never waits: who holds a part of it and waits for
// more would stand in the way of others that do the same.
type budget struct {
	max  int64
	held atomic.Int64
}

// take reports whether there was room for n bytes, and if so holds them.
func (b *budget) take(n int) bool {
	if b.held.Add(int64(n)) <= b.max {
		return true
	}
	b.give(n)
	return false
}

func (b *budget) give(n int) { b.held.Add(-int64(n)) }
