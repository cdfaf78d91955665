// Package format is the table of the formats in which clients send events. A
// message of the stream names its format in the header Eye-Format, so that a
// replay reads it by the same, or a corrected, decoder.
//
// A new format is a package below this one and a row of the table. It excludes
// from the content hash what changes on every retry and says so in its package
// comment: one event has one hash however often it is sent.
package format

import (
	"maps"
	"net/http"
	"sync/atomic"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/format/cloudevents"
	"github.com/theeye/theeye/shared/format/native"
	"github.com/theeye/theeye/shared/format/pixel"
	"github.com/theeye/theeye/shared/format/segment"
	"github.com/theeye/theeye/shared/format/snowplow"
)

// Format reads events of one format. It has no state: all methods are pure
// functions of their arguments, which they do not change, and are safe for
// concurrent use.
type Format interface {
	// Name is the value of the header Eye-Format.
	Name() string

	// Split splits a request into at most maxEvents events, in the order
	// sent. body is the decompressed body; r.Body is not read, r's header and
	// URL are. Every item is complete: where a request carries parts of an
	// event in headers or in its URL, Split writes them into the item's bytes.
	// Items may alias body and are valid as long as it is.
	//
	// An error means that no event can be told from another: *event.SyntaxError
	// or one of event's ErrEmptyBody, ErrEmptyBatch, ErrTooManyEvents, ErrTooManyBytes
	// and ErrNotEvents. An item that is no event is refused alone.
	Split(r *http.Request, body []byte, maxEvents int) (event.Batch, error)

	// Inspect checks whether an event can be accepted and returns its identity
	// and type. The Head does not alias raw.
	Inspect(raw []byte, r event.Receipt) (event.Head, *event.Refusal)

	// Identify returns the Head and the ContentHash of Decode's event, without the work
	// for the rest of it. It refuses exactly what Decode refuses.
	Identify(raw []byte, r event.Receipt) (h event.Head, contentHash string, refusal *event.Refusal)

	// Decode decodes an event. It refuses exactly what Inspect refuses, and
	// its Head is Inspect's. The caller owns the Event, which does not alias
	// raw.
	Decode(raw []byte, r event.Receipt) (*event.Event, *event.Refusal)
}

// The formats: Native is that of events in The Eye's own shape, Pixel that of events in
// the query of an image; the others are those of other products.
var (
	Native      Format = native.Format{}
	CloudEvents Format = cloudevents.New()
	Segment     Format = segment.New()
	Snowplow    Format = snowplow.New()
	Pixel       Format = pixel.New()
)

// byName is the table of all formats. A table is not changed.
var byName atomic.Pointer[map[string]Format]

func init() {
	byName.Store(&map[string]Format{
		native.Name:      Native,
		pixel.Name:       Pixel,
		cloudevents.Name: CloudEvents,
		segment.Name:     Segment,
		snowplow.Name:    Snowplow,
	})
}

// Lookup returns the format of a name, the value of the header Eye-Format.
func Lookup(name string) (Format, bool) {
	f, ok := (*byName.Load())[name]
	return f, ok
}

// Substitute makes Lookup return another format under a name, or none for nil, until
// restore is called: that of an earlier or a later version, for tests of replays. Only
// one may be in force at a time.
func Substitute(name string, f Format) (restore func()) {
	before := byName.Load()
	table := maps.Clone(*before)
	if table[name] = f; f == nil {
		delete(table, name)
	}
	byName.Store(&table)
	return func() { byName.Store(before) }
}
