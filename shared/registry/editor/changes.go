package editor

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/kv"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/stream"
)

// Kinds of subjects.
const (
	KindSchema      = "schema"
	KindPolicy      = "policy"
	KindApplication = "application"
	KindToken       = "token"
	// KindReplay is that of revisions which were made as targets of replays.
	KindReplay = "replay"
)

// Actions of a change.
const (
	ActionCreated = "created"
	ActionUpdated = "updated"
	ActionRemoved = "removed"
)

// Subject is what a change or a declaration is about.
type Subject struct {
	// Kind is KindSchema, KindPolicy, KindApplication, KindToken or KindReplay.
	Kind string
	// Category is that of a schema. Name is that of its type, of an application,
	// or the id of a token.
	Category, Name string
}

// Change is one change of the registry, made by an Editor or in another way.
type Change struct {
	// Seq orders changes as they were noted. Those of one subject are in the
	// order in which they were made.
	Seq uint64
	Subject
	// Action is ActionCreated, ActionUpdated or ActionRemoved.
	Action   string
	Revision uint64
	registry.ChangeInfo
	// Before and After are the schema, the policy, the application as {"keys":
	// […]} with ids instead of digests, or the token as {"role",
	// "applications"}. They are nil if the subject does not exist or cannot be
	// read, and for a replay.
	Before, After jsontext.Value
}

// ChangesQuery selects changes.
type ChangesQuery struct {
	// Before is the Seq that they are below, 0 for the newest.
	Before uint64
	// Limit bounds how many are returned, as registry.PageSize does. Each can be
	// as large as two schemas.
	Limit int
	// Kind and Name are those of the changes, "" for any.
	Kind, Name string
}

// parseSubject reads the subject of a bucket's message. It returns false for keys
// that are not shown, such as the secret of personal values.
func parseSubject(s string) (Subject, bool) {
	for _, bucket := range []string{stream.BucketSchemas, stream.BucketApplications, stream.BucketTokens} {
		key, ok := strings.CutPrefix(s, kv.SubjectPrefix(bucket))
		if !ok {
			continue
		}
		switch {
		case bucket == stream.BucketApplications:
			return Subject{Kind: KindApplication, Name: key}, true
		case bucket == stream.BucketTokens:
			return Subject{Kind: KindToken, Name: key}, true
		case key == stream.KeyPolicy:
			return Subject{Kind: KindPolicy}, true
		case key == stream.KeyReplay:
			return Subject{Kind: KindReplay}, true
		}
		t, err := registry.ParseTypeKey(key)
		return Subject{KindSchema, t.Category, t.Name}, err == nil
	}
	return Subject{}, false
}

// filter returns the subjects that a query selects, so that the server skips most
// others.
func (q ChangesQuery) filter() string {
	token := ">"
	if q.Name != "" {
		token = stream.Escape(q.Name)
	}
	switch q.Kind {
	case KindApplication:
		return kv.SubjectPrefix(stream.BucketApplications) + token
	case KindToken:
		return kv.SubjectPrefix(stream.BucketTokens) + token
	case KindPolicy:
		return kv.SubjectPrefix(stream.BucketSchemas) + stream.KeyPolicy
	case KindReplay:
		return kv.SubjectPrefix(stream.BucketSchemas) + stream.KeyReplay
	case KindSchema:
		if q.Name != "" {
			token = "*." + token
		}
		return kv.SubjectPrefix(stream.BucketSchemas) + stream.KeyTypes + "." + token
	}
	return ">"
}

// selects reports whether a query selects the changes of a subject.
func (q ChangesQuery) selects(s string) bool {
	subject, ok := parseSubject(s)
	return ok && (q.Kind == "" || q.Kind == subject.Kind) && (q.Name == "" || q.Name == subject.Name)
}

// maxWindow bounds how many sequences are searched by one read.
const maxWindow = 1024

