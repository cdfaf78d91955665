package stream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// snapshotChunk and snapshotWindow bound a chunk of a snapshot, and the chunks
	// that are sent and not yet written, in bytes.
	snapshotChunk  = 128 << 10
	snapshotWindow = 4 << 20
	// snapshotIdle bounds the wait for the next chunk. The server gives up after a
	// similar time in which no chunk was taken.
	snapshotIdle = 10 * time.Second
)

// Snapshot is a consistent copy of a stream while it is in use: the messages up to
// its end at one moment, and the states of its consumers from then on, or before.
type Snapshot struct {
	// Answer is the server's answer, with the configuration and the state of the
	// stream: the file backup.json of the NATS tools.
	Answer jsontext.Value
	// Bytes is the size of the messages before they are compressed.
	Bytes uint64

	sub *nats.Subscription
}

// snapshotRequest is the body of the request for a snapshot.
type snapshotRequest struct {
	DeliverSubject string `json:"deliver_subject"`
	ChunkSize      int    `json:"chunk_size"`
	WindowSize     int    `json:"window_size"`
}

// snapshotAnswer has the parts of the answer that are read here.
type snapshotAnswer struct {
	Error *jetstream.APIError `json:"error"`
	State struct {
		Bytes uint64 `json:"bytes"`
	} `json:"state"`
}

// OpenSnapshot begins a snapshot of a stream. The caller must call WriteAll, or
// Close.
func OpenSnapshot(ctx context.Context, js jetstream.JetStream, name string) (*Snapshot, error) {
	nc := js.Conn()
	sub, err := nc.SubscribeSync(nc.NewInbox())
	if err != nil {
		return nil, fmt.Errorf("snapshot of %s: %w", name, err)
	}
	s := &Snapshot{sub: sub}
	if err := s.request(ctx, js, name); err != nil {
		return nil, errors.Join(fmt.Errorf("snapshot of %s: %w", name, err), s.Close())
	}
	return s, nil
}

func (s *Snapshot) request(ctx context.Context, js jetstream.JetStream, name string) error {
	if err := s.sub.SetPendingLimits(-1, 2*snapshotWindow); err != nil {
		return err
	}
	body, err := json.Marshal(snapshotRequest{s.sub.Subject, snapshotChunk, snapshotWindow})
	if err != nil {
		return err
	}
	prefix := strings.TrimSuffix(js.Options().APIPrefix, ".")
	if prefix == "" {
		prefix = strings.TrimSuffix(jetstream.DefaultAPIPrefix, ".")
	}
	ctx, cancel := context.WithTimeout(ctx, snapshotIdle)
	defer cancel()
	reply, err := js.Conn().RequestWithContext(ctx, prefix+".STREAM.SNAPSHOT."+name, body)
	if err != nil {
		return err
	}
	var answer snapshotAnswer
	if err := json.Unmarshal(reply.Data, &answer); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	if answer.Error != nil {
		return answer.Error
	}
	s.Answer, s.Bytes = reply.Data, answer.State.Bytes
	return nil
}

// Close ends a snapshot.
func (s *Snapshot) Close() error {
	if err := s.sub.Unsubscribe(); err != nil && !errors.Is(err, nats.ErrBadSubscription) && !errors.Is(err, nats.ErrConnectionClosed) {
		return fmt.Errorf("end a snapshot: %w", err)
	}
	return nil
}

// WriteAll writes the snapshot and closes it. An error means that the copy is not
// complete.
func (s *Snapshot) WriteAll(ctx context.Context, w io.Writer) (err error) {
	defer func() { err = errors.Join(err, s.Close()) }()
	for {
		m, err := s.nextChunk(ctx)
		if err != nil {
			return fmt.Errorf("read a snapshot: %w", err)
		}
		if m.Reply == "" && len(m.Data) == 0 {
			// The server sends 204, or no status, at the end, and else the failure.
			if status := m.Header.Get("Status"); status != "" && status != "204" {
				return fmt.Errorf("read a snapshot: the server ended it: %s %s", status, m.Header.Get("Description"))
			}
			return nil
		}
		if _, err := w.Write(m.Data); err != nil {
			return fmt.Errorf("write a snapshot: %w", err)
		}
		if m.Reply == "" {
			continue // the last chunk
		}
		if err := m.Respond(nil); err != nil {
			return fmt.Errorf("acknowledge a part of a snapshot: %w", err)
		}
	}
}

func (s *Snapshot) nextChunk(ctx context.Context) (*nats.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, snapshotIdle)
	defer cancel()
	return s.sub.NextMsgWithContext(ctx)
}
