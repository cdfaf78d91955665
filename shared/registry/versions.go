package registry

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"

	"github.com/theeye/theeye/shared/kv"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/stream"
)

// schemaTable holds the records of bucket SCHEMAS with their former versions.
type schemaTable struct {
	log *slog.Logger

	keys     map[string]*versionHistory
	revision uint64 // the newest that was seen
	dirty    bool   // keys changed since the last snapshot

	// previous is what keys was before the bucket is read again from its start;
	// nil once it is read. Versions that still exist are taken over from it.
	previous map[string]*versionHistory
}

func newSchemaTable(log *slog.Logger) *schemaTable {
	return &schemaTable{log: log.With(slog.String("bucket", stream.BucketSchemas)), keys: map[string]*versionHistory{}}
}

func (t *schemaTable) bucketName() string { return stream.BucketSchemas }

func (t *schemaTable) needsHistory() bool { return true }

// beginRead starts from nothing: a watch does not report versions that were
// removed while it was interrupted, nor that the bucket was created again.
func (t *schemaTable) beginRead() {
	if t.previous == nil {
		t.previous = t.keys
	}
	t.keys, t.revision = map[string]*versionHistory{}, 0
}

// endRead ends the reading of the whole bucket.
func (t *schemaTable) endRead(map[string]bool) {
	t.dirty = t.dirty || len(t.keys) != len(t.previous)
	for key, h := range t.keys {
		if previous := t.previous[key]; h.hasSameVersions(previous) {
			t.keys[key] = previous
			continue
		}
		t.dirty = true
	}
	t.previous = nil
}

// applyEntry takes over an entry. It never fails.
func (t *schemaTable) applyEntry(_ context.Context, _ *kv.Bucket, e *kv.KeyEntry) error {
	t.revision = max(t.revision, e.Revision)
	key := e.Key
	if !isKnownKey(key) {
		return nil
	}
	h, had := t.keys[key]
	if e.Removed {
		changed := had
		if had && h.ofType {
			changed = h.markRemoved(e.Revision)
		} else {
			delete(t.keys, key)
		}
		t.dirty = t.dirty || changed && t.previous == nil
		return nil
	}
	if !had {
		h = newVersionHistory(key)
		t.keys[key] = h
	}
	id := versionID{e.Revision, e.Created}
	known := t.previous[key].findVersion(id)
	if known == nil {
		known = &storedVersion{versionID: id, record: e.Value}
	}
	added := h.appendVersion(known)
	t.dirty = t.dirty || added && t.previous == nil
	return nil
}

// buildSet builds the Set of the newest revision. Errors are those of NATS, from
// the search for readable versions.
func (t *schemaTable) buildSet(ctx context.Context, b *kv.Bucket) (*schema.Set, error) {
	policy := schema.DefaultPolicy()
	types := make(map[schema.Type]schema.Versioned, len(t.keys))
	var pii secret
	for key, h := range t.keys {
		if err := h.resolveCurrent(func() ([]*storedVersion, error) { return readAllVersions(ctx, b, h) }); err != nil {
			return nil, err
		}
		t.logUnreadable(ctx, h)
		if typ, err := ParseTypeKey(key); err == nil {
			types[typ] = h.versionedSchema()
			continue
		}
		if h.current == nil {
			continue
		}
		switch value := h.current.value.(type) {
		case schema.Policy:
			policy = value
		case secret:
			pii = value
		}
	}
	return schema.NewSet(t.revision, policy, types, pii), nil
}

// countUnreadable returns of how many keys the newest version cannot be read, by
// what the last Set was built of.
func (t *schemaTable) countUnreadable() int {
	n := 0
	for _, h := range t.keys {
		if h.newest().err != nil {
			n++
		}
	}
	return n
}

// logUnreadable logs once that the newest version of a key cannot be read.
func (t *schemaTable) logUnreadable(ctx context.Context, h *versionHistory) {
	v := h.newest()
	if v.err == nil || v.logged {
		return
	}
	v.logged = true
	t.log.LogAttrs(ctx, slog.LevelError, unreadableMessage,
		slog.String("key", h.key), slog.Uint64("revision", v.revision), slog.String("error", v.err.Error()))
}

// readAllVersions asks the bucket for all versions of a key up to the newest that
// was seen.
func readAllVersions(ctx context.Context, b *kv.Bucket, h *versionHistory) ([]*storedVersion, error) {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	entries, err := b.History(ctx, h.key)
	if err != nil {
		return nil, fmt.Errorf("read the history of %s in %s: %w", h.key, stream.BucketSchemas, err)
	}
	var versions []*storedVersion
	for _, e := range entries {
		switch {
		case e.Revision > h.newest().revision:
			return versions, nil
		case e.Removed && h.ofType:
			// Versions before a removal go on validating events that name them.
		case e.Removed:
			versions = nil
		default:
			id := versionID{e.Revision, e.Created}
			known := h.findVersion(id)
			if known == nil {
				known = &storedVersion{versionID: id, record: e.Value}
			}
			versions = append(versions, known)
		}
	}
	return versions, nil
}

// maxVersions is how many versions of a key are in memory: the newest, and those
// that may validate events which name them.
const maxVersions = 1 + schema.MaxEarlier

