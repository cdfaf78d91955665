package processor

import (
	"bytes"
	"fmt"
	"net"
	"slices"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/theeye/theeye/shared/natsd/natstest"
	"github.com/theeye/theeye/shared/store"
)

// watchedServer calls wrote with all that a connection sends to the server, before it
// does.
type watchedServer struct {
	*natstest.Server
	wrote func([]byte)
}

func (s watchedServer) InProcessConn() (net.Conn, error) {
	conn, err := s.Server.InProcessConn()
	return &watchedConn{conn, s.wrote}, err
}

type watchedConn struct {
	net.Conn
	wrote func([]byte)
}

func (c *watchedConn) Write(p []byte) (int, error) {
	c.wrote(p)
	return c.Conn.Write(p)
}

// Messages are counted before the first acknowledgement leaves: who sees that everything
// is settled finds it in the metrics.
func TestMessagesAreCountedBeforeTheyAreAcknowledged(t *testing.T) {
	m, err := newMetrics(prometheus.NewRegistry(), func() float64 { return 0 }, func() bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	counted := m.events.WithLabelValues("stored", "")
	var atSend []float64
	nc, err := nats.Connect("", nats.InProcessServer(watchedServer{natstest.Start(t), func(p []byte) {
		if bytes.Contains(p, bodyAck) {
			atSend = append(atSend, testutil.ToFloat64(counted))
		}
	}}))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	// More than the connection buffers: it sends while acknowledgements are being published.
	const n = 2000
	messages, docs := make([]delivery, n), make([]*store.Document, n)
	for i := range messages {
		messages[i] = delivery{reply: fmt.Sprintf("reply.%d", i)}
		docs[i] = &store.Document{Status: store.Stored}
	}
	s := &settler{conn: nc, metrics: m, requestPurge: func(int) {}}
	if err := s.settleBatch(t.Context(), messages, docs, slices.Repeat([]store.WriteResult{store.Inserted}, n), nil); err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	if len(atSend) < 2 || atSend[0] != n {
		t.Errorf("%v of %d messages are counted when acknowledgements leave", atSend, n)
	}
}
