package collector

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/theeye/theeye/shared/httpserver"
	"github.com/theeye/theeye/shared/registry"
)

// firstRead is the initial buffer size of every body, and the least that it
// reserves.
const firstRead = 16 << 10

// bodyBuffer holds the text of one body. release returns its memory to the
// budget; nothing may alias the data after that.
type bodyBuffer struct {
	data  []byte
	claim *httpserver.Claim[keyID]
}

// newBuffer returns an empty buffer whose memory counts for a key. transfer is
// that of the body, nil if the source is no network.
func newBuffer(budget *httpserver.Budget[keyID], k registry.Key, transfer *httpserver.Transfer) *bodyBuffer {
	return &bodyBuffer{claim: budget.NewClaim(keyIDOf(k), maxHeld(k), transfer)}
}

var bufferPool = sync.Pool{New: func() any { return new([firstRead]byte) }}

// release may be called once.
func (b *bodyBuffer) release() {
	b.recycle()
	b.claim.Release()
}

// recycle gives up the data.
func (b *bodyBuffer) recycle() {
	if cap(b.data) == firstRead {
		bufferPool.Put((*[firstRead]byte)(b.data[:firstRead]))
	}
	b.data = nil
}

// reserve reserves memory for size bytes, or fails with errShareExceeded. It may
// wait a moment for bodies that are far behind.
func (b *bodyBuffer) reserve(ctx context.Context, size int) error {
	if size = max(size, firstRead); int64(size) > b.claim.Size() && !b.claim.Resize(ctx, int64(size)) {
		return errShareExceeded
	}
	return nil
}

// growTo grows the buffer to a capacity of size bytes.
func (b *bodyBuffer) growTo(ctx context.Context, size int) error {
	if err := b.reserve(ctx, size); err != nil {
		return err
	}
	if size == firstRead {
		b.data = bufferPool.Get().(*[firstRead]byte)[:0]
		return nil
	}
	grown := append(make([]byte, 0, size), b.data...)
	b.recycle()
	b.data = grown
	return nil
}

// readFrom reads source to its end, at most maxBody bytes. likely is the
// expected size, or 0: the buffer grows to it, but never beyond four times the
// bytes that have arrived.
func (b *bodyBuffer) readFrom(ctx context.Context, source io.Reader, likely int) error {
	for {
		if len(b.data) == cap(b.data) {
			if err := b.growTo(ctx, nextSize(cap(b.data), likely)); err != nil {
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
