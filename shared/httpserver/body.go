package httpserver

import (
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

// Bounds of the rest of a body whose request is answered without it. A client
// may send a body as a whole before it reads the answer; if the connection is
// closed before, the answer is lost.
const (
	// maxRest is how many bytes are read before the answer. Of a longer body the
	// rest is read behind the answer, see lingering.
	maxRest = 16 << 20
	// maxResting bounds the bodies that are read like that at a time. One more
	// ends the oldest.
	maxResting = 256
	// discardSize is the size of the buffer for it.
	discardSize = 16 << 10
)

// renewAfter is the age of a body at whose end the time to answer is renewed,
// which the server counts from the headers.
const renewAfter = 5 * time.Second

// restPace is the least progress of the rest of a body.
var restPace = Pace{Rate: 16 << 10, Stall: 5 * time.Second, Longest: 20 * time.Second}

// ErrGaveWay is the error of reading a body whose memory went to another
// request, since it was far behind.
var ErrGaveWay = errors.New("the body gave way to other requests")

// BodyTransfer returns the transfer of the body of a request, nil if the server
// is not one of NewHTTPServer or the request has no body.
func BodyTransfer(r *http.Request) *Transfer {
	if b, ok := r.Body.(*guardedBody); ok {
		return &b.transfer
	}
	return nil
}

// bodyGuard is a handler that bounds the arrival of bodies by a Pace, and reads
// what the next handler leaves of them.
type bodyGuard struct {
	next    http.Handler
	pace    Pace
	resting *oldestFirst[*Transfer]
}

func newBodyGuard(next http.Handler, pace Pace) *bodyGuard {
	return &bodyGuard{next: next, pace: pace, resting: newOldestFirst(maxResting, (*Transfer).Cut)}
}

// guardedRequest is a copy of a request with its body, in one allocation. The
// server decides by the body of the original whether it must send 100 Continue.
type guardedRequest struct {
	http.Request
	body guardedBody
}

// guardedBody is a body that counts as a Transfer while it is read.
type guardedBody struct {
	io.ReadCloser
	transfer Transfer
	// connection is that of the request.
	connection *http.ResponseController
	read       int64
	// begun is set by the first Read, ended by the end of the body, failed by
	// any other error.
	begun, ended, failed bool
}

func (b *guardedBody) Read(p []byte) (int, error) {
	b.begun = true
	n, err := b.ReadCloser.Read(p)
	b.read += int64(n)
	if err == nil {
		b.transfer.Advance(n)
		return n, nil
	}
	if b.transfer.age() > renewAfter {
		_ = b.connection.SetWriteDeadline(time.Now().Add(writeTimeout))
	}
	if errors.Is(err, io.EOF) {
		b.ended = true
		b.transfer.End()
		return n, err
	}
	b.failed = true
	if errors.Is(err, os.ErrDeadlineExceeded) && b.transfer.WasCut() {
		err = ErrGaveWay
	}
	return n, err
}

// ServeHTTP serves a request, and then reads the rest of its body.
func (g *bodyGuard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength == 0 || r.Body == nil || r.Body == http.NoBody {
		g.next.ServeHTTP(w, r)
		markComplete(r)
		return
	}
	guarded := &guardedRequest{Request: *r, body: guardedBody{ReadCloser: r.Body, connection: http.NewResponseController(w)}}
	body := &guarded.body
	guarded.Body = body
	body.transfer.Start(g.pace, body.connection.SetReadDeadline)
	g.next.ServeHTTP(w, &guarded.Request)
	if !body.ended {
		g.readRest(w.Header(), r, body)
	}
	if body.ended {
		markComplete(r)
	}
}

// readRest reads the rest of a body within its bounds, so that the connection
// can be used again. If that fails, the connection is closed behind the answer.
func (g *bodyGuard) readRest(answer http.Header, r *http.Request, body *guardedBody) {
	if !body.begun && strings.EqualFold(r.Header.Get("Expect"), "100-continue") {
		return // the client waits for the answer before it sends anything
	}
	if rest := r.ContentLength - body.read; rest <= maxRest && !body.failed {
		var t Transfer
		t.Start(restPace, body.connection.SetReadDeadline)
		place := &member[*Transfer]{value: &t}
		g.resting.addMember(place)
		err := discardBody(body.ReadCloser, maxRest+1, &t)
		g.resting.removeMember(place)
		if body.ended = errors.Is(err, io.EOF); body.ended {
			t.End()
		}
	}
	if !body.ended {
		answer.Set("Connection", "close")
	}
	// The answer is sent when this returns.
	_ = body.connection.SetWriteDeadline(time.Now().Add(answerTimeout))
}

// discardBody reads and drops up to most bytes. It returns io.EOF at the end of
// the source.
func discardBody(source io.Reader, most int64, t *Transfer) error {
	buffer := make([]byte, discardSize)
	for most > 0 {
		n, err := source.Read(buffer)
		t.Advance(n)
		if most -= int64(n); err != nil {
			return err
		}
	}
	return nil
}
