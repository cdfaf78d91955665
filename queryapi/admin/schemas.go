package admin

import (
	"context"
	"errors"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/registry/editor"
	"github.com/theeye/theeye/shared/schema"
)

// Schemas returns every registered type with the newest version of its schema.
func (a *Admin) Schemas(ctx context.Context) (api.SchemaList, error) {
	return withRegistry(a, func() (api.SchemaList, error) {
		present, err := a.editor.Schemas(ctx)
		if err != nil {
			return api.SchemaList{}, err
		}
		list := api.SchemaList{Revision: a.registry.Revision(), Schemas: make([]api.TypeVersion, len(present))}
		for i, v := range present {
			list.Schemas[i] = api.TypeVersion{Category: v.Category, Name: v.Name, VersionInfo: versionInfo(v.Version)}
			// The bucket may be ahead of the snapshot of this process.
			list.Revision = max(list.Revision, v.Revision)
		}
		return list, nil
	})
}

// Schema returns a version of a type's schema, the newest for revision 0.
func (a *Admin) Schema(ctx context.Context, t schema.Type, revision uint64) (registry.Version, error) {
	return withRegistry(a, func() (registry.Version, error) { return a.editor.Schema(ctx, t, revision) })
}

// PutSchema replaces a type's schema.
func (a *Admin) PutSchema(ctx context.Context, t schema.Type, raw []byte, c Change) (editor.PutResult, error) {
	return withRegistry(a, func() (editor.PutResult, error) { return a.editor.PutSchema(ctx, t, raw, c.Match, c.By) })
}

// DeleteSchema removes a type's schema and returns the revision of the removal.
func (a *Admin) DeleteSchema(ctx context.Context, t schema.Type, c Change) (uint64, error) {
	return withRegistry(a, func() (uint64, error) { return a.editor.DeleteSchema(ctx, t, c.Match, c.By) })
}

// VersionRange selects versions, the newest first.
type VersionRange struct {
	// Before is the revision that they are below, 0 for the newest.
	Before uint64
	Limit  int
}

// SchemaHistory returns versions of a type's schema, removals included, and
// whether more follow.
func (a *Admin) SchemaHistory(ctx context.Context, t schema.Type, r VersionRange) ([]api.Version, bool, error) {
	return a.listVersions(r, func(limit int) ([]registry.Version, error) {
		return a.editor.SchemaHistory(ctx, t, r.Before, limit)
	})
}

// PolicyHistory returns versions of the policy, and whether more follow.
func (a *Admin) PolicyHistory(ctx context.Context, r VersionRange) ([]api.Version, bool, error) {
	return a.listVersions(r, func(limit int) ([]registry.Version, error) {
		return a.editor.PolicyHistory(ctx, r.Before, limit)
	})
}

// listVersions reads one version more than the range takes, to know whether
// more follow.
func (a *Admin) listVersions(r VersionRange, read func(limit int) ([]registry.Version, error)) ([]api.Version, bool, error) {
	found, err := withRegistry(a, func() ([]registry.Version, error) { return read(r.Limit + 1) })
	if err != nil {
		return nil, false, err
	}
	more := len(found) > r.Limit
	found = found[:min(len(found), r.Limit)]
	list := make([]api.Version, len(found))
	for i, v := range found {
		list[i] = api.Version{VersionInfo: versionInfo(v), Removed: v.Removed}
	}
	return list, more, nil
}

func versionInfo(v registry.Version) api.VersionInfo {
	return api.VersionInfo{Revision: v.Revision, Time: api.TimeOf(v.Time), Author: v.Author, Note: v.Note}
}

// defaultPolicy is schema.DefaultPolicy as a declaration: the policy in force
// while the registry has none.
const defaultPolicy = `{"future_skew":"5m","oldest_age":"0s","unknown_types":"reject"}`

// Policy returns a version of the policy, the newest for revision 0. Without a
// policy that is the default one, at revision 0.
func (a *Admin) Policy(ctx context.Context, revision uint64) (registry.Version, error) {
	return withRegistry(a, func() (registry.Version, error) {
		v, err := a.editor.Policy(ctx, revision)
		if errors.Is(err, registry.ErrNotFound) && revision == 0 {
			return registry.Version{Value: []byte(defaultPolicy)}, nil
		}
		return v, err
	})
}

// PutPolicy replaces the policy.
func (a *Admin) PutPolicy(ctx context.Context, raw []byte, c Change) (editor.PutResult, error) {
	return withRegistry(a, func() (editor.PutResult, error) { return a.editor.PutPolicy(ctx, raw, c.Match, c.By) })
}

// DeletePolicy removes the policy, so that the default one is in force again,
// and returns the revision of the removal.
func (a *Admin) DeletePolicy(ctx context.Context, c Change) (uint64, error) {
	return withRegistry(a, func() (uint64, error) { return a.editor.DeletePolicy(ctx, c.Match, c.By) })
}

// ChangesQuery selects changes of the registry, the newest first.
type ChangesQuery struct {
	// Before is the sequence that they are below, 0 for the newest.
	Before uint64
	Limit  int
	// Kind and Name restrict the changes unless they are empty.
	Kind, Name string
}

const (
	// maxChangesBytes is the size behind which a page of changes ends before
	// its limit.
	maxChangesBytes = 8 << 20
	// changesBatch is how many changes are read at once: each may bring two
	// declarations.
	changesBatch = 32
)

// Changes returns a page of changes, and whether more follow. It ends before
// its limit once it is large.
func (a *Admin) Changes(ctx context.Context, q ChangesQuery) (page []api.Change, more bool, err error) {
	if err := a.CheckConnected(); err != nil {
		return nil, false, err
	}
	size, before := 0, q.Before
	page = []api.Change{}
	for {
		want := min(q.Limit+1-len(page), changesBatch)
		found, err := a.editor.Changes(ctx, editor.ChangesQuery{Before: before, Limit: want, Kind: q.Kind, Name: q.Name})
		if err != nil {
			return nil, false, classify(err)
		}
		for _, c := range found {
			if len(page) == q.Limit || size > maxChangesBytes {
				return page, true, nil
			}
			page, size = append(page, apiChange(c)), size+len(c.Before)+len(c.After)
		}
		if len(found) < want {
			return page, false, nil
		}
		before = page[len(page)-1].Seq
	}
}

func apiChange(c editor.Change) api.Change {
	return api.Change{
		Seq: c.Seq, Kind: c.Kind, Category: c.Category, Name: c.Name, Action: c.Action, Revision: c.Revision,
		Time: api.TimeOf(c.Time), Author: c.Author, Note: c.Note, Before: c.Before, After: c.After,
	}
}
