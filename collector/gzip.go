package collector

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"net/http"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/httpserver"
)

// maxRatio is more than deflate can save: its best is 1 : 1032.
const maxRatio = 1032

// minGzip is the size of the smallest gzip file: header and trailer.
const minGzip = 18

var (
	errGzip = httpserver.NewFailure(http.StatusBadRequest, api.CodeInvalidGzip, "the body is not valid gzip, or ends too early")

	errEncoding = &httpserver.Failure{
		Status: http.StatusUnsupportedMediaType, Code: api.CodeUnsupportedEncoding,
		Detail: "a body may be packed with gzip, once, or not at all",
		Header: http.Header{"Accept-Encoding": {"gzip"}},
	}
)

// checkEncoding reports whether the body is said to be packed with gzip. Other
// encodings, and several at once, are not unpacked.
func checkEncoding(h http.Header) (packed bool, err error) {
	switch strings.ToLower(strings.TrimSpace(strings.Join(h["Content-Encoding"], ","))) {
	case "", "identity":
		return false, nil
	case "gzip", "x-gzip":
		return true, nil
	}
	return false, errEncoding
}

// isGzip decides by the magic bytes: some clients pack without saying so, and
// no JSON text starts like that.
func isGzip(text []byte) bool { return len(text) > 1 && text[0] == 0x1f && text[1] == 0x8b }

// unpacker unpacks bodies, few at a time: unpacking needs no network, so those
// that wait for a slot wait for work that ends, and a body that unpacks to more
// than is allowed holds its memory only in a slot.
type unpacker struct {
	budget *budget
	slots  chan struct{}
}

var gzipReaders = sync.Pool{New: func() any { return new(gzip.Reader) }}

// gunzip unpacks one level into a body that the caller releases. ctx ends when
// the client goes away.
func (u *unpacker) gunzip(ctx context.Context, packed *body) (*body, error) {
	likely, err := unpackedSize(packed.text)
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
	if err := z.Reset(bytes.NewReader(packed.text)); err != nil {
		return nil, errGzip
	}
	b := &body{budget: u.budget}
	if err := b.grow(max(likely+1, firstRead)); err != nil {
		return nil, err
	}
	if err := b.fill(z, likely); err != nil {
		b.release()
		if errors.Is(err, errTooLarge) || errors.Is(err, errOverloaded) {
			return nil, err
		}
		return nil, errGzip
	}
	return b, nil
}

// unpackedSize reads how much a gzip file claims to hold, from its trailer. A
// claim over the limit is believed, any other is only a hint for the first
// allocation, never more than the packed bytes can become.
func unpackedSize(packed []byte) (int, error) {
	if !isGzip(packed) || len(packed) < minGzip {
		return 0, errGzip
	}
	claim := int64(binary.LittleEndian.Uint32(packed[len(packed)-4:]))
	switch {
	case claim > int64(len(packed))*maxRatio:
		return 0, nil // broken, or several files in one: the reader will tell
	case claim > maxBody:
		return 0, errTooLarge
	}
	return int(claim), nil
}
