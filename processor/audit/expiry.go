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
	// revisionSkew is how long a processor may validate against a revision after
	// the next one was made, and how much clocks may differ.
	revisionSkew = time.Minute
	// maxRevisions bounds the revisions that one event is validated against; the
	// newest ones are taken.
	maxRevisions = 100
	// maxSets bounds the cached sets of former revisions, maxTypes the types whose
	// schema versions are cached.
	maxSets  = 16
	maxTypes = 1000
)

// policyInterval is the time during which one version of the policy was in
// force.
type policyInterval struct {
	// revision is the first registry revision of the interval, next that of the
	// following interval, 0 in the present one.
	revision, next uint64
	// end is when the following interval began.
	end    time.Time
	policy schema.Policy
}

// policyHistory has the intervals of all policies, and caches schemas of former
// revisions. It is not safe for concurrent use.
type policyHistory struct {
	js      jetstream.JetStream
	history *registry.History
	// revision is the registry revision at which intervals and schemaVersions
	// were read.
	revision       uint64
	loaded         bool
	intervals      []policyInterval // newest first
	schemaVersions map[schema.Type][]registry.Version
	sets           map[uint64]*schema.Set
}

func newPolicyHistory(js jetstream.JetStream) *policyHistory {
	return &policyHistory{js: js, history: registry.NewHistory(js), sets: map[uint64]*schema.Set{}}
}

// refreshPolicies reads the policies, unless it has them up to a registry
// revision.
func (h *policyHistory) refreshPolicies(ctx context.Context, revision uint64) error {
	if h.loaded && h.revision >= revision {
		return nil
	}
	versions, err := h.history.PolicyHistory(ctx, 0, registry.MaxPage)
	if err != nil && !errors.Is(err, registry.ErrNotFound) {
		return fmt.Errorf("read the former policies: %w", err)
	}
	intervals := make([]policyInterval, 0, len(versions)+1)
	following := policyInterval{}
	for _, v := range versions {
		interval := policyInterval{revision: v.Revision, next: following.revision, end: following.end, policy: schema.DefaultPolicy()}
		if !v.Removed {
			readable, err := h.readPolicy(ctx, v.Revision, &interval.policy)
			if err != nil {
				return err
			}
			if !readable {
				continue // the version before it stays in force
			}
		}
		intervals = append(intervals, interval)
		following = policyInterval{revision: v.Revision, end: v.Time}
	}
	intervals = append(intervals, policyInterval{next: following.revision, end: following.end, policy: schema.DefaultPolicy()})
	h.intervals, h.schemaVersions = intervals, map[schema.Type][]registry.Version{}
	h.revision, h.loaded = revision, true
	return nil
}

// readPolicy reads the policy that was put at a revision, and reports whether it
// is readable.
func (h *policyHistory) readPolicy(ctx context.Context, revision uint64, p *schema.Policy) (bool, error) {
	v, err := h.history.Policy(ctx, revision)
	var syntax *jsontext.SyntacticError
	var semantic *json.SemanticError
	if errors.As(err, &syntax) || errors.As(err, &semantic) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read a former policy: %w", err)
	}
	parsed, faults := schema.ParsePolicy(v.Value)
	*p = parsed
	return len(faults) == 0, nil
}

// intervalsSince returns the intervals in which an event can have been validated,
// newest first.
func (h *policyHistory) intervalsSince(received time.Time) []policyInterval {
	for i, interval := range h.intervals {
		if interval.next != 0 && interval.end.Before(received.Add(-revisionSkew)) {
			return h.intervals[:i]
		}
	}
	return h.intervals
}

// candidateRevisions returns the revisions of an interval that an event of a type
// can have been validated against, newest first: the first one of the interval,
// and each that changed the schema of the type, unless another one followed before
// the event was received.
func (h *policyHistory) candidateRevisions(ctx context.Context, in policyInterval, t schema.Type, received time.Time) ([]uint64, error) {
	versions, ok := h.schemaVersions[t]
	if !ok {
		var err error
		if versions, err = h.history.SchemaHistory(ctx, t, 0, registry.MaxPage); err != nil && !errors.Is(err, registry.ErrNotFound) {
			return nil, fmt.Errorf("read the former schemas of %s: %w", t, err)
		}
		if len(h.schemaVersions) >= maxTypes {
			clear(h.schemaVersions)
		}
		h.schemaVersions[t] = versions
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

// schemasAt returns the schemas of a former revision.
func (h *policyHistory) schemasAt(ctx context.Context, revision uint64) (*schema.Set, error) {
	if set, ok := h.sets[revision]; ok {
		return set, nil
	}
	set, err := registry.At(ctx, h.js, revision)
	if err != nil {
		return nil, fmt.Errorf("read registry revision %d: %w", revision, err)
	}
	if len(h.sets) >= maxSets {
		for old := range h.sets {
			delete(h.sets, old)
			break
		}
	}
	h.sets[revision] = set
	return set, nil
}
