package registry

import (
	"context"
	"errors"
	"fmt"
	"reflect"

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
	name string
	place
	raw     []byte
	content content // of a schema
	sum     digest
}

func newFile(name string, p place, raw []byte) file {
	return file{name: name, place: p, raw: raw, sum: digestOf(string(raw))}
}

// Declared is one declaration, for those who put it in another way.
type Declared struct {
	// File is its path in the folder, with slashes.
	File string
	// Kind is KindSchema, KindPolicy or KindApplication.
	Kind string
	// Category is that of a schema. Name is that of its type or of an
	// application.
	Category, Name string
	// Raw is the text, which the caller must not change.
	Raw []byte
}

// Files returns the declarations in the order in which they are applied.
func (d *Declarations) Files() []Declared {
	list := make([]Declared, len(d.files))
	for i, f := range d.files {
		is, _ := readSubject(f.subject()) // LoadDir took only what is one
		list[i] = Declared{File: f.name, Kind: is.kind, Category: is.category, Name: is.name, Raw: f.raw}
	}
	return list
}

// Changes says what applying a folder did, by file.
type Changes struct {
	// Created were not in the registry, Updated were there otherwise.
	Created, Updated []string
	// Unchanged are as the registry has them, or as they were last applied.
	Unchanged []string
}

// Apply puts what differs from the registry. It removes nothing. What was put
// before an error stays, and Changes names it.
func (d *Declarations) Apply(ctx context.Context, js jetstream.JetStream, author string) (Changes, error) {
	a := applier{editor: NewEditor(js), by: By{Author: author}}
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
	applied, err := js.KeyValue(ctx, stream.BucketApplied)
	if err != nil {
		return Changes{}, fmt.Errorf("open bucket %s: %w", stream.BucketApplied, err)
	}
	a := applier{editor: NewEditor(js), by: By{Author: author}, applied: applied}
	for _, f := range d.files {
		if err := a.putChanged(ctx, f); err != nil {
			return a.changes, err
		}
	}
	return a.changes, nil
}

type applier struct {
	editor  *Editor
	by      By
	applied jetstream.KeyValue // of ApplyChanged
	changes Changes
}

func (a *applier) putChanged(ctx context.Context, f file) error {
	last, err := a.applied.Get(ctx, f.name)
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
	if _, err := a.applied.PutString(ctx, f.name, f.sum.String()); err != nil {
		return fmt.Errorf("note that %s is applied: %w", f.name, err)
	}
	return nil
}

// put puts a declaration unless the registry has an equal one. It replaces
// exactly the version that it compared with.
func (a *applier) put(ctx context.Context, f file) error {
	put, err := a.send(ctx, f)
	if err != nil {
		return fmt.Errorf("apply %s: %w", f.name, err)
	}
	list := &a.changes.Updated
	switch {
	case put.Unchanged:
		list = &a.changes.Unchanged
	case put.Created:
		list = &a.changes.Created
	}
	*list = append(*list, f.name)
	return nil
}

func (a *applier) send(ctx context.Context, f file) (Put, error) {
	switch {
	case f.bucket == stream.BucketApplications:
		keys, _ := parseApplication(f.raw) // LoadDir saw no fault
		return a.editor.putApplication(ctx, f.key, keys, Any, a.by)
	case f.place == policyPlace:
		return a.editor.putPolicy(ctx, f.raw, Any, a.by)
	}
	return a.editor.putSchema(ctx, f.place, f.content, Any, a.by)
}

// same reports whether two records declare the same.
func same(mine, present []byte) bool {
	there := declared(present)
	return there != nil && reflect.DeepEqual(declared(mine), there)
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
