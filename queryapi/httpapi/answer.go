package httpapi

import (
	"cmp"
	"context"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/theeye/theeye/queryapi/problem"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/httpserver"
)

const (
	// firstChunk and largestChunk are the sizes in bytes of the pieces that hold
	// an answer.
	firstChunk   = 4 << 10
	largestChunk = 64 << 10
	// smallAnswer is the size up to which an answer, with the documents that it
	// is made of, has memory that large ones do not take.
	smallAnswer = 512 << 10
	// writeSize is the size of the pieces in which an answer is written: a client
	// must take one within the Stall of answerPace.
	writeSize = 16 << 10
)

// answerPace is the least progress of a client that reads an answer.
var answerPace = httpserver.Pace{Rate: 1 << 10, Stall: 15 * time.Second, Longest: 10 * time.Minute}

var errAnswerMemory = problem.New(api.CodeOverloaded,
	"answers of this token hold all memory that it may have; read them, or ask for fewer events at a time")

// NewMemory returns the memory for all answers of a service, of a size in bytes.
func NewMemory(size int64) *httpserver.Budget[string] {
	return httpserver.NewBudget[string](size, smallAnswer)
}

// answer collects an answer in memory, which is bounded for all together and
// shared between the tokens. It is written when the request has given its slot
// back: a client that is slow to read holds no slot.
//
// It is an http.ResponseWriter for one goroutine, and the events.Memory of the
// request.
type answer struct {
	ctx    context.Context //nolint:containedctx // that of the request, of which it is a part
	header http.Header
	status int

	claim     *httpserver.Claim[string]
	documents int64
	// chunks hold size bytes in capacity.
	chunks         [][]byte
	size, capacity int64

	// compressible says that the client wants gzip and the answer may be
	// compressed; compressor is set once it is large enough for that.
	compressible bool
	compressor   *gzip.Writer
	// err is the first error of Write.
	err error
}

// newAnswer returns an empty answer to a request of a token. The caller must
// release it.
func (s *service) newAnswer(r *http.Request, token string) *answer {
	return &answer{
		ctx: r.Context(), header: http.Header{}, claim: s.memory.NewClaim(token, math.MaxInt64, nil),
		compressible: httpserver.WantsGzip(r.Header),
	}
}

// release gives the memory back.
func (a *answer) release() {
	a.claim.Release()
	a.chunks = nil
	a.freeCompressor()
}

func (a *answer) freeCompressor() {
	if a.compressor != nil {
		compressors.Put(a.compressor)
		a.compressor = nil
	}
}

// Reserve accounts for the documents that the answer is made of.
func (a *answer) Reserve(bytes int) error {
	a.documents = int64(bytes)
	return a.resize()
}

func (a *answer) resize() error {
	if !a.claim.Resize(a.ctx, a.documents+a.capacity) {
		return errAnswerMemory
	}
	return nil
}

// Header returns the headers of the answer.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader sets the status. An answer with a strong ETag is never compressed: the
// tag is that of its bytes, and the precondition of the next change.
func (a *answer) WriteHeader(status int) {
	a.status = status
	etag := a.header.Get(api.HeaderETag)
	if status != http.StatusOK || etag != "" && !strings.HasPrefix(etag, "W/") {
		a.compressible = false
	}
}

// Write adds to the body. It fails when there is no memory for it.
func (a *answer) Write(p []byte) (int, error) {
	if a.err == nil && a.compressor == nil && a.compressible && a.size+int64(len(p)) >= minCompressed {
		a.err = a.startCompressing()
	}
	switch {
	case a.err != nil:
		return 0, a.err
	case a.compressor != nil:
		_, a.err = a.compressor.Write(p)
	default:
		_, a.err = (*chunkWriter)(a).Write(p)
	}
	return len(p), a.err
}

// startCompressing replaces the body so far by its compressed form.
func (a *answer) startCompressing() error {
	plain := a.chunks
	a.chunks, a.size, a.capacity = nil, 0, 0
	a.compressor, _ = compressors.Get().(*gzip.Writer)
	a.compressor.Reset((*chunkWriter)(a))
	a.header.Set("Content-Encoding", "gzip")
	for _, chunk := range plain {
		if _, err := a.compressor.Write(chunk); err != nil {
			return err
		}
	}
	return nil
}

// chunkWriter appends to the chunks of an answer.
type chunkWriter answer

func (c *chunkWriter) Write(p []byte) (int, error) {
	a := (*answer)(c)
	n := len(p)
	for len(p) > 0 {
		last := len(a.chunks) - 1
		if last < 0 || len(a.chunks[last]) == cap(a.chunks[last]) {
			size := min(max(a.capacity, firstChunk), largestChunk)
			a.capacity += size
			if err := a.resize(); err != nil {
				return 0, err
			}
			a.chunks = append(a.chunks, make([]byte, 0, size))
			last++
		}
		chunk := a.chunks[last]
		fits := min(len(p), cap(chunk)-len(chunk))
		a.chunks[last] = append(chunk, p[:fits]...)
		a.size += int64(fits)
		p = p[fits:]
	}
	return n, nil
}

// finishBody ends the body. After that only its own memory is held.
func (a *answer) finishBody() error {
	if a.compressor != nil && a.err == nil {
		a.err = a.compressor.Close()
	}
	a.freeCompressor()
	a.documents = 0
	_ = a.resize() // to less, which never fails
	return a.err
}

// send writes the answer as fast as the client reads it, and gives the memory
// back piece by piece. A client that is far behind loses its answer, if its
// memory is short.
func (a *answer) send(w http.ResponseWriter) {
	h := w.Header()
	for name, values := range a.header {
		h[name] = values
	}
	h.Add("Vary", "Accept-Encoding")
	if a.status != http.StatusNoContent && a.status != http.StatusNotModified {
		h.Set("Content-Length", strconv.FormatInt(a.size, 10))
	}
	var t httpserver.Transfer
	connection := http.NewResponseController(w)
	t.Start(answerPace, connection.SetWriteDeadline)
	a.claim.SetTransfer(&t)
	w.WriteHeader(cmp.Or(a.status, http.StatusOK))
	for i, chunk := range a.chunks {
		for len(chunk) > 0 {
			n, err := w.Write(chunk[:min(len(chunk), writeSize)]) //nolint:gosec // JSON, by its content type
			if err != nil {
				return // the client is gone, or too slow
			}
			t.Advance(n)
			chunk = chunk[n:]
		}
		a.capacity -= int64(cap(a.chunks[i]))
		a.chunks[i] = nil
		if a.capacity > 0 {
			_ = a.resize()
		}
	}
	_ = connection.Flush() // within the deadline of the answer
}
