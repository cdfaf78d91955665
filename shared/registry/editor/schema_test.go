package editor

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/registry/registrytest"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/stream"
)

func TestPutSchemaReplacesTheNamedRevision(t *testing.T) {
	e, js := newEditor(t)
	r := run(t, registry.Config{JetStream: js})
	put := func(raw string, match Precondition) (PutResult, error) {
		return e.PutSchema(registrytest.Context(t), registrytest.SomeType, []byte(raw), match, ann)
	}
	first, err := put(`{"required": ["a"]}`, 0)
	if err != nil || first != (PutResult{Revision: 1, Created: true}) {
		t.Fatalf("put %+v, %v", first, err)
	}
	registrytest.AwaitSnapshot(t, r, "the schema is in use", func(s *registry.Snapshot) bool {
		return registrytest.FaultCodes(t, s.Schemas, `{}`) == event.CodeSchemaViolation
	})
	_, err = put(`{"required": ["b"]}`, 0)
	wantConflict(t, "a type that exists", err, 1)
	_, err = put(`{"required": ["b"]}`, 7)
	wantConflict(t, "another revision", err, 1)
	for _, match := range []Precondition{0, 1, 7, Any, Present} {
		if same, err := put("{ \"required\":\n [\"a\"] }", match); err != nil || same != (PutResult{Revision: 1, Unchanged: true}) {
			t.Errorf("the same again: %+v, %v", same, err)
		}
	}
	for i, match := range []Precondition{1, Any, Present} {
		want := PutResult{Revision: uint64(i) + 2}
		if next, err := put(fmt.Sprintf(`{"minProperties": %d}`, i), match); err != nil || next != want {
			t.Errorf("put %+v, %v, want %+v", next, err, want)
		}
	}
	revision, err := e.DeleteSchema(registrytest.Context(t), registrytest.SomeType, 4, ann)
	if err != nil || revision != 5 {
		t.Fatalf("removed at %d, %v", revision, err)
	}
	_, err = put(`{}`, 5)
	wantConflict(t, "a type that is removed", err, 0)
	_, err = put(`{}`, Present)
	wantConflict(t, "a type that is removed, any", err, 0)
	if again, err := put(`{}`, 0); err != nil || again != (PutResult{Revision: 6, Created: true}) {
		t.Errorf("put after the removal: %+v, %v", again, err)
	}
}

func TestDeleteSchemaRemovesTheNamedRevision(t *testing.T) {
	e, js := newEditor(t)
	r := run(t, registry.Config{JetStream: js})
	remove := func(match Precondition) error {
		_, err := e.DeleteSchema(registrytest.Context(t), registrytest.SomeType, match, ann)
		return err
	}
	wantNotFound(t, "what never was", remove(Any))
	revision := putType(t, e, registrytest.SomeType, `{}`, 0)
	wantConflict(t, "another revision", remove(Precondition(revision+1)), revision)
	wantConflict(t, "no revision", remove(0), revision)
	if err := remove(Precondition(revision)); err != nil {
		t.Error(err)
	}
	wantNotFound(t, "what is removed", remove(Any))
	registrytest.AwaitSnapshot(t, r, "the type is gone", func(s *registry.Snapshot) bool {
		return s.Schemas.Revision() == revision+1 && len(s.Schemas.Types()) == 0
	})
	_, err := e.Schema(registrytest.Context(t), registrytest.SomeType, 0)
	wantNotFound(t, "the newest version", err)
	_, err = e.Schema(registrytest.Context(t), registrytest.SomeType, revision+1)
	wantNotFound(t, "the removal as a version", err)
	v, err := e.Schema(registrytest.Context(t), registrytest.SomeType, revision)
	if err != nil || string(v.Value) != `{}` {
		t.Errorf("the version before: %s, %v", v.Value, err)
	}
}

func TestSchemaHistoryShowsEveryVersion(t *testing.T) {
	e, js := newEditor(t)
	other := schema.Type{Category: "page interaction", Name: "*.> é"}
	var revisions []uint64
	for i := range 5 {
		revisions = append(revisions, putType(t, e, registrytest.SomeType, fmt.Sprintf(`{"minProperties": %d}`, i), Any))
		putType(t, e, other, fmt.Sprintf(`{"maxProperties": %d}`, i), Any)
	}
	for i, revision := range revisions {
		v, err := e.Schema(registrytest.Context(t), registrytest.SomeType, revision)
		if err != nil || v.Revision != revision || string(v.Value) != fmt.Sprintf(`{"minProperties":%d}`, i) {
			t.Errorf("version %d: %+v, %v", revision, v, err)
		}
		wantAuthor(t, v.Author, v.Note, v.Time)
		_, err = e.Schema(registrytest.Context(t), other, revision)
		wantNotFound(t, "a revision of another type", err)
	}
	if v, err := e.Schema(registrytest.Context(t), registrytest.SomeType, 0); err != nil || v.Revision != revisions[4] {
		t.Errorf("the newest version: %+v, %v", v, err)
	}
	_, err := e.Schema(registrytest.Context(t), registrytest.SomeType, math.MaxUint64)
	wantNotFound(t, "a revision to come", err)
	list, err := e.Schemas(registrytest.Context(t))
	if err != nil || len(list) != 2 || list[0].Type != other || list[1].Type != registrytest.SomeType || list[1].Revision != revisions[4] || list[1].Value != nil {
		t.Errorf("list %+v, %v", list, err)
	}
	removal, err := e.DeleteSchema(registrytest.Context(t), registrytest.SomeType, Any, ann)
	if err != nil {
		t.Fatal(err)
	}
	registrytest.Put(t, js, stream.BucketSchemas, someKey, `not JSON`)
	want := append([]uint64{removal + 1, removal}, revisions[4], revisions[3], revisions[2], revisions[1], revisions[0])
	wantPages(t, e, want)
	_, err = e.Schema(registrytest.Context(t), registrytest.SomeType, 0)
	if err == nil || errors.Is(err, registry.ErrNotFound) {
		t.Errorf("a record that cannot be read: %v", err)
	}
	if list, err := e.Schemas(registrytest.Context(t)); err != nil || len(list) != 2 || list[1].Revision != removal+1 || list[1].Author != "" || list[1].Time.IsZero() {
		t.Errorf("the list with a record that cannot be read: %+v, %v", list, err)
	}
	_, err = e.SchemaHistory(registrytest.Context(t), schema.Type{Category: "a", Name: "b"}, 0, 0)
	wantNotFound(t, "the history of nothing", err)
}

// wantPages wants the history of registrytest.SomeType, in pages of every size.
func wantPages(t *testing.T, e *Editor, want []uint64) {
	t.Helper()
	for size := range len(want) + 2 {
		var got []uint64
		var before uint64
		for {
			versions, err := e.SchemaHistory(registrytest.Context(t), registrytest.SomeType, before, size)
			if err != nil {
				t.Fatal(err)
			}
			if size > 0 && len(versions) > size {
				t.Errorf("a page of %d has %d versions", size, len(versions))
			}
			for _, v := range versions {
				got, before = append(got, v.Revision), v.Revision
				if v.Removed != (v.Revision == want[1]) || v.Value != nil {
					t.Errorf("version %+v", v)
				}
				if v.Revision != want[0] { // which others made
					wantAuthor(t, v.Author, v.Note, v.Time)
				}
			}
			if len(versions) == 0 {
				break
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("history by %d (-want +got):\n%s", size, diff)
		}
	}
}

func TestPutSchemaListsEveryFault(t *testing.T) {
	long := strings.Repeat("é", 100)
	for _, tc := range []struct {
		typ  schema.Type
		raw  string
		by   registry.ChangeInfo
		want []string
	}{
		{registrytest.SomeType, `{"type": 1, "pattern": "("}`, ann, []string{"/pattern", "/type"}},
		{registrytest.SomeType, `{"$ref": "other.json"}`, ann, []string{"/$ref"}},
		{registrytest.SomeType, `{`, ann, []string{""}},
		{registrytest.SomeType, ``, ann, []string{""}},
		{registrytest.SomeType, `{"title": "` + strings.Repeat("a", schema.MaxBytes) + `"}`, ann, []string{""}},
		{registrytest.SomeType, strings.Repeat("[", 500) + strings.Repeat("]", 500), ann, []string{strings.Repeat("/0", schema.MaxDepth-1)}},
		{registrytest.SomeType, `{"x-eye-reject-examples": [{}]}`, ann, []string{"/x-eye-reject-examples/0"}},
		{schema.Type{}, `{}`, ann, []string{""}},
		{schema.Type{Category: "a", Name: "\xff"}, `{}`, ann, []string{""}},
		{schema.Type{Category: long, Name: long}, `{}`, ann, []string{""}},
		{registrytest.SomeType, `{}`, registry.ChangeInfo{Author: strings.Repeat("a", maxAuthor+1)}, []string{"/author"}},
		{registrytest.SomeType, `{}`, registry.ChangeInfo{Author: "a\r\nb", Note: "a\u2028b"}, []string{"/author", "/note"}},
		{registrytest.SomeType, `{}`, registry.ChangeInfo{Note: strings.Repeat("é", MaxNote+1)}, []string{"/note"}},
		{registrytest.SomeType, `{}`, registry.ChangeInfo{Note: "a\xff"}, []string{"/note"}},
	} {
		// No connection: faults are found before NATS is asked.
		_, err := New(nil).PutSchema(t.Context(), tc.typ, []byte(tc.raw), Any, tc.by)
		if diff := cmp.Diff(tc.want, faultPaths(t, err)); diff != "" {
			t.Errorf("%.80s by %v: faults (-want +got):\n%s", tc.raw, tc.by, diff)
		}
	}
	e, _ := newEditor(t)
	if _, err := e.PutSchema(registrytest.Context(t), registrytest.SomeType, []byte(`{}`), 0, registry.ChangeInfo{Note: strings.Repeat("é", MaxNote)}); err != nil {
		t.Errorf("the longest note: %v", err)
	}
}

// A superseded revision has to be one of the type: any other would be a mistake
// that goes unnoticed.
func TestSupersededRevisionsMustBeOfTheType(t *testing.T) {
	e, _ := newEditor(t)
	other := schema.Type{Category: "a", Name: "b"}
	first := putType(t, e, registrytest.SomeType, `{"required": ["a"]}`, 0)
	foreign := putType(t, e, other, `{}`, 0)
	second := putType(t, e, registrytest.SomeType, fmt.Sprintf(`{"x-eye-supersedes": [%d]}`, first), Precondition(first))
	removal, err := e.DeleteSchema(registrytest.Context(t), registrytest.SomeType, Precondition(second), ann)
	if err != nil {
		t.Fatal(err)
	}
	_, err = e.PutPolicy(registrytest.Context(t), []byte(`{}`), 0, ann)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		list string
		want []string
	}{
		{fmt.Sprintf("%d, %d", second, foreign), []string{"/x-eye-supersedes/1"}},
		{fmt.Sprintf("%d, %d, 999, %d", removal, first, removal+1), []string{"/x-eye-supersedes/0", "/x-eye-supersedes/2", "/x-eye-supersedes/3"}},
		{"9223372036854775807", []string{"/x-eye-supersedes/0"}},
		{fmt.Sprintf("%d.0", foreign), []string{"/x-eye-supersedes"}},
		{"0", []string{"/x-eye-supersedes"}},
	} {
		_, err := e.PutSchema(registrytest.Context(t), registrytest.SomeType, []byte(`{"x-eye-supersedes": [`+tc.list+`]}`), 0, ann)
		if diff := cmp.Diff(tc.want, faultPaths(t, err)); diff != "" {
			t.Errorf("%s: faults (-want +got):\n%s", tc.list, diff)
		}
	}
	_, err = e.Schema(registrytest.Context(t), registrytest.SomeType, 0)
	wantNotFound(t, "what was refused", err)
	putType(t, e, registrytest.SomeType, fmt.Sprintf(`{"x-eye-supersedes": [%d, %d]}`, second, first), 0)
}

