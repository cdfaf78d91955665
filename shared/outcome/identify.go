package outcome

import (
	"time"

	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

// Identify returns a document with the fields of Evaluate's document that depend on the
// message and the epoch alone: ID, Application, EventID, Category, Name, ReceivedAt,
// ContentHash and Origin. It decodes nothing else of the event. Only where the decoder
// panics on the rest of an event is the identity another one, that of its bytes.
func Identify(m stream.Raw, epoch int64) *store.Document {
	dec := readMessage(m, identifyEvent)
	return &store.Document{
		ID:          dec.id,
		Application: dec.application,
		EventID:     dec.event.EventID,
		Category:    dec.event.Category,
		Name:        dec.event.Name,
		ReceivedAt:  dec.received.Truncate(time.Millisecond),
		ContentHash: dec.event.ContentHash,
		Origin:      store.Origin{Epoch: epoch, Seq: m.Seq},
	}
}
