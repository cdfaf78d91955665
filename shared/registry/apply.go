package registry

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/stream"
)

// Declarations are the valid files of a folder.
type Declarations struct{ files []file }

// file is one declaration and where it goes.
type file struct {
	name        string
	bucket, key string
	raw         []byte
	sum         digest
}

func newFile(name, bucket, key string, raw []byte) file {
	return file{name: name, bucket: bucket, key: key, raw: raw, sum: digestOf(string(raw))}
}

// Changes says what applying a folder did, by file.
type Changes struct {
	// Created were not in the registry, Updated were there otherwise.
	Created, Updated []string
	// Unchanged are as the registry has them, or as they were last applied.
	Unchanged []string
}

// maxRaces bounds how often a put is tried again because somebody else put the
// same key meanwhile.
const maxRaces = 10

// Apply puts what differs from the registry. It removes nothing. What was put
// before an error stays, and Changes names it.
func (d *Declarations) Apply(ctx context.Context, js jetstream.JetStream, author string) (Changes, error) {
	a := applier{js: js, author: author, buckets: map[string]jetstream.KeyValue{}}
	for _, f := range d.files {
		if err := a.put(ctx, f); err != nil {
			return a.changes, err
		}
	}
	return a.changes, nil
}

// ApplyChanged is Apply for the files that changed since they were last applied
// by it, in whatever process: a restart never reverts what was changed in the
// registry meanwhile. A file counts as applied once it is put.
func (d *Declarations) ApplyChanged(ctx context.Context, js jetstream.JetStream, author string) (Changes, error) {
	a := applier{js: js, author: author, buckets: map[string]jetstream.KeyValue{}}
	for _, f := range d.files {
		if err := a.putChanged(ctx, f); err != nil {
			return a.changes, err
		}
	}
	return a.changes, nil
}

type applier struct {
	js      jetstream.JetStream
	author  string
	buckets map[string]jetstream.KeyValue
	changes Changes
}

func (a *applier) bucket(ctx context.Context, name string) (jetstream.KeyValue, error) {
	if kv, ok := a.buckets[name]; ok {
		return kv, nil
	}
	kv, err := a.js.KeyValue(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("open bucket %s: %w", name, err)
	}
	a.buckets[name] = kv
	return kv, nil
}

func (a *applier) putChanged(ctx context.Context, f file) error {
	applied, err := a.bucket(ctx, stream.BucketApplied)
	if err != nil {
		return err
	}
	last, err := applied.Get(ctx, f.name)
	switch {
	case errors.Is(err, jetstream.ErrKeyNotFound):
	case err != nil:
		return fmt.Errorf("look up what was last applied of %s: %w", f.name, err)
	case string(last.Value()) == f.sum.String():
		a.changes.Unchanged = append(a.changes.Unchanged, f.name)
		return nil
	}
	if err := a.put(ctx, f); err != nil {
		return err
	}
	// Only now: were it noted before, a crash between would lose the change.
	if _, err := applied.PutString(ctx, f.name, f.sum.String()); err != nil {
		return fmt.Errorf("note that %s is applied: %w", f.name, err)
	}
	return nil
}

// put puts a declaration unless the registry has an equal one. It replaces
// exactly the version that it compared with.
func (a *applier) put(ctx context.Context, f file) error {
	kv, err := a.bucket(ctx, f.bucket)
	if err != nil {
		return err
	}
	value, err := f.record(change{Author: a.author, Time: time.Now().UTC().Truncate(time.Second)})
	if err != nil {
		return fmt.Errorf("%s: %w", f.name, err)
	}
	for range maxRaces {
		var list *[]string
		if list, err = a.putOnce(ctx, kv, f, value); err == nil {
			*list = append(*list, f.name)
			return nil
		}
		if !conflict(err) {
			break
		}
	}
	return fmt.Errorf("apply %s: %w", f.name, err)
}

func (a *applier) putOnce(ctx context.Context, kv jetstream.KeyValue, f file, value []byte) (*[]string, error) {
	present, err := kv.Get(ctx, f.key)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		_, err = kv.Create(ctx, f.key, value)
		return &a.changes.Created, err
	}
	if err != nil {
		return nil, err
	}
	if f.equals(present.Value()) {
		return &a.changes.Unchanged, nil
	}
	_, err = kv.Update(ctx, f.key, value, present.Revision())
	return &a.changes.Updated, err
}

// conflict reports whether somebody else put the key first.
func conflict(err error) bool {
	var api *jetstream.APIError
	return errors.Is(err, jetstream.ErrKeyExists) ||
		errors.As(err, &api) && api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence
}

// record is the value of the bucket for a declaration.
func (f file) record(c change) ([]byte, error) {
	switch {
	case f.bucket == stream.BucketApplications:
		keys, _ := parseApplication(f.raw) // LoadDir saw no fault
		return json.Marshal(applicationRecord{Keys: keys, change: c})
	case f.key == stream.KeyPolicy:
		return json.Marshal(schemaRecord{Policy: jsontext.Value(f.raw), change: c})
	}
	return json.Marshal(schemaRecord{Schema: jsontext.Value(f.raw), change: c})
}

// equals reports whether a value of the bucket declares the same.
func (f file) equals(value []byte) bool {
	mine, err := f.record(change{})
	if err != nil {
		return false
	}
	return reflect.DeepEqual(declared(mine), declared(value))
}

// declared reads what a record declares, without how it came to be; nil when it
// cannot be read.
func declared(value []byte) map[string]any {
	var members map[string]jsontext.Value
	if json.Unmarshal(value, &members) != nil {
		return nil
	}
	content := map[string]any{}
	for _, name := range []string{"schema", "policy", "keys"} {
		if member, ok := members[name]; ok {
			tree, faults := schema.Read(member)
			if len(faults) > 0 {
				return nil
			}
			content[name] = tree
		}
	}
	return content
}