// The key that personal values are hashed with is made before the first schema
// that needs it, and never again.
func TestPIISecretIsMadeOnceBeforeItIsNeeded(t *testing.T) {
	e, js := newEditor(t)
	r := run(t, registry.Config{JetStream: js})
	const hashing = `{"properties": {"a": {"x-eye-pii": "hash"}}}`
	putType(t, e, registrytest.SomeType, `{"properties": {"a": {"x-eye-pii": "drop"}}}`, 0)
	if _, err := registrytest.Bucket(t, js, stream.BucketSchemas).Get(registrytest.Context(t), stream.KeyPII); !errors.Is(err, jetstream.ErrKeyNotFound) {
		t.Errorf("a key that nobody needs: %v", err)
	}
	if revision := putType(t, e, registrytest.SomeType, hashing, Any); revision != 3 {
		t.Errorf("the schema has revision %d, want 3, after that of the key", revision)
	}
	key, err := registrytest.Bucket(t, js, stream.BucketSchemas).Get(registrytest.Context(t), stream.KeyPII)
	if err != nil || key.Revision() != 2 {
		t.Fatalf("the key: %v", err)
	}
	registrytest.AwaitSnapshot(t, r, "values are hashed", func(s *registry.Snapshot) bool {
		return s.Schemas.Revision() == 3 && registrytest.FaultCodes(t, s.Schemas, `{"a": "x"}`) == ""
	})
	for i := range 3 {
		putType(t, e, schema.Type{Category: "c", Name: fmt.Sprint(i)}, hashing, 0)
	}
	again, err := registrytest.Bucket(t, js, stream.BucketSchemas).Get(registrytest.Context(t), stream.KeyPII)
	if err != nil || again.Revision() != 2 || !bytes.Equal(again.Value(), key.Value()) {
		t.Errorf("the key changed at revision %d, %v", again.Revision(), err)
	}
	for _, c := range changesOf(t, e, ChangesQuery{}) {
		if c.Kind != KindSchema || strings.Contains(string(c.Before)+string(c.After), "secret") {
			t.Errorf("the key is among the changes: %+v", c)
		}
	}
}

