package storetest

import (
	"fmt"
	"strconv"
	"time"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/store"
)

// Epoch is the epoch of generated origins, and near the time of generated
// events: 2026-01-01.
const Epoch = int64(1_767_225_600_000_000)

// Start is the timestamp of event 0.
func Start() time.Time { return time.UnixMicro(Epoch).UTC() }

// Event returns the nth stored event of an endless, deterministic history: one
// every 37 ms, sessions of 20 events, three types, a few hundred bytes of data.
// Its id is time-ordered, as those of our clients are.
func Event(n int) *store.Document {
	types := []string{"pageview", "cta click", "submit"}
	at := Start().Add(time.Duration(n) * 37 * time.Millisecond)
	id := fmt.Sprintf("%012x-7%03x-8000-%012x", at.UnixMilli(), n&0xfff, n)
	id = id[:8] + "-" + id[8:]
	data := `{"host":"www.example.com","path":"/pricing/` + strconv.Itoa(n%50) + `","element":"chat bubble",` +
		`"price":` + strconv.Itoa(n%1000) + `.5,"items":[1,2,3],"user":{"plan":"pro","since":2019,"beta":true}}`
	original := `{"session_id":"` + Session(n/20) + `","category":"page interaction","name":"` + types[n%3] +
		`","data":` + data + `,"timestamp":"` + event.FormatTime(at) + `"}`
	return &store.Document{
		ID:            store.DocumentID("demo", id),
		Status:        store.Stored,
		Application:   "demo",
		EventID:       id,
		SessionID:     Session(n / 20),
		Category:      "page interaction",
		Name:          types[n%3],
		Data:          []byte(data),
		Timestamp:     at,
		ReceivedAt:    at.Add(time.Second).Truncate(time.Millisecond),
		ContentHash:   fmt.Sprintf("%032x", n),
		Origin:        store.Origin{Epoch: Epoch, Seq: uint64(n) + 1},
		Revision:      7,
		SchemaVersion: 3,
		Original:      []byte(original),
	}
}

// Session returns the id of the nth session.
func Session(n int) string {
	return fmt.Sprintf("e2085be5-9137-4e4e-80b5-%012x", n)
}

// Events returns the events first to first+n-1.
func Events(first, n int) []*store.Document {
	docs := make([]*store.Document, n)
	for i := range docs {
		docs[i] = Event(first + i)
	}
	return docs
}

// Rejected returns the nth event as rejected for the given faults, or for one
// of its schema.
func Rejected(n int, faults ...event.Fault) *store.Document {
	d := Event(n)
	d.Status = store.Rejected
	d.Errors = faults
	if faults == nil {
		d.Errors = []event.Fault{{Code: event.CodeSchemaViolation, Path: "/data", Message: "path is required"}}
	}
	return d
}

// With returns a changed copy of a document. Its id follows application and
// event id.
func With(d *store.Document, change func(*store.Document)) *store.Document {
	c := *d
	change(&c)
	if c.ID == d.ID {
		c.ID = store.DocumentID(c.Application, c.EventID)
	}
	return &c
}

// Kept returns what a read of the document returns: only rejected documents
// keep their original.
func Kept(d *store.Document) *store.Document {
	c := *d
	if c.Status == store.Stored {
		c.Original = nil
	}
	return &c
}
