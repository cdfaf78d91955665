package bench

import (
	"strconv"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/theeye/theeye/shared/format/native"
	"github.com/theeye/theeye/shared/store"
)

// perSession is how many events in a row belong to one session.
const perSession = 20

// source makes events, each unique. It is not safe for concurrent use.
type source struct {
	session string
	made    int
}

// appendEvent appends a fresh event of about 300 bytes, as a browser sends it.
func (s *source) appendEvent(dst []byte) []byte {
	if s.made%perSession == 0 {
		s.session = uuid.NewString()
	}
	s.made++
	id := uuid.Must(uuid.NewV7())
	dst = append(dst, `{"event_id":"`...)
	dst = append(dst, id.String()...)
	dst = append(dst, `","session_id":"`...)
	dst = append(dst, s.session...)
	dst = append(dst, `","category":"page interaction","name":"cta click","data":{"host":"www.example.com","path":"/pricing/`...)
	dst = strconv.AppendInt(dst, int64(s.made%97), 10)
	dst = append(dst, `","element":"chat bubble","viewport":[1280,720],"price":12.5},"timestamp":"`...)
	dst = time.Now().UTC().AppendFormat(dst, "2006-01-02T15:04:05.000000Z")
	return append(dst, `"}`...)
}

// appendBatch appends a request body of n events. again, if set, returns an
// event that was sent before, or nil for a fresh one.
func (s *source) appendBatch(dst []byte, n int, again func() []byte) []byte {
	dst = append(dst, '[')
	for i := range n {
		if i > 0 {
			dst = append(dst, ',')
		}
		if again != nil {
			if old := again(); old != nil {
				dst = append(dst, old...)
				continue
			}
		}
		dst = s.appendEvent(dst)
	}
	return append(dst, ']')
}

var place atomic.Uint64

// document is the outcome of a fresh event, as a processor writes it.
func (s *source) document() (*store.Document, error) {
	raw := s.appendEvent(nil)
	ev, refusal := native.Decode(raw)
	if refusal != nil {
		return nil, refusal
	}
	return &store.Document{
		ID: store.DocumentID("demo", ev.EventID), Status: store.Stored, Application: "demo",
		EventID: ev.EventID, SessionID: ev.SessionID, Category: ev.Category, Name: ev.Name,
		Data: ev.Data, Timestamp: ev.Timestamp, ReceivedAt: time.Now().UTC().Truncate(time.Millisecond),
		ContentHash: ev.ContentHash, Origin: store.Origin{Epoch: 1, Seq: place.Add(1)}, Revision: 3, SchemaVersion: 2,
	}, nil
}
