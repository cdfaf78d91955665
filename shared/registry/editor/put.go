package editor

import (
	"context"
	"reflect"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/kv"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/schema"
)

// Put puts a declaration, unless the registry has an equal one: then there is no
// new version, whatever match says. The revisions that a schema supersedes must be
// versions of its type. A write key of another application is a fault; it is
// looked up before the put, so that of two puts at one moment both may succeed,
// and then the first application by name keeps the key.
func (e *Editor) Put(ctx context.Context, d Declaration, match Precondition, by registry.ChangeInfo) (PutResult, error) {
	if err := invalid(checkChangeInfo(by)); err != nil {
		return PutResult{}, err
	}
	switch d.Kind {
	case KindApplication:
		if err := e.checkOwners(ctx, d.Name, d.keys); err != nil {
			return PutResult{}, err
		}
		return putUnlessEqual(ctx, e.applications.Bucket, d.key, registry.ApplicationRecord{
			Keys: d.keys, ApplicationSettings: d.settings, ChangeInfo: stamp(by),
		}, match, nil)
	case KindPolicy:
		return putUnlessEqual(ctx, e.schemas, d.key, registry.SchemaRecord{Policy: d.raw, ChangeInfo: stamp(by)}, match, nil)
	}
	return putUnlessEqual(ctx, e.schemas, d.key, registry.SchemaRecord{Schema: d.raw, ChangeInfo: stamp(by)}, match,
		func() error { return e.prepareSchema(ctx, d, by) })
}

// PutSchema is CheckSchema and Put.
func (e *Editor) PutSchema(ctx context.Context, t schema.Type, raw []byte, match Precondition, by registry.ChangeInfo) (PutResult, error) {
	d, faults := CheckSchema(t, raw)
	return e.putChecked(ctx, d, faults, match, by)
}

// PutPolicy is CheckPolicy and Put.
func (e *Editor) PutPolicy(ctx context.Context, raw []byte, match Precondition, by registry.ChangeInfo) (PutResult, error) {
	d, faults := CheckPolicy(raw)
	return e.putChecked(ctx, d, faults, match, by)
}

// PutApplication is CheckApplication and Put.
func (e *Editor) PutApplication(ctx context.Context, name string, raw []byte, match Precondition, by registry.ChangeInfo) (PutResult, error) {
	d, faults := CheckApplication(name, raw)
	return e.putChecked(ctx, d, faults, match, by)
}

func (e *Editor) putChecked(ctx context.Context, d Declaration, faults []event.Fault, match Precondition, by registry.ChangeInfo) (PutResult, error) {
	if err := invalid(faults, checkChangeInfo(by)); err != nil {
		return PutResult{}, err
	}
	return e.Put(ctx, d, match, by)
}

// putUnlessEqual puts a record unless the key has one that declares the same.
// prepare is called before each attempt to write.
func putUnlessEqual(ctx context.Context, b *kv.Bucket, key string, record any, match Precondition, prepare func() error) (PutResult, error) {
	value, err := json.Marshal(record)
	if err != nil {
		return PutResult{}, encodeError(b, key, err)
	}
	return edit(ctx, b, key, match, func(now kv.Entry) ([]byte, error) {
		if now.Exists() && declareSame(value, now.Value) {
			return nil, kv.ErrUnchanged
		}
		if prepare != nil {
			if err := prepare(); err != nil {
				return nil, err
			}
		}
		return value, nil
	})
}

// declareSame reports whether a new record and the present one declare the same.
// A present record that cannot be read is different.
func declareSame(mine, present []byte) bool {
	there := readDeclared(present)
	return there != nil && reflect.DeepEqual(readDeclared(mine), there)
}

// readDeclared reads what a record declares, without its ChangeInfo; nil if it
// cannot be read.
func readDeclared(value []byte) map[string]any {
	var members map[string]jsontext.Value
	if json.Unmarshal(value, &members) != nil {
		return nil
	}
	content := map[string]any{}
	for _, name := range []string{"schema", "policy", "keys", "adapters", "missing_session"} {
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
