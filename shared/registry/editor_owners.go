package registry

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/stream"
)

// owners knows which application has which write key. It reads the bucket whole
// when it is first asked, and afterwards what was added since: to put ten
// thousand applications costs no more than to read ten thousand. It keeps some
// hundred bytes a key.
type owners struct {
	turn chan struct{} // held by the one who reads or asks

	revision uint64    // of the newest entry that was read
	created  time.Time // of the bucket that it was read from
	of       map[digest]string
	has      map[string][]digest
}

func newOwners() *owners { return &owners{turn: make(chan struct{}, 1)} }

// check returns an *InvalidError that names each key, by its index in the
// declaration, that another application has.
func (o *owners) check(ctx context.Context, e *Editor, name string, sums map[int]string) error {
	if len(sums) == 0 {
		return nil
	}
	select {
	case o.turn <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("look up the owners of write keys: %w", context.Cause(ctx))
	}
	defer func() { <-o.turn }()
	if err := o.catchUp(ctx, e); err != nil {
		return err
	}
	var faults []event.Fault
	m := schema.Location{Faults: &faults}.At("keys")
	for _, i := range slices.Sorted(maps.Keys(sums)) {
		sum, err := parseDigest(sums[i])
		if err != nil {
			continue // it was parsed before
		}
		if owner, taken := o.of[sum]; taken && owner != name {
			m.At(strconv.Itoa(i)).At("sha256").Faultf("is also a write key of application %s", owner)
		}
	}
	return invalid(faults)
}

// catchUp reads what is new.
func (o *owners) catchUp(ctx context.Context, e *Editor) error {
	s, err := e.stream(ctx, stream.BucketApplications)
	if err != nil {
		return err
	}
	info, err := s.Info(ctx)
	if err != nil {
		return fmt.Errorf("look up bucket %s: %w", stream.BucketApplications, err)
	}
	last := info.State.LastSeq
	if !info.Created.Equal(o.created) || last < o.revision {
		o.revision, o.created = 0, info.Created
		o.of, o.has = map[digest]string{}, map[string][]digest{}
	}
	if o.revision == 0 {
		return e.each(ctx, stream.BucketApplications, ">", o.take)
	}
	for o.revision < last {
		prefix := subjectOf(stream.BucketApplications)
		batch, err := e.batch(ctx, streamOf(stream.BucketApplications), prefix+">", o.revision+1, last+1)
		if err != nil {
			return err
		}
		for _, m := range batch {
			o.take(strings.TrimPrefix(m.Subject, prefix), newState(m))
		}
		if len(batch) == 0 {
			o.revision = last // what there was is purged
		}
	}
	return nil
}

// take notes what a record says.
func (o *owners) take(name string, n state) {
	o.revision = max(o.revision, n.revision)
	for _, sum := range o.has[name] {
		if o.of[sum] == name {
			delete(o.of, sum)
		}
	}
	delete(o.has, name)
	var r applicationRecord
	if n.removed || json.Unmarshal(n.value, &r) != nil {
		return
	}
	for _, k := range r.Keys {
		if sum, err := parseDigest(k.SHA256); err == nil {
			o.of[sum] = name
			o.has[name] = append(o.has[name], sum)
		}
	}
}