// A put opens no file and no connection. The file is a pipe, which would block
// a reader; the listener counts connections.
func TestPutOpensNoFileAndNoConnection(t *testing.T) {
	e, _ := newEditor(t)
	pipe := filepath.Join(t.TempDir(), "schema.json")
	makePipe(t, pipe)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	connected := make(chan int)
	go func() {
		for n := 0; ; n++ {
			conn, err := listener.Accept()
			if err != nil {
				connected <- n
				return
			}
			_ = conn.Close()
		}
	}()
	for i, target := range []string{"file://" + filepath.ToSlash(pipe), filepath.ToSlash(pipe), "http://" + listener.Addr().String() + "/a", "//" + listener.Addr().String() + "/a"} {
		for _, raw := range []string{
			`{"$ref": "%s"}`, `{"$schema": "%s"}`, `{"$id": "%s", "properties": {"a": {"$ref": "schema.json"}}}`,
			`{"definitions": {"a": {"$id": "%s"}}, "$ref": "#/definitions/a"}`, `{"title": "%s", "default": {"$ref": "%[1]s"}}`,
			`{"x-eye-reject-examples": [{"$ref": "%s"}], "maxProperties": 0}`,
		} {
			_, err := e.PutSchema(registrytest.Context(t), registrytest.SomeType, fmt.Appendf(nil, raw, target), Any, registry.ChangeInfo{Note: target})
			var bad *InvalidError
			if err != nil && !errors.As(err, &bad) {
				t.Errorf("%s of target %d: %v", raw, i, err)
			}
		}
		for _, policy := range []string{`{"$ref": "%s"}`, `{"retention": {"types": {"%s": "1h"}}}`} {
			if _, err := e.PutPolicy(registrytest.Context(t), fmt.Appendf(nil, policy, target), Any, ann); err == nil {
				t.Errorf("policy %s was taken", policy)
			}
		}
		declaration := fmt.Sprintf(`{"keys": [{"sha256": "%s", "kind": "browser", "origins": ["%s"]}]}`, hash, target)
		if _, err := e.PutApplication(registrytest.Context(t), "shop", []byte(declaration), Any, ann); err == nil {
			t.Errorf("application %s was taken", declaration)
		}
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	if n := <-connected; n != 0 {
		t.Errorf("%d connections were made", n)
	}
}

func TestPolicyIsPutReadAndDeleted(t *testing.T) {
	e, js := newEditor(t)
	r := run(t, registry.Config{JetStream: js})
	_, err := e.Policy(registrytest.Context(t), 0)
	wantNotFound(t, "no policy", err)
	_, err = e.PolicyHistory(registrytest.Context(t), 0, 0)
	wantNotFound(t, "no history", err)
	if _, err := New(nil).PutPolicy(t.Context(), []byte(`{"skew": 1}`), Any, ann); err == nil {
		t.Error("a faulty policy was taken")
	}
	for i, raw := range []string{`{"unknown_types":"store"}`, `{"unknown_types":"reject"}`} {
		put, err := e.PutPolicy(registrytest.Context(t), []byte(raw), Precondition(i), ann)
		if err != nil || put != (PutResult{Revision: uint64(i) + 1, Created: i == 0}) {
			t.Errorf("put %+v, %v", put, err)
		}
		v, err := e.Policy(registrytest.Context(t), 0)
		if err != nil || string(v.Value) != raw || v.Revision != put.Revision {
			t.Errorf("policy %s, %v", v.Value, err)
		}
		wantAuthor(t, v.Author, v.Note, v.Time)
	}
	_, err = e.PutPolicy(registrytest.Context(t), []byte(`{}`), 1, ann)
	wantConflict(t, "another revision", err, 2)
	if put, err := e.PutPolicy(registrytest.Context(t), []byte(`{"unknown_types": "reject"}`), 1, ann); err != nil || !put.Unchanged || put.Revision != 2 {
		t.Errorf("the same again: %+v, %v", put, err)
	}
	if revision, err := e.DeletePolicy(registrytest.Context(t), 2, ann); err != nil || revision != 3 {
		t.Errorf("removed at %d, %v", revision, err)
	}
	if v, err := e.Policy(registrytest.Context(t), 1); err != nil || string(v.Value) != `{"unknown_types":"store"}` {
		t.Errorf("the first version: %s, %v", v.Value, err)
	}
	history, err := e.PolicyHistory(registrytest.Context(t), 0, 2)
	if err != nil || len(history) != 2 || !history[0].Removed || history[1].Revision != 2 {
		t.Errorf("history %+v, %v", history, err)
	}
	registrytest.AwaitSnapshot(t, r, "the default holds", func(s *registry.Snapshot) bool {
		return s.Schemas.Revision() == 3 && registrytest.FaultCodes(t, s.Schemas, `{}`) == event.CodeUnknownType
	})
}
