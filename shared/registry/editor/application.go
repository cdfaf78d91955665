package editor

import (
	"context"
	"slices"

	"github.com/theeye/theeye/shared/registry"
)

// Applications returns all applications by name. One that cannot be read is
// listed without its keys.
func (e *Editor) Applications(ctx context.Context) ([]Application, error) {
	return e.applications.list(ctx)
}

// Application returns one application.
func (e *Editor) Application(ctx context.Context, name string) (Application, error) {
	return e.applications.find(ctx, name)
}

// checkOwners reports keys that other applications have. Keys that the application
// has already are not looked up.
func (e *Editor) checkOwners(ctx context.Context, name string, keys []registry.KeyRecord) error {
	now, err := e.applications.Get(ctx, name)
	if err == nil {
		now, err = registry.Readable(ctx, e.applications.Bucket, name, now)
	}
	if err != nil {
		return err
	}
	var mine registry.ApplicationRecord
	if now.Exists() {
		mine, _ = registry.ReadApplication(now.Value) // one that cannot be read has no keys
	}
	added := make(map[int]string, len(keys))
	for i, k := range keys {
		if !slices.ContainsFunc(mine.Keys, func(m registry.KeyRecord) bool { return m.SHA256 == k.SHA256 }) {
			added[i] = k.SHA256
		}
	}
	return e.owners.check(ctx, name, added)
}

// CreateApplication makes an application with one write key, whose secret is
// returned this once. A *ConflictError says that the application exists.
func (e *Editor) CreateApplication(ctx context.Context, name string, settings registry.KeySettings, by registry.ChangeInfo) (Application, NewKey, error) {
	k, made, faults := makeKey(name, settings)
	if err := invalid(checkName(name), faults, checkChangeInfo(by)); err != nil {
		return Application{}, NewKey{}, err
	}
	record := registry.ApplicationRecord{Keys: []registry.KeyRecord{k}, ChangeInfo: stamp(by)}
	revision, err := e.applications.create(ctx, name, record)
	if err != nil {
		return Application{}, NewKey{}, err
	}
	return newApplication(name, revision, record), made, nil
}

// SetApplication replaces the settings of an application. Its write keys stay.
func (e *Editor) SetApplication(ctx context.Context, name string, settings registry.ApplicationSettings, match Precondition, by registry.ChangeInfo) (Application, error) {
	settings, faults := checkApplicationSettings(settings)
	if err := invalid(faults); err != nil {
		return Application{}, err
	}
	return e.editApplication(ctx, name, match, by, func(r *registry.ApplicationRecord) error {
		r.ApplicationSettings = settings
		return nil
	})
}

// DeleteApplication removes an application with all its write keys and returns
// the revision that does. Its events stay.
func (e *Editor) DeleteApplication(ctx context.Context, name string, match Precondition, by registry.ChangeInfo) (uint64, error) {
	return e.applications.remove(ctx, name, match, by)
}
