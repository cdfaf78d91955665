package declare

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/registry/editor"
	"github.com/theeye/theeye/shared/stream"
)

// Declarations are the valid files of a folder.
type Declarations struct{ files []file }

// file is one declaration.
type file struct {
	name        string
	raw         []byte
	declaration editor.Declaration
}

// digest returns the SHA-256 of the file in hexadecimal digits.
func (f file) digest() string {
	sum := sha256.Sum256(f.raw)
	return hex.EncodeToString(sum[:])
}

// Declared is one declaration, for callers that put it themselves.
type Declared struct {
	// File is its path in the folder, with slashes.
	File string
	// Subject is a schema, the policy or an application.
	editor.Subject
	// Raw is the text, which the caller must not change.
	Raw []byte
}

// Files returns the declarations in the order in which they are applied.
func (d *Declarations) Files() []Declared {
	list := make([]Declared, len(d.files))
	for i, f := range d.files {
		list[i] = Declared{File: f.name, Subject: f.declaration.Subject, Raw: f.raw}
	}
	return list
}

// Changes lists what applying a folder did, by file.
type Changes struct {
	// Created were not in the registry, Updated were different there.
	Created, Updated []string
	// Unchanged are as the registry has them, or as they were last applied.
	Unchanged []string
}

// Apply puts what differs from the registry. It removes nothing. Files
// that were put before an error stay, and Changes lists them.
func (d *Declarations) Apply(ctx context.Context, js jetstream.JetStream, author string) (Changes, error) {
	a := applier{editor: editor.New(js), by: registry.ChangeInfo{Author: author}}
	for _, f := range d.files {
		if err := a.putFile(ctx, f); err != nil {
			return a.changes, err
		}
	}
	return a.changes, nil
}

// ApplyChanged is Apply for the files that changed since ApplyChanged last
// applied them, in any process: a restart never reverts changes that were made
// in the registry since. A file counts as applied once it is put.
func (d *Declarations) ApplyChanged(ctx context.Context, js jetstream.JetStream, author string) (Changes, error) {
	applied, err := js.KeyValue(ctx, stream.BucketApplied)
	if err != nil {
		return Changes{}, fmt.Errorf("open bucket %s: %w", stream.BucketApplied, err)
	}
	a := applier{editor: editor.New(js), by: registry.ChangeInfo{Author: author}, applied: applied}
	for _, f := range d.files {
		if err := a.putChangedFile(ctx, f); err != nil {
			return a.changes, err
		}
	}
	return a.changes, nil
}

// applier applies files and collects what that does.
type applier struct {
	editor  *editor.Editor
	by      registry.ChangeInfo
	applied jetstream.KeyValue // of ApplyChanged
	changes Changes
}

// putChangedFile puts a file unless it was applied as it is.
func (a *applier) putChangedFile(ctx context.Context, f file) error {
	last, err := a.applied.Get(ctx, f.name)
	switch {
	case errors.Is(err, jetstream.ErrKeyNotFound):
	case err != nil:
		return fmt.Errorf("look up what was last applied of %s: %w", f.name, err)
	case string(last.Value()) == f.digest():
		a.changes.Unchanged = append(a.changes.Unchanged, f.name)
		return nil
	}
	if err := a.putFile(ctx, f); err != nil {
		return err
	}
	// Only now: if it was noted before, a crash between would lose the change.
	if _, err := a.applied.PutString(ctx, f.name, f.digest()); err != nil {
		return fmt.Errorf("note that %s is applied: %w", f.name, err)
	}
	return nil
}

// putFile puts a file unless the registry has an equal declaration.
func (a *applier) putFile(ctx context.Context, f file) error {
	put, err := a.editor.Put(ctx, f.declaration, editor.Any, a.by)
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
