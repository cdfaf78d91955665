package editor

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/kv"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/schema"
)

// keyOwners knows which application has which write key. It reads the bucket from
// its start at the first check, and only new entries at the following ones: to put
// ten thousand applications costs no more than to read ten thousand. It keeps some
// hundred bytes a key.
type keyOwners struct {
	applications *kv.Bucket
	lock         chan struct{} // a mutex that can be waited for under a context

	revision  uint64    // of the newest entry that was read
	created   time.Time // of the bucket that it was read from
	byDigest  map[registry.Digest]string
	digestsOf map[string][]registry.Digest
}

func newKeyOwners(applications *kv.Bucket) *keyOwners {
	return &keyOwners{applications: applications, lock: make(chan struct{}, 1)}
}

// check returns an *InvalidError that names each key, by its index in the
// declaration, that another application has.
func (o *keyOwners) check(ctx context.Context, name string, sums map[int]string) error {
	if len(sums) == 0 {
		return nil
	}
	select {
	case o.lock <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("look up the owners of write keys: %w", context.Cause(ctx))
	}
	defer func() { <-o.lock }()
	if err := o.readNew(ctx); err != nil {
		return err
	}
	var faults []event.Fault
	m := schema.Location{Faults: &faults}.At("keys")
	for _, i := range slices.Sorted(maps.Keys(sums)) {
		sum, err := registry.ParseDigest(sums[i])
		if err != nil {
			continue // it was parsed before
		}
		if owner, taken := o.byDigest[sum]; taken && owner != name {
			m.At(strconv.Itoa(i)).At("sha256").Faultf("is also a write key of application %s", owner)
		}
	}
	return invalid(faults)
}

// readNew reads the entries that were added since the last call.
func (o *keyOwners) readNew(ctx context.Context) error {
	created, newest, err := o.applications.Info(ctx)
	if err != nil {
		return err
	}
	if !created.Equal(o.created) || newest < o.revision {
		o.revision, o.created = 0, created
		o.byDigest, o.digestsOf = map[registry.Digest]string{}, map[string][]registry.Digest{}
	}
	if o.revision == 0 {
		return o.readAll(ctx)
	}
	for o.revision < newest {
		prefix := kv.SubjectPrefix(o.applications.Name())
		batch, err := o.applications.Messages().Range(ctx, prefix+">", o.revision+1, newest+1)
		if err != nil {
			return err
		}
		for _, m := range batch {
			o.applyEntry(strings.TrimPrefix(m.Subject, prefix), kv.NewEntry(m))
		}
		if len(batch) == 0 {
			o.revision = newest // the rest is purged
		}
	}
	return nil
}

// readAll reads the entry that is in force for each application.
func (o *keyOwners) readAll(ctx context.Context) error {
	unread := map[string]kv.Entry{}
	err := o.applications.Each(ctx, ">", func(name string, e kv.Entry) {
		if !o.applyEntry(name, e) {
			unread[name] = e
		}
	})
	for name, newest := range unread {
		if err != nil {
			break
		}
		var e kv.Entry
		if e, err = registry.Readable(ctx, o.applications, name, newest); err == nil {
			o.applyEntry(name, e)
		}
	}
	if err != nil {
		o.revision = 0 // the next call reads all again
	}
	return err
}

// applyEntry takes over the keys of an application's entry. It returns false, and
// takes over nothing, if the record cannot be read: the one before it stays in force.
func (o *keyOwners) applyEntry(name string, e kv.Entry) bool {
	o.revision = max(o.revision, e.Revision)
	var r registry.ApplicationRecord
	if !e.Removed {
		var err error
		if r, err = registry.ReadApplication(e.Value); err != nil {
			return false
		}
	}
	for _, sum := range o.digestsOf[name] {
		if o.byDigest[sum] == name {
			delete(o.byDigest, sum)
		}
	}
	delete(o.digestsOf, name)
	for _, k := range r.Keys {
		if sum, err := registry.ParseDigest(k.SHA256); err == nil {
			o.byDigest[sum] = name
			o.digestsOf[name] = append(o.digestsOf[name], sum)
		}
	}
	return true
}
