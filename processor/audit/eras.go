package audit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/schema"
)

const (
	// behind is how long a processor may judge by a revision after the next one
	// was made, and how far clocks may lie apart.
	behind = time.Minute
	// maxRevisions bounds the revisions that one event is judged by; the newest
	// count.
	maxRevisions = 100
	// maxSets bounds the sets of former revisions that are kept, maxTypes the
	// types whose history is.
	maxSets  = 16
	maxTypes = 1000
)

// era is the time of one version of the policy.
type era struct {
	// revision is the first registry revision of the era, next that of the
	// following one, 0 in the present era.
	revision, next uint64
	// end is when the following one began.
	end    time.Time
	policy schema.Policy
}

// eras are the policies that the registry had, with the schemas that it had
// meanwhile as far as somebody asks. One goroutine uses them.
type eras struct {
	js     jetstream.JetStream
	editor *registry.Editor
	// revision is the registry's that list and types were read at.
	revision uint64
	loaded   bool
	list     []era // newest first
	types    map[schema.Type][]registry.Version
	sets     map[uint64]*schema.Set
}

func newEras(js jetstream.JetStream) *eras {
	return &eras{js: js, editor: registry.NewEditor(js), sets: map[uint64]*schema.Set{}}
}

// load reads the policies, unless it has them up to a registry revision.
func (e *eras) load(ctx context.Context, revision uint64) error {
	if e.loaded && e.revision >= revision {
		return nil
	}
	versions, err := e.editor.PolicyHistory(ctx, 0, registry.MaxPage)
	if err != nil && !errors.Is(err, registry.ErrNotFound) {
		return fmt.Errorf("read the former policies: %w", err)
	}
	list := make([]era, 0, len(versions)+1)
	following := era{}
	for _, v := range versions {
		next := era{revision: v.Revision, next: following.revision, end: following.end, policy: schema.DefaultPolicy()}
		if !v.Removed {
			readable, err := e.policy(ctx, v.Revision, &next.policy)
			if err != nil {
				return err
			}
			if !readable {
				continue // the version before it holds
			}
		}
		list = append(list, next)
		following = era{revision: v.Revision, end: v.Time}
	}
	list = append(list, era{next: following.revision, end: following.end, policy: schema.DefaultPolicy()})
	e.list, e.types, e.revision, e.loaded = list, map[schema.Type][]registry.Version{}, revision, true
	return nil
}

// policy reads the policy that a revision put, and reports whether it can be
// read.
func (e *eras) policy(ctx context.Context, revision uint64, p *schema.Policy) (bool, error) {
	v, err := e.editor.Policy(ctx, revision)
	var syntax *jsontext.SyntacticError
	var form *json.SemanticError
	if errors.As(err, &syntax) || errors.As(err, &form) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read a former policy: %w", err)
	}
	read, faults := schema.ParsePolicy(v.Value)
	*p = read
	return len(faults) == 0, nil
}

// since are the eras in which an event can have been judged, newest first.
func (e *eras) since(received time.Time) []era {
	for i, one := range e.list {
		if one.next != 0 && one.end.Before(received.Add(-behind)) {
			return e.list[:i]
		}
	}
	return e.list
}

// revisions are those of an era that can have judged an event of a type, newest
// first: the first one of the era, and each that changed the type's schema,
// unless another followed before the event was received.
func (e *eras) revisions(ctx context.Context, in era, t schema.Type, received time.Time) ([]uint64, error) {
	versions, ok := e.types[t]
	if !ok {
		var err error
		if versions, err = e.editor.SchemaHistory(ctx, t, 0, registry.MaxPage); err != nil && !errors.Is(err, registry.ErrNotFound) {
			return nil, fmt.Errorf("read the former schemas of %s: %w", t, err)
		}
		if len(e.types) >= maxTypes {
			clear(e.types)
		}
		e.types[t] = versions
	}
	var out []uint64
	for _, v := range versions {
		if v.Revision <= in.revision {
			break
		}
		if in.next == 0 || v.Revision < in.next {
			out = append(out, v.Revision)
			if v.Time.Before(received.Add(-behind)) {
				return out[:min(len(out), maxRevisions)], nil
			}
		}
	}
	out = append(out, in.revision)
	return out[:min(len(out), maxRevisions)], nil
}

// at is the set of a former revision.
func (e *eras) at(ctx context.Context, revision uint64) (*schema.Set, error) {
	if set, ok := e.sets[revision]; ok {
		return set, nil
	}
	set, err := registry.At(ctx, e.js, revision)
	if err != nil {
		return nil, fmt.Errorf("read registry revision %d: %w", revision, err)
	}
	if len(e.sets) >= maxSets {
		for old := range e.sets {
			delete(e.sets, old)
			break
		}
	}
	e.sets[revision] = set
	return set, nil
}