// Changes returns changes, newest first. A change is noted right after it is
// made, in any case; it may be missing yet when the call that made it returns.
func (e *Editor) Changes(ctx context.Context, q ChangesQuery) ([]Change, error) {
	s, err := e.js.Stream(ctx, stream.Changes)
	if err != nil {
		return nil, fmt.Errorf("open stream %s: %w", stream.Changes, err)
	}
	state := s.CachedInfo().State
	first, end := max(state.FirstSeq, 1), state.LastSeq+1
	limit, window := registry.PageSize(q.Limit), uint64(0)
	if q.Before > 0 {
		end = min(end, q.Before)
	}
	changes := []Change{}
	// A stream can be read upwards only. So windows of it are read, from its end
	// down, which grow while they hold few changes of the query.
	for end > first && len(changes) < limit {
		window = min(max(2*window, uint64(limit)), maxWindow)
		from := max(first, end-min(end, window))
		found, err := e.readWindow(ctx, q, from, end, limit-len(changes))
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

// readWindow returns the messages of a query with sequences from from to below
// end, the last most of them.
func (e *Editor) readWindow(ctx context.Context, q ChangesQuery, from, end uint64, most int) ([]*jetstream.RawStreamMsg, error) {
	var found []*jetstream.RawStreamMsg
	for from < end {
		batch, err := kv.MessagesOf(e.js, stream.Changes).Range(ctx, q.filter(), from, end)
		if err != nil {
			return nil, err
		}
		for _, m := range batch {
			from = m.Sequence + 1
			if m.Sequence < end && q.selects(m.Subject) {
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
	previous, err := kv.MessagesOf(e.js, stream.Changes).LastBelow(ctx, m.Subject, m.Sequence)
	if err != nil {
		return Change{}, err
	}
	subject, _ := parseSubject(m.Subject)
	after := kv.NewEntry(m)
	var before kv.Entry
	if previous != nil {
		before = kv.NewEntry(previous)
	}
	c := Change{
		Seq: m.Sequence, Subject: subject, Action: ActionUpdated, Revision: sourceRevision(m),
		ChangeInfo: registry.ReadChangeInfo(after),
		Before:     subject.publicValue(before), After: subject.publicValue(after),
	}
	switch {
	case after.Removed:
		c.Action = ActionRemoved
	case !before.Exists():
		c.Action = ActionCreated
	}
	return c, nil
}

// headerSource is "<stream> <sequence> …" of the message that the server copied.
const headerSource = "Nats-Stream-Source"

// sourceRevision returns the revision that a change has in its bucket.
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

// publicValue returns what people may see of a record.
func (s Subject) publicValue(e kv.Entry) jsontext.Value {
	if !e.Exists() {
		return nil
	}
	var shown any
	switch s.Kind {
	case KindSchema, KindPolicy:
		var r registry.SchemaRecord
		if json.Unmarshal(e.Value, &r) != nil {
			return nil
		}
		if s.Kind == KindPolicy {
			return r.Policy
		}
		return r.Schema
	case KindReplay:
		return nil // it has an author and a note alone
	case KindApplication:
		a, err := readApplication(s.Name, e)
		if err != nil {
			return nil
		}
		shown = publicApplication(a)
	case KindToken:
		t, err := readToken(s.Name, e)
		if err != nil {
			return nil
		}
		shown = struct {
			Role         registry.Role `json:"role"`
			Applications []string      `json:"applications,omitzero"`
		}{t.Role, t.Applications}
	}
	value, err := json.Marshal(shown)
	if err != nil {
		return nil
	}
	return value
}

// publicApplication returns the keys of an application by their ids.
func publicApplication(a Application) any {
	type publicKey struct {
		ID string `json:"id"`
		registry.KeySettings
	}
	keys := make([]publicKey, len(a.Keys))
	for i, k := range a.Keys {
		if len(k.Origins) == 0 {
			k.Origins = nil // an empty list is left out
		}
		keys[i] = publicKey{k.ID, k.KeySettings}
	}
	return struct {
		Keys []publicKey `json:"keys"`
	}{keys}
}
