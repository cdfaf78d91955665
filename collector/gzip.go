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

// checkPlain checks a body whose bytes are not gzip: text that starts as JSON is
// read as it is, whatever its headers say. Some clients name gzip and do not
// compress; others compress without naming it.
func checkPlain(h http.Header, data []byte) error {
	text := bytes.TrimLeft(bytes.TrimPrefix(data, []byte("\uFEFF")), " \t\r\n")
	if len(text) == 0 || text[0] == '{' || text[0] == '[' {
		return nil
	}
	isText := text[0] > ' ' && text[0] <= '~'
	switch strings.ToLower(strings.TrimSpace(strings.Join(h["Content-Encoding"], ","))) {
	case "", "identity":
		return nil
	case "gzip", "x-gzip":
		if isText {
			return nil // whose faults say more than that it is not gzip
		}
		return errInvalidGzip
	}
	return errEncoding
}

// isGzip decides by the magic bytes: no JSON text starts like that.
func isGzip(data []byte) bool { return len(data) > 1 && data[0] == 0x1f && data[1] == 0x8b }

// gzipDecoder decompresses a few bodies at a time. Decompression needs no
// network, so a wait for a slot ends, and a body that decompresses to more than
// is allowed holds its memory only in a slot.
type gzipDecoder struct {
	slots chan struct{}
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
	b := &bodyBuffer{claim: compressed.claim.Beside()}
	if err := b.growTo(ctx, max(likely+1, firstRead)); err != nil {
		return nil, err
	}
	if err := b.readFrom(ctx, z, likely); err != nil {
		b.release()
		if errors.Is(err, errTooLarge) || errors.Is(err, errShareExceeded) {
			return nil, err
		}
		return nil, errInvalidGzip
	}
	if isGzip(b.data) {
		b.release()
		return nil, errEncoding
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
