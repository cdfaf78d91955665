package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/kv"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/stream"
)

const (
	// DefaultPage is how many versions or changes are listed if no limit is given.
	DefaultPage = 100
	// MaxPage is how many are listed at most.
	MaxPage = 1001
)

// PageSize returns a limit within its bounds: DefaultPage instead of 0, and at
// most MaxPage.
func PageSize(limit int) int {
	if limit <= 0 {
		return DefaultPage
	}
	return min(limit, MaxPage)
}

// ErrNotFound says that the registry has no such schema, application, key, token
// or version, or has it no longer.
var ErrNotFound = errors.New("the registry does not have it")

// Version is one version of a schema or of the policy.
type Version struct {
	Revision uint64
	ChangeInfo
	// Removed marks a version that removed the one before it.
	Removed bool
	// Value is the schema or the policy, nil in lists.
	Value jsontext.Value
}

// TypeVersion is a version of a type's schema.
type TypeVersion struct {
	schema.Type
	Version
}

// History reads the schemas and the policy with all their former versions. It asks
// the bucket at every call. Its methods are safe for concurrent use; their errors
// are ErrNotFound or those of NATS, jetstream.ErrBucketNotFound among them until the
// query API has created the bucket.
type History struct{ schemas *kv.Bucket }

// NewHistory returns the History of a registry.
func NewHistory(js jetstream.JetStream) *History {
	return &History{kv.New(js, stream.BucketSchemas)}
}

// Schemas returns the newest version of every type's schema, by category and
// name, without the schemas.
func (h *History) Schemas(ctx context.Context) ([]TypeVersion, error) {
	list := []TypeVersion{}
	err := h.schemas.Each(ctx, stream.KeyTypes+".>", func(key string, e kv.Entry) {
		if t, err := ParseTypeKey(key); err == nil && e.Exists() {
			list = append(list, TypeVersion{t, versionOf(e)})
		}
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b TypeVersion) int {
		return cmp.Or(strings.Compare(a.Category, b.Category), strings.Compare(a.Name, b.Name))
	})
	return list, nil
}

// Schema returns the version of a type's schema that a revision made, with 0 the
// newest one.
func (h *History) Schema(ctx context.Context, t schema.Type, revision uint64) (Version, error) {
	key, err := TypeKey(t)
	if err != nil {
		return Version{}, fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	return h.readVersion(ctx, key, revision)
}

// SchemaHistory returns the versions of a type's schema below a revision, with 0
// all, newest first and without the schemas: PageSize(limit) at most.
// ErrNotFound says that the type never had a schema.
func (h *History) SchemaHistory(ctx context.Context, t schema.Type, before uint64, limit int) ([]Version, error) {
	key, err := TypeKey(t)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	return h.listVersions(ctx, key, before, limit)
}

// Policy returns the version of the policy that a revision made, with 0 the
// newest one. ErrNotFound says that the default policy is in force.
func (h *History) Policy(ctx context.Context, revision uint64) (Version, error) {
	return h.readVersion(ctx, stream.KeyPolicy, revision)
}

// PolicyHistory is SchemaHistory of the policy.
func (h *History) PolicyHistory(ctx context.Context, before uint64, limit int) ([]Version, error) {
	return h.listVersions(ctx, stream.KeyPolicy, before, limit)
}

// readVersion returns a version with its value.
func (h *History) readVersion(ctx context.Context, key string, revision uint64) (Version, error) {
	var e kv.Entry
	var err error
	if revision > 0 {
		e, err = h.schemas.GetRevision(ctx, key, revision)
	} else {
		if e, err = h.schemas.Get(ctx, key); err == nil {
			e, err = Readable(ctx, h.schemas, key, e)
		}
	}
	if err != nil {
		return Version{}, err
	}
	if !e.Exists() {
		return Version{}, fmt.Errorf("%s/%s: %w", h.schemas.Name(), key, ErrNotFound)
	}
	v := versionOf(e)
	if v.Value, err = openSchemaRecord(key, e.Value); err != nil {
		return Version{}, fmt.Errorf("%s/%s at revision %d: %w", h.schemas.Name(), key, e.Revision, err)
	}
	return v, nil
}

// listVersions returns versions of a key without their values. It reads them one
// by one: a schema may have thousands of versions of 64 KiB.
func (h *History) listVersions(ctx context.Context, key string, before uint64, limit int) ([]Version, error) {
	subject := kv.SubjectPrefix(h.schemas.Name()) + key
	versions := []Version{}
	for len(versions) < PageSize(limit) {
		m, err := h.schemas.Messages().LastBelow(ctx, subject, before)
		if err != nil {
			return nil, err
		}
		if m == nil {
			break
		}
		versions = append(versions, versionOf(kv.NewEntry(m)))
		before = m.Sequence
	}
	if len(versions) == 0 && before == 0 {
		return nil, fmt.Errorf("%s/%s: %w", h.schemas.Name(), key, ErrNotFound)
	}
	return versions, nil
}

func versionOf(e kv.Entry) Version {
	return Version{Revision: e.Revision, ChangeInfo: ReadChangeInfo(e), Removed: e.Removed}
}
