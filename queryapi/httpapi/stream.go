package httpapi

import (
	"errors"
	"net/http"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/theeye/theeye/queryapi/access"
	"github.com/theeye/theeye/shared/query"
)

// streamStall bounds the write of a piece of a stream: a client that takes less for
// so long is cut off.
const streamStall = 30 * time.Second

// cachePrivate is the Cache-Control of answers that no one may keep.
const cachePrivate = "private, no-store"

// streamWriter writes an answer of any length as it is made. It has no limit but the
// progress of the client, and holds no more than a piece.
type streamWriter struct {
	w       http.ResponseWriter
	control *http.ResponseController
	gzip    *gzip.Writer // nil for a plain stream
	// failed is the first error of the connection.
	failed error
}

// newStream begins an answer whose headers are set. The caller must release it.
func newStream(w http.ResponseWriter, zipped bool) *streamWriter {
	s := &streamWriter{w: w, control: http.NewResponseController(w)}
	if zipped {
		w.Header().Set("Content-Encoding", "gzip")
		s.gzip, _ = compressors.Get().(*gzip.Writer)
		s.gzip.Reset(&pacedWriter{s})
	}
	s.renewDeadline()
	w.WriteHeader(http.StatusOK)
	return s
}

// releaseWriter gives the compressor back.
func (s *streamWriter) releaseWriter() {
	if s.gzip != nil {
		s.gzip.Reset(nil)
		compressors.Put(s.gzip)
		s.gzip = nil
	}
}

// renewDeadline gives the client time for the next piece.
func (s *streamWriter) renewDeadline() {
	err := s.control.SetWriteDeadline(time.Now().Add(streamStall))
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		s.failed = err
	}
}

// Write implements io.Writer.
func (s *streamWriter) Write(p []byte) (int, error) {
	if s.gzip != nil {
		return s.gzip.Write(p)
	}
	return (&pacedWriter{s}).Write(p)
}

// flush sends everything that was written.
func (s *streamWriter) flush() error {
	if s.gzip != nil {
		if err := s.gzip.Flush(); err != nil {
			return err
		}
	}
	s.renewDeadline()
	if err := s.control.Flush(); err != nil && s.failed == nil {
		s.failed = err
	}
	return s.failed
}

// end completes the body. The server sends the rest, with the trailers, when the
// handler returns.
func (s *streamWriter) end() error {
	if s.gzip != nil && s.failed == nil {
		if err := s.gzip.Close(); err != nil {
			return err
		}
	}
	s.renewDeadline()
	return s.failed
}

// pacedWriter writes the bytes of a stream in pieces, each with a deadline.
type pacedWriter struct{ *streamWriter }

func (p *pacedWriter) Write(b []byte) (int, error) {
	n := len(b)
	for len(b) > 0 && p.failed == nil {
		p.renewDeadline()
		piece := b[:min(len(b), writeSize)]
		if _, err := p.w.Write(piece); err != nil {
			p.failed = err
		}
		b = b[len(piece):]
	}
	return n, p.failed
}

// rights are those with which a stream began. It ends when the token loses them.
type rights struct {
	secret      string
	application string
	// applications are those that the stream shows; nil is all.
	applications []string
}

// admitStream authenticates a request for a stream.
func (s *service) admitStream(r *http.Request) (access.Principal, string, error) {
	secret := bearerToken(r.Header)
	p, err := s.authenticateToken(secret)
	if err == nil {
		err = s.events.CheckPrepared(r.Context())
	}
	return p, secret, err
}

// newRights returns the rights of a token to an application, "" for all that it may
// read.
func newRights(p access.Principal, secret, application string) (rights, error) {
	applications, err := p.Restrict(application)
	return rights{secret, application, applications}, err
}

// check returns why the token has lost its rights. An operator of no process may
// change them at any time.
func (s *service) checkRights(held rights) error {
	p, err := s.authenticateToken(held.secret)
	if err != nil {
		return err
	}
	if held.applications == nil && held.application == "" {
		if p.Applications != nil {
			return access.ErrNarrowed
		}
		return nil
	}
	for _, name := range held.applications {
		if _, err := p.Restrict(name); err != nil {
			return err
		}
	}
	return nil
}

// selectedBy returns the conditions of a question that a store answers.
func (p *params) selectedBy(applications []string) query.Filter {
	return query.Filter{
		Applications: applications, SessionID: p.SessionID, Category: p.Category, Name: p.Name, From: p.From, To: p.To,
	}
}
