package chaos

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/google/uuid"
)

// Kind says how an event was made, and so what must become of it.
type Kind int

// The kinds of events that a Load sends.
const (
	// Valid events of the sample types end stored.
	Valid Kind = iota
	// Incomplete events lack a required member and end rejected.
	Incomplete
	// Unregistered events have a type without a schema and end rejected.
	Unregistered
)

// rejectionCode is the error that a rejected event of the kind must carry.
func (k Kind) rejectionCode() string {
	return map[Kind]string{Incomplete: "schema_violation", Unregistered: "unknown_type"}[k]
}

// Entry is one distinct content: sent once or more often, always with the same
// meaning.
type Entry struct {
	Kind Kind
	// Marker is unique to the content and stands in its data.
	Marker string
	// EventID is "" where the pipeline is to derive it.
	EventID string
	// Body is the event as sent.
	Body []byte
	// Want is the body, decoded.
	Want Sent

	accepted bool
}

// Sent is an event's members as a client writes them.
type Sent struct {
	EventID   string         `json:"event_id,omitempty"`
	SessionID string         `json:"session_id"`
	Category  string         `json:"category"`
	Name      string         `json:"name"`
	Data      map[string]any `json:"data"`
	Timestamp string         `json:"timestamp"`
}

// Ledger records the events sent and accepted. It is safe for concurrent use.
type Ledger struct {
	// Code returns the error code that an event must be rejected with, "" if it
	// must be stored; nil decides by its Kind. It may be changed between two checks.
	Code func(*Entry) string

	mu      sync.Mutex
	entries map[string]*Entry // by marker
	order   []*Entry
}

// NewLedger returns an empty ledger.
func NewLedger() *Ledger { return &Ledger{entries: map[string]*Entry{}} }

func (l *Ledger) expectedCode(e *Entry) string {
	if l.Code != nil {
		return l.Code(e)
	}
	return e.Kind.rejectionCode()
}

// Accepted counts the distinct contents that were accepted.
func (l *Ledger) Accepted() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, e := range l.order {
		if e.accepted {
			n++
		}
	}
	return n
}

// nextEntry makes an event to send: mostly a new one, at times an older one again,
// at times a new content under an older one's id.
func (l *Ledger) nextEntry(r *rand.Rand) *Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch n := r.IntN(100); {
	case n < 10 && len(l.order) > 0:
		return l.order[r.IntN(len(l.order))]
	case n < 14 && len(l.order) > 0:
		if old := l.order[r.IntN(len(l.order))]; old.EventID != "" {
			return l.addEntry(r, old.EventID)
		}
	case n < 30:
		return l.addEntry(r, "")
	}
	return l.addEntry(r, newID())
}

// New makes a sound event that is not of the load, for the caller to send.
func (l *Ledger) New(r *rand.Rand) *Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.makeEntry(r, Valid, newID())
}

// Accept notes that an event was accepted.
func (l *Ledger) Accept(e *Entry) { l.markAccepted(e) }

func (l *Ledger) addEntry(r *rand.Rand, id string) *Entry {
	kind := Valid
	switch n := r.IntN(100); {
	case n < 10:
		kind = Incomplete
	case n < 15:
		kind = Unregistered
	}
	return l.makeEntry(r, kind, id)
}

func (l *Ledger) makeEntry(r *rand.Rand, kind Kind, id string) *Entry {
	marker := newID()
	sent := compose(r, kind, id, marker)
	body, err := json.Marshal(sent)
	if err != nil {
		panic(fmt.Sprintf("an event of the generator's own making: %v", err))
	}
	e := &Entry{Kind: kind, Marker: marker, EventID: id, Body: body, Want: sent}
	l.entries[marker] = e
	l.order = append(l.order, e)
	return e
}

func (l *Ledger) markAccepted(e *Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e.accepted = true
}

// compose fills an event of a kind with values that a careless pipeline alters:
// integers beyond 2^53, fractions, text outside ASCII, empty and nested values.
func compose(r *rand.Rand, kind Kind, id, marker string) Sent {
	s := Sent{
		EventID:   id,
		SessionID: newID(),
		Category:  "page interaction",
		Name:      "pageview",
		Timestamp: time.Unix(1_700_000_000+r.Int64N(50_000_000), r.Int64N(1_000_000)*1000).UTC().Format("2006-01-02T15:04:05.000000Z"),
		Data: map[string]any{
			"host": "www.example.com", "path": "/", "marker": marker,
			"big": json.Number("9007199254740993"), "fraction": json.Number("0.1"),
			"text": "naïve 🙂 <b>&\u2028", "a.b": json.Number("1"), "$set": true, "": nil,
			"list": []any{json.Number("1"), "two", map[string]any{"three": []any{}}},
		},
	}
	switch kind {
	case Incomplete:
		delete(s.Data, "path")
	case Unregistered:
		s.Category, s.Name = "not", "registered"
	case Valid:
		if r.IntN(2) == 0 {
			s.Name, s.Data["element"] = "cta click", "chat bubble"
		}
	}
	return s
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }
