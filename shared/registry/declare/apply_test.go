package declare

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/kv"
	"github.com/theeye/theeye/shared/natsd/natstest"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/registry/editor"
	"github.com/theeye/theeye/shared/registry/registrytest"
	"github.com/theeye/theeye/shared/stream"
)

const (
	policyName = "policy.json"
	shopName   = "applications/shop.json"
	ctaName    = "schemas/page=20interaction/cta=20click.json"
)

func folder() map[string]string {
	return map[string]string{
		policyName: `{"unknown_types": "store"}`,
		shopName:   `{"keys": [{"sha256": "` + hash + `", "kind": "server"}]}`,
		ctaName:    `{"required": ["a"], "properties": {"a": {"maximum": 9007199254740993}}}`,
	}
}

func load(t *testing.T, fsys fs.FS) *Declarations {
	t.Helper()
	d, err := LoadDir(fsys)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

type applyFunc func(*Declarations, context.Context, jetstream.JetStream, string) (Changes, error)

func apply(t *testing.T, js jetstream.JetStream, f applyFunc, files map[string]string) Changes {
	t.Helper()
	c, err := f(load(t, mapFS(files)), registrytest.Context(t), js, "ann")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestApplyPutsWhatDiffers(t *testing.T) {
	for name, f := range map[string]applyFunc{"Apply": (*Declarations).Apply, "ApplyChanged": (*Declarations).ApplyChanged} {
		t.Run(name, func(t *testing.T) {
			_, js := registrytest.Start(t)
			files := folder()
			all := []string{shopName, policyName, ctaName}
			check := func(what string, got, want Changes) {
				t.Helper()
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", what, diff)
				}
			}
			check("first", apply(t, js, f, files), Changes{Created: all})
			check("again", apply(t, js, f, files), Changes{Unchanged: all})
			files[ctaName] = " " + strings.Replace(files[ctaName], `{`, "{\n", 1)
			check("other white space", apply(t, js, f, files), Changes{Unchanged: all})
			files[ctaName] = strings.Replace(files[ctaName], "993", "992", 1)
			check("one digit", apply(t, js, f, files), Changes{Updated: []string{ctaName}, Unchanged: all[:2]})
			files[shopName] = strings.Replace(files[shopName], `"server"`, `"server", "disabled": true`, 1)
			files[policyName] = `{}`
			check("key and policy", apply(t, js, f, files), Changes{Updated: all[:2], Unchanged: all[2:]})

			r := run(t, registry.Config{JetStream: js})
			<-r.Ready()
			s := r.Snapshot()
			if got := registrytest.FaultCodes(t, s.Schemas, `{"a": 9007199254740993}`); got != event.CodeSchemaViolation {
				t.Errorf("fault codes %q", got)
			}
			if k, ok := s.Access.WriteKey("some-key"); !ok || !k.Disabled || k.Application != "shop" {
				t.Errorf("key %+v, %t", k, ok)
			}
			entry, err := registrytest.Bucket(t, js, stream.BucketSchemas).Get(registrytest.Context(t), someKey)
			if err != nil || !strings.Contains(string(entry.Value()), `"author":"ann"`) || !strings.Contains(string(entry.Value()), `"time":"20`) {
				t.Errorf("record %s, %v", entry.Value(), err)
			}
		})
	}
}

// A change made in the registry stays as long as the file does not change.
func TestApplyChangedRevertsNothing(t *testing.T) {
	_, js := registrytest.Start(t)
	files := folder()
	apply(t, js, (*Declarations).ApplyChanged, files)
	fix := registrytest.Put(t, js, stream.BucketSchemas, someKey, anySchema)
	if c := apply(t, js, (*Declarations).ApplyChanged, files); len(c.Updated)+len(c.Created) > 0 {
		t.Errorf("a restart changed %+v", c)
	}
	entry, err := registrytest.Bucket(t, js, stream.BucketSchemas).Get(registrytest.Context(t), someKey)
	if err != nil || entry.Revision() != fix {
		t.Errorf("the fix was reverted (%v)", err)
	}
	// Only the file that changed is applied.
	policy := registrytest.Put(t, js, stream.BucketSchemas, stream.KeyPolicy, `{"policy": {"oldest_age": "1h"}}`)
	files[ctaName] = `{"required": ["b"]}`
	if diff := cmp.Diff(Changes{Updated: []string{ctaName}, Unchanged: []string{shopName, policyName}}, apply(t, js, (*Declarations).ApplyChanged, files)); diff != "" {
		t.Errorf("after an edit (-want +got):\n%s", diff)
	}
	if entry, err := registrytest.Bucket(t, js, stream.BucketSchemas).Get(registrytest.Context(t), stream.KeyPolicy); err != nil || entry.Revision() != policy {
		t.Errorf("the live policy was reverted (%v)", err)
	}
	// Apply does revert it: the folder counts.
	if c := apply(t, js, (*Declarations).Apply, files); len(c.Updated) != 1 || c.Updated[0] != policyName {
		t.Errorf("a whole apply changed %+v", c)
	}
}

// Several services start with equal folders: one of them puts each file.
func TestConcurrentApplyPutsEachFileOnce(t *testing.T) {
	srv, js := registrytest.Start(t)
	files := folder()
	var group sync.WaitGroup
	created := make(chan int, 8)
	for range cap(created) {
		js := srv.JetStream()
		group.Go(func() {
			d, err := LoadDir(mapFS(files))
			if err == nil {
				var c Changes
				c, err = d.ApplyChanged(registrytest.Context(t), js, "ann")
				created <- len(c.Created) + len(c.Updated)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	close(created)
	total := 0
	for n := range created {
		total += n
	}
	if total != len(files) {
		t.Errorf("%d puts of %d files", total, len(files))
	}
	status, err := registrytest.Bucket(t, js, stream.BucketSchemas).Status(registrytest.Context(t))
	if err != nil || status.Values() != 2 {
		t.Errorf("%d revisions, %v", status.Values(), err)
	}
}

func TestApplyWithoutBucketsIsNotFound(t *testing.T) {
	js := natstest.Start(t).JetStream()
	for _, f := range []applyFunc{(*Declarations).Apply, (*Declarations).ApplyChanged} {
		if _, err := f(load(t, mapFS(folder())), registrytest.Context(t), js, "ann"); !errors.Is(err, jetstream.ErrBucketNotFound) {
			t.Errorf("error %v", err)
		}
	}
}

// A deleted key can be declared again.
func TestDeletedDeclarationIsAppliedAgain(t *testing.T) {
	_, js := registrytest.Start(t)
	apply(t, js, (*Declarations).Apply, folder())
	if err := registrytest.Bucket(t, js, stream.BucketApplications).Delete(registrytest.Context(t), "shop"); err != nil {
		t.Fatal(err)
	}
	if c := apply(t, js, (*Declarations).Apply, folder()); len(c.Created) != 1 || c.Created[0] != shopName {
		t.Errorf("changes %+v", c)
	}
}

// A change that another writer makes in between is compared with, and replaced.
func TestApplyReplacesWhatOthersPutInBetween(t *testing.T) {
	_, js := registrytest.Start(t)
	d := load(t, mapFS(map[string]string{ctaName: `{}`}))
	race := &registrytest.Racing{JetStream: js, Times: 3, Before: func() {
		registrytest.Put(t, js, stream.BucketSchemas, someKey, `{"schema": {"title": "another one's"}}`)
	}}
	changes, err := d.Apply(registrytest.Context(t), race, "ann")
	if err != nil {
		t.Fatal(err)
	}
	history, err := registrytest.Bucket(t, js, stream.BucketSchemas).History(registrytest.Context(t), someKey)
	if err != nil || len(history) != 4 {
		t.Errorf("%d versions, want three of others and ours (%v)", len(history), err)
	}
	if diff := cmp.Diff(Changes{Updated: []string{ctaName}}, changes); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	race.Times = 2 * kv.MaxAttempts
	d = load(t, mapFS(map[string]string{ctaName: `{"type": "object"}`}))
	var conflict *editor.ConflictError
	if _, err := d.Apply(registrytest.Context(t), race, "ann"); !errors.As(err, &conflict) || race.Times != kv.MaxAttempts {
		t.Errorf("an endless race ended with %v after %d rounds", err, 2*kv.MaxAttempts-race.Times)
	}
}
