package natsd

import (
	"context"
	"encoding/json" // as the server's own types expect it
	"fmt"
	"io"

	"github.com/nats-io/nats-server/v2/server"
)

// streamAnswer has the parts of a snapshot's answer that restoring needs.
type streamAnswer struct {
	Config server.StreamConfig `json:"config"`
}

// RestoreStream creates a stream from a snapshot: answer is the server's answer to
// the request for the snapshot, r has its bytes. Sequences, times, metadata and
// consumers are those of the snapshot, the creation time is not. A stream that could not be restored whole is an error, and the folder must not be used then.
func (s *Server) RestoreStream(ctx context.Context, answer []byte, r io.Reader) error {
	srv := s.currentServer()
	if srv == nil {
		return errDown
	}
	var a streamAnswer
	if err := json.Unmarshal(answer, &a); err != nil {
		return fmt.Errorf("natsd: read the configuration of a stream: %w", err)
	}
	if _, err := srv.GlobalAccount().RestoreStreamV2(&a.Config, &boundReader{ctx, r}); err != nil {
		return fmt.Errorf("natsd: restore stream %s: %w", a.Config.Name, err)
	}
	return nil
}

// boundReader ends with its context.
type boundReader struct {
	ctx context.Context
	r   io.Reader
}

// Read implements io.Reader.
func (b *boundReader) Read(p []byte) (int, error) {
	if b.ctx.Err() != nil {
		return 0, context.Cause(b.ctx)
	}
	return b.r.Read(p)
}
