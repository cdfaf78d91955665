package registry

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/stream"
)

// maxWindow bounds how many sequences are asked for at once.
const maxWindow = 1024

// Changes returns changes, the newest first. A change is noted at once after it
// is made, in any case; it may not be there yet when the call that made it
// returns.
func (e *Editor) Changes(ctx context.Context, q ChangesQuery) ([]Change, error) {
	s, err := e.js.Stream(ctx, stream.Changes)
	if err != nil {
		return nil, fmt.Errorf("open stream %s: %w", stream.Changes, err)
	}
	noted := s.CachedInfo().State
	first, end := max(noted.FirstSeq, 1), noted.LastSeq+1
	limit, window := page(q.Limit), uint64(0)
	if q.Before > 0 {
		end = min(end, q.Before)
	}
	changes := []Change{}
	// Streams are read upwards: so windows go down, and grow while they find
	// little.
	for end > first && len(changes) < limit {
		window = min(max(2*window, uint64(limit)), maxWindow)
		from := max(first, end-min(end, window))
		found, err := e.window(ctx, q, from, end, limit-len(changes))
		if err != nil {
			return nil, err
		}
		for _, m := range slices.Backward(found) {
			c, err := e.readChange(ctx, m)
			if err != nil {
				return nil, err
			}
			changes = append(changes, c)
		}
		end = from
	}
	return changes, nil
}

// window returns the last messages, at most so many, of a query from a sequence
// to before another.
func (e *Editor) window(ctx context.Context, q ChangesQuery, from, end uint64, most int) ([]*jetstream.RawStreamMsg, error) {
	var found []*jetstream.RawStreamMsg
	for from < end {
		batch, err := e.batch(ctx, stream.Changes, q.filter(), from, end)
		if err != nil {
			return nil, err
		}
		for _, m := range batch {
			from = m.Sequence + 1
			if m.Sequence < end && q.wants(m.Subject) {
				found = append(found, m)
			}
		}
		found = slices.Clone(found[max(0, len(found)-most):])
		if len(batch) == 0 {
			break
		}
	}
	return found, nil
}

// readChange reads a message of the stream of changes.
func (e *Editor) readChange(ctx context.Context, m *jetstream.RawStreamMsg) (Change, error) {
	previous, err := e.lastBelow(ctx, stream.Changes, m.Subject, m.Sequence)
	if err != nil {
		return Change{}, err
	}
	is, _ := readSubject(m.Subject)
	n := newState(m)
	by := n.change()
	c := Change{
		Seq: m.Sequence, Kind: is.kind, Category: is.category, Name: is.name, Action: ActionUpdated,
		Revision: sourceRevision(m), Time: by.Time, Author: by.Author, Note: by.Note, After: is.show(n),
	}
	var before state
	if previous != nil {
		before = newState(previous)
	}
	c.Before = is.show(before)
	switch {
	case n.removed:
		c.Action = ActionRemoved
	case !before.there():
		c.Action = ActionCreated
	}
	return c, nil
}

// sourceRevision is the revision in the bucket, which the server notes when it
// copies a message: "<stream> <sequence> …".
func sourceRevision(m *jetstream.RawStreamMsg) uint64 {
	words := strings.Fields(m.Header.Get(headerSource))
	if len(words) < 2 {
		return 0
	}
	revision, err := strconv.ParseUint(words[1], 10, 64)
	if err != nil {
		return 0
	}
	return revision
}

const headerSource = "Nats-Stream-Source"

// show is what people may see of a record.
func (s subject) show(n state) jsontext.Value {
	if !n.there() {
		return nil
	}
	var shown any
	switch s.kind {
	case KindSchema, KindPolicy:
		var r schemaRecord
		if json.Unmarshal(n.value, &r) != nil {
			return nil
		}
		if s.kind == KindPolicy {
			return r.Policy
		}
		return r.Schema
	case KindReplay:
		return nil // its author and note are all
	case KindApplication:
		a, err := readApplication(s.name, n)
		if err != nil {
			return nil
		}
		shown = struct {
			Keys []KeyInfo `json:"keys"`
		}{a.Keys}
	case KindToken:
		t, err := readToken(s.name, n)
		if err != nil {
			return nil
		}
		shown = struct {
			Role         Role     `json:"role"`
			Applications []string `json:"applications,omitzero"`
		}{t.Role, t.Applications}
	}
	value, err := json.Marshal(shown)
	if err != nil {
		return nil
	}
	return value
}