// storedVersion is one version of a key of bucket SCHEMAS. It is opened, decoded
// and turned into an earlier version when that is first needed, and once: most
// versions validate nothing.
type storedVersion struct {
	versionID

	record  []byte // nil once it is opened
	opened  bool
	content []byte

	decoded bool
	value   any
	// err says why the version cannot be read, for good.
	err    error
	logged bool

	earlier *schema.Version
}

// openRecord reads content from record.
func (v *storedVersion) openRecord(key string) {
	if !v.opened {
		v.content, v.err = openSchemaRecord(key, v.record)
		v.opened, v.record = true, nil
	}
}

// isReadable decodes the version and reports whether it can be read.
func (v *storedVersion) isReadable(key string) bool {
	v.openRecord(key)
	if v.err == nil && !v.decoded {
		v.value, v.err = decodeDeclaration(key, v.content)
		v.decoded = true
	}
	return v.err == nil
}

// dropValue drops the decoded value: a later version is the current one.
func (v *storedVersion) dropValue() { v.value, v.decoded = nil, false }

// asEarlier returns the version as an earlier one, the same in every Set.
func (v *storedVersion) asEarlier(key string) *schema.Version {
	v.openRecord(key)
	if v.earlier == nil {
		v.earlier = schema.NewVersion(v.revision, v.content)
	}
	return v.earlier
}

// versionHistory is the versions of a key, oldest first: the newest maxVersions of
// them. That of a type includes the versions before a removal; that of another key
// begins after its last removal.
type versionHistory struct {
	key string
	// ofType says that the key is one of a type. Earlier versions of other keys
	// have no use.
	ofType   bool
	versions []*storedVersion
	// removedAt is the revision that removed the newest version of a type, 0 while
	// it is not removed; since is the removal before that version, 0 for none.
	removedAt, since uint64
	// truncated says that older versions exist.
	truncated bool

	// resolved says that current and earlier are up to date: the newest readable
	// version, nil if none can be read, and the ones before it.
	resolved bool
	current  *storedVersion
	earlier  []*schema.Version
}

func newVersionHistory(key string) *versionHistory {
	_, err := ParseTypeKey(key)
	return &versionHistory{key: key, ofType: err == nil}
}

func (h *versionHistory) newest() *storedVersion { return h.versions[len(h.versions)-1] }

// findVersion returns a version by its id, nil if the history does not have it.
func (h *versionHistory) findVersion(id versionID) *storedVersion {
	if h == nil {
		return nil
	}
	i, ok := slices.BinarySearchFunc(h.versions, id.revision, func(v *storedVersion, r uint64) int {
		return cmp.Compare(v.revision, r)
	})
	if !ok || h.versions[i].versionID != id {
		return nil
	}
	return h.versions[i]
}

// appendVersion appends a version. It returns false for one that is not new.
func (h *versionHistory) appendVersion(v *storedVersion) bool {
	if len(h.versions) > 0 && v.revision <= h.newest().revision {
		return false
	}
	if len(h.versions) == maxVersions {
		h.versions = slices.Delete(h.versions, 0, 1)
		h.truncated = true
	}
	h.versions = append(h.versions, v)
	if h.removedAt > 0 {
		h.since, h.removedAt = h.removedAt, 0
	}
	h.resolved = false
	return true
}

// markRemoved notes a removal, which is of a revision. It returns false for one that
// is not new.
func (h *versionHistory) markRemoved(revision uint64) bool {
	if h.removedAt > 0 || revision <= h.newest().revision {
		return false
	}
	h.removedAt = revision
	return true
}

// hasSameVersions reports whether two histories have the same versions.
func (h *versionHistory) hasSameVersions(other *versionHistory) bool {
	return other != nil && h.truncated == other.truncated && h.removedAt == other.removedAt && h.since == other.since && slices.Equal(h.versions, other.versions)
}

// resolveCurrent finds the newest readable version. If that one, or one of the
// earlier ones that it needs, is older than those in memory, it calls readAll:
// the result must not depend on when a process started. Errors are those of
// readAll.
func (h *versionHistory) resolveCurrent(readAll func() ([]*storedVersion, error)) error {
	if h.resolved {
		return nil
	}
	versions := h.versions
	at := h.newestReadable(versions)
	if at < len(versions)-1 && h.truncated {
		var err error
		if versions, err = readAll(); err != nil {
			return err
		}
		at = h.newestReadable(versions)
	}
	h.current, h.earlier = nil, nil
	if at >= 0 {
		h.current = versions[at]
		for _, v := range versions[max(0, at-schema.MaxEarlier):at] {
			v.dropValue()
			if h.ofType {
				h.earlier = append(h.earlier, v.asEarlier(h.key))
			}
		}
	}
	h.resolved = true
	return nil
}

// newestReadable returns the index of the newest readable version, -1 if none
// can be read. Versions before a removal do not come back as the newest.
func (h *versionHistory) newestReadable(versions []*storedVersion) int {
	for i, v := range slices.Backward(versions) {
		if v.revision <= h.since {
			break
		}
		if v.isReadable(h.key) {
			return i
		}
	}
	return -1
}

// versionedSchema returns the schema of a type. A type of which no version can be
// read is known, and has no schema.
func (h *versionHistory) versionedSchema() schema.Versioned {
	if h.current == nil {
		return schema.Versioned{Revision: h.newest().revision, Removed: h.removedAt > 0}
	}
	s, _ := h.current.value.(*schema.Schema)
	return schema.Versioned{Schema: s, Revision: h.current.revision, Earlier: h.earlier, Removed: h.removedAt > 0}
}
