package registry

import (
	"context"
	"log/slog"
	"maps"
	"slices"
)

// access builds who may write and read. Equal digests are decided by the order
// of names.
func (r *Registry) access(ctx context.Context) *Access {
	a := newAccess(len(r.applications.records), len(r.tokens.records))
	r.static.addTo(a)
	names := slices.Sorted(maps.Keys(r.applications.records))
	for _, name := range names {
		for _, k := range r.applications.records[name].value {
			if !a.addKey(k.sum, k.value) && !r.static.hasKey(k.sum) {
				r.log.LogAttrs(ctx, slog.LevelWarn, "two applications have the same write key; the first one keeps it",
					slog.String("application", name))
			}
		}
	}
	a.name(names...)
	for _, id := range slices.Sorted(maps.Keys(r.tokens.records)) {
		if t := r.tokens.records[id]; t.readable && !a.addToken(t.value.sum, t.value.value) {
			r.log.LogAttrs(ctx, slog.LevelWarn, "two tokens have the same secret; the first one counts",
				slog.String("token", id))
		}
	}
	return a
}

func (s static) hasKey(sum digest) bool {
	return slices.ContainsFunc(s.keys, func(k hashed[Key]) bool { return k.sum == sum })
}
