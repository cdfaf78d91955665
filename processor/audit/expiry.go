package audit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/theeye/theeye/processor/jobs"
	"github.com/theeye/theeye/shared/outcome"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/schema"
)

// findExpired gives those items their verdict that may be gone because a retention
// is over, and returns the others.
func (w *scan) findExpired(ctx context.Context, items []*item) (left []*item, err error) {
	if len(items) == 0 {
		return nil, nil
	}
	err = jobs.Insist(ctx, requestLimit, func(ctx context.Context) error {
		return w.policies.refreshPolicies(ctx, w.cfg.Registry.Revision())
	}, nil)
	if err != nil {
		return nil, err
	}
	now := w.cfg.Now()
	for _, it := range items {
		over, err := w.mayHaveExpired(ctx, it, now)
		switch {
		case err != nil:
			return nil, err
		case over:
			it.verdict = expired
		default:
			left = append(left, it)
		}
	}
	return left, nil
}

// mayHaveExpired reports whether some processor may have judged the event so that its
// retention is over now. The newest policies come first: they say it most often.
func (w *scan) mayHaveExpired(ctx context.Context, it *item, now time.Time) (bool, error) {
	t := schema.Type{Category: it.doc.Category, Name: it.doc.Name}
	over := func(retention time.Duration) bool {
		return retention > 0 && !it.doc.ReceivedAt.Add(retention).After(now)
	}
	for _, e := range w.policies.intervalsSince(it.doc.ReceivedAt) {
		asStored, asRejected := over(e.policy.Retention.Of(t, false)), over(e.policy.Retention.Of(t, true))
		switch {
		case it.conflicting && asRejected, asStored && asRejected:
			return true, nil
		case it.conflicting || asStored == asRejected:
			continue
		}
		// It depends on the outcome, and that on the schema of the day.
		gone, err := w.expiredUnder(ctx, it, t, e, now)
		if gone || err != nil {
			return gone, err
		}
	}
	return false, nil
}

// expiredUnder judges the event by every revision of an era that can have
// decided its outcome.
func (w *scan) expiredUnder(ctx context.Context, it *item, t schema.Type, e policyInterval, now time.Time) (gone bool, err error) {
	err = jobs.Insist(ctx, requestLimit, func(ctx context.Context) error {
		revisions, err := w.policies.candidateRevisions(ctx, e, t, it.doc.ReceivedAt)
		if err != nil {
			return err
		}
		for _, revision := range revisions {
			set, err := w.policies.schemasAt(ctx, revision)
			if err != nil {
				return err
			}
			d, _ := outcome.Evaluate(it.msg, set, w.epoch)
			if gone = !d.ExpiresAt.IsZero() && !d.ExpiresAt.After(now); gone {
				return nil
			}
		}
		return nil
	}, nil)
	return gone, err
}

const (
	// revisionSkew is how long a processor may judge by a revision after the next one
	// was made, and how far clocks may lie apart.
	revisionSkew = time.Minute
	// maxRevisions bounds the revisions that one event is judged by; the newest
	// count.
	maxRevisions = 100
	// maxSets bounds the sets of former revisions that are kept, maxTypes the
	// types whose history is.
	maxSets  = 16
	maxTypes = 1000
)

// policyInterval is the time of one version of the policy.
type policyInterval struct {
	// revision is the first registry revision of the era, next that of the
	// following one, 0 in the present era.
	revision, next uint64
	// end is when the following one began.
	end    time.Time
	policy schema.Policy
}

// policyHistory are the policies that the registry had, with the schemas that it had
// meanwhile as far as somebody asks. One goroutine uses them.
type policyHistory struct {
	js     jetstream.JetStream
	editor *registry.Editor
	// revision is the registry's that list and types were read at.
	revision       uint64
	loaded         bool
	intervals      []policyInterval // newest first
	schemaVersions map[schema.Type][]registry.Version
	sets           map[uint64]*schema.Set
}

func newPolicyHistory(js jetstream.JetStream) *policyHistory {
	return &policyHistory{js: js, editor: registry.NewEditor(js), sets: map[uint64]*schema.Set{}}
}

// refreshPolicies reads the policies, unless it has them up to a registry revision.
func (e *policyHistory) refreshPolicies(ctx context.Context, revision uint64) error {
	if e.loaded && e.revision >= revision {
		return nil
	}
	versions, err := e.editor.PolicyHistory(ctx, 0, registry.MaxPage)
	if err != nil && !errors.Is(err, registry.ErrNotFound) {
		return fmt.Errorf("read the former policies: %w", err)
	}
	list := make([]policyInterval, 0, len(versions)+1)
	following := policyInterval{}
	for _, v := range versions {
		next := policyInterval{revision: v.Revision, next: following.revision, end: following.end, policy: schema.DefaultPolicy()}
		if !v.Removed {
			readable, err := e.readPolicy(ctx, v.Revision, &next.policy)
			if err != nil {
				return err
			}
			if !readable {
				continue // the version before it holds
			}
		}
		list = append(list, next)
		following = policyInterval{revision: v.Revision, end: v.Time}
	}
	list = append(list, policyInterval{next: following.revision, end: following.end, policy: schema.DefaultPolicy()})
	e.intervals, e.schemaVersions, e.revision, e.loaded = list, map[schema.Type][]registry.Version{}, revision, true
	return nil
}

// readPolicy reads the policy that a revision put, and reports whether it can be
// read.
func (e *policyHistory) readPolicy(ctx context.Context, revision uint64, p *schema.Policy) (bool, error) {
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

// intervalsSince are the eras in which an event can have been judged, newest first.
func (e *policyHistory) intervalsSince(received time.Time) []policyInterval {
	for i, one := range e.intervals {
		if one.next != 0 && one.end.Before(received.Add(-revisionSkew)) {
			return e.intervals[:i]
		}
	}
	return e.intervals
}

// candidateRevisions are those of an era that can have judged an event of a type, newest
// first: the first one of the era, and each that changed the type's schema,
// unless another followed before the event was received.
func (e *policyHistory) candidateRevisions(ctx context.Context, in policyInterval, t schema.Type, received time.Time) ([]uint64, error) {
	versions, ok := e.schemaVersions[t]
	if !ok {
		var err error
		if versions, err = e.editor.SchemaHistory(ctx, t, 0, registry.MaxPage); err != nil && !errors.Is(err, registry.ErrNotFound) {
			return nil, fmt.Errorf("read the former schemas of %s: %w", t, err)
		}
		if len(e.schemaVersions) >= maxTypes {
			clear(e.schemaVersions)
		}
		e.schemaVersions[t] = versions
	}
	var out []uint64
	for _, v := range versions {
		if v.Revision <= in.revision {
			break
		}
		if in.next == 0 || v.Revision < in.next {
			out = append(out, v.Revision)
			if v.Time.Before(received.Add(-revisionSkew)) {
				return out[:min(len(out), maxRevisions)], nil
			}
		}
	}
	out = append(out, in.revision)
	return out[:min(len(out), maxRevisions)], nil
}

// schemasAt is the set of a former revision.
func (e *policyHistory) schemasAt(ctx context.Context, revision uint64) (*schema.Set, error) {
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
