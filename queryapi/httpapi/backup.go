package httpapi

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/theeye/theeye/shared/api"
)

const (
	// partStall bounds the write of a portion of a backup: a client that takes
	// nothing for so long is cut off.
	partStall = 30 * time.Second
	// partKeepAlive is how often an empty line is sent while a part is prepared.
	partKeepAlive = 5 * time.Second
	// partFailed is api.BackupPart.Error of a part that could not be prepared.
	partFailed = "the part could not be prepared; the log of the query API says why"
)

// writeBackupPart answers GET of one part of a backup, which may take long: it needs
// no slot, has no limit but progress, and only one is served at a time. A failure
// after the first byte is in the part's description, or ends the connection.
func (s *service) writeBackupPart(w http.ResponseWriter, r *http.Request) error {
	p, err := s.authenticateToken(bearerToken(r.Header))
	if err == nil {
		err = p.RequireOperator()
	}
	if err != nil {
		return err
	}
	path, err := pathParams(r, routeBackupPart)
	if err != nil {
		return err
	}
	if _, err := parseParams(r, nil); err != nil {
		return err
	}
	part, err := s.admin.OpenPart(r.Context(), path[0])
	if err != nil {
		return err
	}
	defer part.Close()
	w.Header().Set("Content-Type", api.ContentTypeBackup)
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return nil
	}
	out := &partWriter{w: w, control: http.NewResponseController(w)}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	stop := out.keepAlive(ctx)
	defer stop()
	begun := false
	err = part.Write(ctx, out, func(d api.BackupPart) error {
		stop()
		begun = true
		return out.describe(d)
	})
	stop()
	if err != nil && !begun && out.describe(api.BackupPart{Error: partFailed}) == nil {
		return nil
	}
	if err != nil {
		panic(http.ErrAbortHandler) // the client must not take it for the whole part
	}
	return nil
}

// partWriter writes to a client within bounds of time. It is safe for concurrent use.
type partWriter struct {
	mu      sync.Mutex
	w       io.Writer
	control *http.ResponseController
}

// Write implements io.Writer.
func (p *partWriter) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.control.SetWriteDeadline(time.Now().Add(partStall)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err
	}
	return p.w.Write(b)
}

// describe writes the description of the part.
func (p *partWriter) describe(d api.BackupPart) error {
	line, err := json.Marshal(d)
	if err != nil {
		return err
	}
	_, err = p.Write(append(line, '\n'))
	return err
}

// keepAlive sends empty lines, so that no proxy takes the connection for dead, until
// stop is called or ctx ends.
func (p *partWriter) keepAlive(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(partKeepAlive)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if _, err := p.Write([]byte("\n")); err != nil || p.control.Flush() != nil {
				return
			}
		}
	}()
	return sync.OnceFunc(func() { cancel(); <-ended })
}
