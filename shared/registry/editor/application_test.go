package editor

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/natsd/natstest"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/registry/registrytest"
	"github.com/theeye/theeye/shared/stream"
)

var serverKey = registry.KeySettings{Kind: registry.Server}

// keyOptions compare keys by their exported fields.
var keyOptions = cmpopts.IgnoreUnexported(registry.Key{})

// keyKnown waits until a snapshot has the key of a secret as wanted.
func keyKnown(t *testing.T, r *registry.Registry, secret string, wanted func(registry.Key) bool) {
	t.Helper()
	registrytest.AwaitSnapshot(t, r, "the write key is as wanted", func(s *registry.Snapshot) bool {
		k, ok := s.Access.WriteKey(secret)
		return ok && wanted(k)
	})
}

func TestCreateApplicationReturnsTheSecretOnce(t *testing.T) {
	e, js := newEditor(t)
	r := run(t, registry.Config{JetStream: js})
	end := time.Date(2031, 2, 3, 4, 5, 6, 0, time.FixedZone("", 3600))
	spec := registry.KeySettings{
		Kind: registry.Browser, Origins: []string{"https://shop.example"}, ExpiresAt: end,
		EventsPerSecond: 50, BytesPerSecond: 1 << 20,
	}
	a, k, err := e.CreateApplication(registrytest.Context(t), "shop", spec, ann)
	if err != nil {
		t.Fatal(err)
	}
	spec.ExpiresAt = end.UTC()
	made := registry.Key{ID: registry.DigestOf(k.Secret).String()[:12], Application: "shop", KeySettings: spec}
	if diff := cmp.Diff(made, k.Key, keyOptions); diff != "" || !strings.HasPrefix(k.Secret, keyPrefix) || len(k.Secret) < 30 {
		t.Errorf("key (-want +got):\n%s", diff)
	}
	want := Application{Name: "shop", Revision: 1, ChangeInfo: ann, Keys: []registry.Key{made}}
	if diff := cmp.Diff(want, a, keyOptions, cmpopts.IgnoreFields(Application{}, "Time")); diff != "" {
		t.Errorf("application (-want +got):\n%s", diff)
	}
	wantAuthor(t, a.Author, a.Note, a.Time)
	if got, err := e.Application(registrytest.Context(t), "shop"); err != nil || !cmp.Equal(got, a, keyOptions) {
		t.Errorf("the registry has (-want +got):\n%s%v", cmp.Diff(a, got, keyOptions), err)
	}
	keyKnown(t, r, k.Secret, func(got registry.Key) bool {
		return got.Application == "shop" && got.ID == k.ID && got.AllowsOrigin("https://shop.example") &&
			got.EventsPerSecond == 50 && got.BytesPerSecond == 1<<20 && !got.Expired(end.Add(-1)) && got.Expired(end)
	})
	_, again, err := e.CreateApplication(registrytest.Context(t), "shop", serverKey, ann)
	wantConflict(t, "a name that is taken", err, 1)
	if again.Secret != "" {
		t.Error("a secret was told without an application that has it")
	}
	_, _, err = New(nil).CreateApplication(t.Context(), "Shop", registry.KeySettings{}, registry.ChangeInfo{Note: "\n"})
	if diff := cmp.Diff([]string{"/name", "/kind", "/note"}, faultPaths(t, err)); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}

func TestKeySettingsAreChecked(t *testing.T) {
	for path, spec := range map[string]registry.KeySettings{
		"/kind":              {Kind: "god"},
		"/origins":           {Kind: registry.Server, Origins: []string{"https://a.example"}},
		"":                   {Kind: registry.Browser},
		"/origins/1":         {Kind: registry.Browser, Origins: []string{"https://a.example", "https://a.example"}},
		"/origins/0":         {Kind: registry.Browser, Origins: []string{"*"}},
		"/events_per_second": {Kind: registry.Server, EventsPerSecond: -1},
		"/bytes_per_second":  {Kind: registry.Server, BytesPerSecond: math.MaxInt64},
	} {
		_, _, err := New(nil).AddKey(t.Context(), "shop", spec, Any, ann)
		if diff := cmp.Diff([]string{path}, faultPaths(t, err)); diff != "" {
			t.Errorf("%+v: faults (-want +got):\n%s", spec, diff)
		}
		_, err = New(nil).SetKey(t.Context(), "shop", "0", spec, Any, ann)
		if diff := cmp.Diff([]string{path}, faultPaths(t, err)); diff != "" {
			t.Errorf("%+v: faults (-want +got):\n%s", spec, diff)
		}
	}
	for name, spec := range map[string]registry.KeySettings{
		"no UTF-8": {Kind: registry.Browser, Origins: []string{"https://\xff"}},
		"a year":   {Kind: registry.Server, ExpiresAt: time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)},
	} {
		if _, faults := checkSettings(spec, hash); len(faults) != 1 {
			t.Errorf("%s: faults %v", name, faults)
		}
	}
}

func TestKeysAreAddedSetAndDeleted(t *testing.T) {
	e, js := newEditor(t)
	r := run(t, registry.Config{JetStream: js})
	_, _, err := e.AddKey(registrytest.Context(t), "shop", serverKey, Any, ann)
	wantNotFound(t, "a key of no application", err)
	_, first, err := e.CreateApplication(registrytest.Context(t), "shop", serverKey, ann)
	if err != nil {
		t.Fatal(err)
	}
	a, second, err := e.AddKey(registrytest.Context(t), "shop", serverKey, 1, ann)
	if err != nil || len(a.Keys) != 2 || a.Keys[0].ID != first.ID || a.Keys[1].ID != second.ID || a.Revision != 2 {
		t.Fatalf("application %+v, %v", a, err)
	}
	_, _, err = e.AddKey(registrytest.Context(t), "shop", serverKey, 1, ann)
	wantConflict(t, "a key for what was", err, 2)

	spec := registry.KeySettings{Kind: registry.Browser, Origins: []string{"https://a.example"}, Disabled: true, EventsPerSecond: 7}
	a, err = e.SetKey(registrytest.Context(t), "shop", first.ID, spec, 2, ann)
	set := registry.Key{ID: first.ID, Application: "shop", KeySettings: spec}
	if diff := cmp.Diff([]registry.Key{set, second.Key}, a.Keys, keyOptions); diff != "" || err != nil || a.Revision != 3 {
		t.Errorf("keys at %d, %v (-want +got):\n%s", a.Revision, err, diff)
	}
	keyKnown(t, r, first.Secret, func(k registry.Key) bool { return k.Disabled && k.Kind == registry.Browser && k.EventsPerSecond == 7 })
	if same, err := e.SetKey(registrytest.Context(t), "shop", first.ID, spec, Any, registry.ChangeInfo{Author: "bob"}); err != nil || !cmp.Equal(same, a, keyOptions) {
		t.Errorf("the same again made %+v, %v", same, err)
	}
	_, err = e.SetKey(registrytest.Context(t), "shop", "0123456789ab", serverKey, Any, ann)
	wantNotFound(t, "a key that never was", err)
	_, err = e.SetKey(registrytest.Context(t), "shop", "", serverKey, Any, ann)
	wantNotFound(t, "no key", err)

	_, err = e.DeleteKey(registrytest.Context(t), "shop", first.ID, 2, ann)
	wantConflict(t, "a removal from what was", err, 3)
	if a, err = e.DeleteKey(registrytest.Context(t), "shop", first.ID, Any, ann); err != nil || len(a.Keys) != 1 || a.Keys[0].ID != second.ID {
		t.Errorf("after the removal %+v, %v", a, err)
	}
	_, err = e.DeleteKey(registrytest.Context(t), "shop", first.ID, Any, ann)
	wantNotFound(t, "a key that is gone", err)
	registrytest.AwaitSnapshot(t, r, "the key is unknown", func(s *registry.Snapshot) bool { _, ok := s.Access.WriteKey(first.Secret); return !ok })

	revision, err := e.DeleteApplication(registrytest.Context(t), "shop", 4, ann)
	if err != nil || revision != 5 {
		t.Errorf("removed at %d, %v", revision, err)
	}
	for _, name := range []string{"shop", "never", "Not a name", ">", ""} {
		_, err = e.Application(registrytest.Context(t), name)
		wantNotFound(t, name, err)
		_, err = e.DeleteApplication(registrytest.Context(t), name, Any, ann)
		wantNotFound(t, name, err)
		_, err = e.DeleteKey(registrytest.Context(t), name, second.ID, Any, ann)
		wantNotFound(t, name, err)
	}
	registrytest.AwaitSnapshot(t, r, "its last key is unknown", func(s *registry.Snapshot) bool { _, ok := s.Access.WriteKey(second.Secret); return !ok })
	if a, _, err = e.CreateApplication(registrytest.Context(t), "shop", serverKey, ann); err != nil || a.Revision != 6 {
		t.Errorf("made again: %+v, %v", a, err)
	}
}

func TestRotateKeyKeepsSettingsAndEndsTheOldKey(t *testing.T) {
	e, js := newEditor(t)
	r := run(t, registry.Config{JetStream: js})
	spec := registry.KeySettings{Kind: registry.Browser, Origins: []string{"https://a.example"}, Disabled: true, EventsPerSecond: 5, BytesPerSecond: 6}
	_, old, err := e.CreateApplication(registrytest.Context(t), "shop", spec, ann)
	if err != nil {
		t.Fatal(err)
	}
	before := time.Now()
	a, k, err := e.RotateKey(registrytest.Context(t), "shop", old.ID, time.Hour, Any, ann)
	if err != nil || len(a.Keys) != 2 {
		t.Fatalf("application %+v, %v", a, err)
	}
	spec.Disabled = false
	if diff := cmp.Diff(spec, a.Keys[1].KeySettings); diff != "" || a.Keys[1].ID != k.ID || k.ID != registry.DigestOf(k.Secret).String()[:12] || k.ID == old.ID {
		t.Errorf("the new key (-want +got):\n%s", diff)
	}
	end := a.Keys[0].ExpiresAt
	if end.Before(before.Add(time.Hour-time.Second)) || end.After(time.Now().Add(time.Hour)) || !a.Keys[0].Disabled {
		t.Errorf("the old key is %+v", a.Keys[0])
	}
	keyKnown(t, r, old.Secret, func(k registry.Key) bool { return k.Expired(end) && !k.Expired(end.Add(-time.Second)) })
	keyKnown(t, r, k.Secret, func(k registry.Key) bool { return !k.Expired(end) && k.AllowsOrigin("https://a.example") })
	// An end that was said is not put off.
	if a, _, err = e.RotateKey(registrytest.Context(t), "shop", old.ID, 2*time.Hour, Any, ann); err != nil || !a.Keys[0].ExpiresAt.Equal(end) {
		t.Errorf("the old key ends at %v, want %v (%v)", a.Keys[0].ExpiresAt, end, err)
	}
	if a, _, err = e.RotateKey(registrytest.Context(t), "shop", k.ID, 0, Any, ann); err != nil || a.Keys[1].ExpiresAt.After(time.Now()) {
		t.Errorf("without overlap the old key ends at %v, %v", a.Keys[1].ExpiresAt, err)
	}
	keyKnown(t, r, k.Secret, func(k registry.Key) bool { return k.Expired(time.Now()) })
	for _, overlap := range []time.Duration{-1, maxOverlap + 1} {
		_, _, err = New(nil).RotateKey(t.Context(), "shop", k.ID, overlap, Any, ann)
		if diff := cmp.Diff([]string{"/overlap"}, faultPaths(t, err)); diff != "" {
			t.Errorf("overlap %v: faults (-want +got):\n%s", overlap, diff)
		}
	}
	_, none, err := e.RotateKey(registrytest.Context(t), "shop", "0123456789ab", 0, Any, ann)
	wantNotFound(t, "a key that never was", err)
	if none.Secret != "" {
		t.Error("a secret was told without a key that has it")
	}
}

// An application's record is one message, and its keys are few.
func TestApplicationRecordIsBounded(t *testing.T) {
	e, _ := newEditor(t)
	if _, _, err := e.CreateApplication(registrytest.Context(t), "shop", serverKey, ann); err != nil {
		t.Fatal(err)
	}
	for range maxKeys - 1 {
		if _, _, err := e.AddKey(registrytest.Context(t), "shop", serverKey, Any, ann); err != nil {
			t.Fatal(err)
		}
	}
	_, _, err := e.AddKey(registrytest.Context(t), "shop", serverKey, Any, ann)
	faultPaths(t, err)
	wide := registry.KeySettings{Kind: registry.Browser}
	for i := range maxOrigins {
		wide.Origins = append(wide.Origins, fmt.Sprintf("https://%s%d.example", strings.Repeat("a", 500), i))
	}
	if _, _, err := e.CreateApplication(registrytest.Context(t), "wide", wide, ann); err != nil {
		t.Fatal(err)
	}
	for err = nil; err == nil; {
		_, _, err = e.AddKey(registrytest.Context(t), "wide", wide, Any, ann)
	}
	faultPaths(t, err)
	if a, err := e.Application(registrytest.Context(t), "wide"); err != nil || len(a.Keys) != 5 {
		t.Errorf("%d keys of 50 KB, %v", len(a.Keys), err)
	}
}

func TestPutApplicationComparesAndChecksOwners(t *testing.T) {
	e, js := newEditor(t)
	r := run(t, registry.Config{JetStream: js})
	declared := `{"keys": [{"sha256": "` + strings.ToUpper(hash) + `", "kind": "server", "expires_at": "2031-02-03T04:05:06+01:00", "events_per_second": 9}]}`
	put := func(name, declaration string, match Precondition) (PutResult, error) {
		return e.PutApplication(registrytest.Context(t), name, []byte(declaration), match, ann)
	}
	if p, err := put("shop", declared, 0); err != nil || p != (PutResult{Revision: 1, Created: true}) {
		t.Fatalf("put %+v, %v", p, err)
	}
	keyKnown(t, r, "some-key", func(k registry.Key) bool { return k.ID == hash[:12] && k.EventsPerSecond == 9 && !k.ExpiresAt.IsZero() })
	if p, err := put("shop", strings.ToLower(strings.ReplaceAll(declared, "T04:05:06+01:00", "T03:05:06Z")), 0); err == nil || p.Revision != 0 {
		t.Errorf("a time in lower case: %+v, %v", p, err)
	}
	if p, err := put("shop", strings.ReplaceAll(declared, "T04:05:06+01:00", "T03:05:06Z"), 0); err != nil || p != (PutResult{Revision: 1, Unchanged: true}) {
		t.Errorf("the same in other words: %+v, %v", p, err)
	}
	_, err := put("shop", `{"keys": []}`, 0)
	wantConflict(t, "an application that exists", err, 1)

	_, err = put("blog", declared, 0)
	if diff := cmp.Diff([]string{"/keys/0/sha256"}, faultPaths(t, err)); diff != "" {
		t.Errorf("the key of another: faults (-want +got):\n%s", diff)
	}
	if strings.Contains(strings.ToLower(err.Error()), hash) {
		t.Errorf("the error tells the hash: %v", err)
	}
	_, err = put("Blog", `{"keys": [{"sha256": "some-key"}], "secret": "some-key"}`, 0)
	if diff := cmp.Diff([]string{"/name", "/keys/0/sha256", "/keys/0", "/secret"}, faultPaths(t, err)); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
	if strings.Contains(err.Error(), "some-key") {
		t.Errorf("the error tells the secret: %v", err)
	}
	if p, err := put("shop", `{"keys": []}`, Present); err != nil || p.Revision != 2 {
		t.Errorf("put %+v, %v", p, err)
	}
	if p, err := put("blog", declared, 0); err != nil || p.Revision != 3 {
		t.Errorf("a key that is free: %+v, %v", p, err)
	}
}

// An editor knows the keys that other editors put, also after the bucket was
// deleted and created again.
func TestKeyOwnersFollowOtherEditors(t *testing.T) {
	e, js := newEditor(t)
	other := New(js)
	declare := func(e *Editor, name string, secrets ...string) error {
		var keys []string
		for _, s := range secrets {
			keys = append(keys, fmt.Sprintf(`{"sha256": "%s", "kind": "server"}`, registry.DigestOf(s)))
		}
		_, err := e.PutApplication(registrytest.Context(t), name, []byte(`{"keys": [`+strings.Join(keys, ",")+`]}`), Any, ann)
		return err
	}
	taken := func(what string, err error, paths ...string) {
		t.Helper()
		if diff := cmp.Diff(paths, faultPaths(t, err)); diff != "" {
			t.Errorf("%s: faults (-want +got):\n%s", what, diff)
		}
	}
	free := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	free("the first", declare(e, "a", "1", "2"))
	free("the same again", declare(e, "a", "2", "1"))
	taken("taken here", declare(e, "b", "3", "2", "1"), "/keys/1/sha256", "/keys/2/sha256")
	taken("taken there", declare(other, "b", "2"), "/keys/0/sha256")
	free("given back there", declare(other, "a", "1"))
	free("taken by another", declare(other, "b", "2"))
	taken("known here", declare(e, "c", "2"), "/keys/0/sha256")
	if _, err := other.DeleteApplication(registrytest.Context(t), "b", Any, ann); err != nil {
		t.Fatal(err)
	}
	free("after the removal", declare(e, "c", "2"))
	_, made, err := other.AddKey(registrytest.Context(t), "c", serverKey, Any, ann)
	if err != nil {
		t.Fatal(err)
	}
	taken("one that was made", declare(e, "d", made.Secret), "/keys/0/sha256")
	registrytest.Put(t, js, stream.BucketApplications, "odd", `{"keys": "odd"}`)
	taken("beside a record that cannot be read", declare(e, "d", "2"), "/keys/0/sha256")

	if err := js.DeleteKeyValue(registrytest.Context(t), stream.BucketApplications); err != nil {
		t.Fatal(err)
	}
	registrytest.CreateBuckets(t, js)
	free("a new bucket", declare(e, "d", made.Secret, "1", "2"))
}

func TestListsHoldUnreadableRecords(t *testing.T) {
	e, js := newEditor(t)
	if a, err := e.Applications(registrytest.Context(t)); err != nil || a == nil || len(a) != 0 {
		t.Errorf("no applications: %v, %v", a, err)
	}
	if l, err := e.Tokens(registrytest.Context(t)); err != nil || l == nil || len(l) != 0 {
		t.Errorf("no tokens: %v, %v", l, err)
	}
	var apps []Application
	var tokens []Token
	for _, name := range []string{"b", "c", "a-1", "d"} {
		a, _, err := e.CreateApplication(registrytest.Context(t), name, serverKey, ann)
		if err != nil {
			t.Fatal(err)
		}
		token, _, err := e.CreateToken(registrytest.Context(t), registry.Token{ID: name, Role: registry.Analyst, Applications: []string{name}}, ann)
		if err != nil {
			t.Fatal(err)
		}
		apps, tokens = append(apps, a), append(tokens, token)
	}
	for _, remove := range []func() (uint64, error){
		func() (uint64, error) { return e.DeleteApplication(registrytest.Context(t), "d", Any, ann) },
		func() (uint64, error) { return e.DeleteToken(registrytest.Context(t), "d", Any, ann) },
	} {
		if _, err := remove(); err != nil {
			t.Fatal(err)
		}
	}
	registrytest.Put(t, js, stream.BucketApplications, "z", `{"keys": "odd"}`)
	registrytest.Put(t, js, stream.BucketTokens, "z", `odd`)
	registrytest.Put(t, js, stream.BucketApplications, "Not-a-name", `{"keys": []}`)
	registrytest.Put(t, js, stream.BucketTokens, "not.an.id", `{}`)
	as, err := e.Applications(registrytest.Context(t))
	if err != nil || len(as) != 4 || as[3].Name != "z" || len(as[3].Keys) != 0 || as[3].Time.IsZero() {
		t.Fatalf("applications %+v, %v", as, err)
	}
	if diff := cmp.Diff([]Application{apps[2], apps[0], apps[1]}, as[:3], keyOptions); diff != "" {
		t.Errorf("applications (-want +got):\n%s", diff)
	}
	ts, err := e.Tokens(registrytest.Context(t))
	if err != nil || len(ts) != 4 || ts[3].ID != "z" || ts[3].Role != "" {
		t.Fatalf("tokens %+v, %v", ts, err)
	}
	if diff := cmp.Diff([]Token{tokens[2], tokens[0], tokens[1]}, ts[:3]); diff != "" {
		t.Errorf("tokens (-want +got):\n%s", diff)
	}
	if _, err := e.Application(registrytest.Context(t), "z"); err == nil {
		t.Error("a record that cannot be read was read")
	}
	if _, _, err := e.AddKey(registrytest.Context(t), "z", serverKey, Any, ann); err == nil {
		t.Error("a record that cannot be read was written over")
	}
}

func TestEditorWithoutBucketsReturnsErrBucketNotFound(t *testing.T) {
	e := New(natstest.Start(t).JetStream())
	_, errs := e.Applications(registrytest.Context(t))
	wantNoBucket(t, errs)
	_, errs = e.Application(registrytest.Context(t), "shop")
	wantNoBucket(t, errs)
	_, errs = e.PutSchema(registrytest.Context(t), registrytest.SomeType, []byte(`{}`), Any, ann)
	wantNoBucket(t, errs)
	_, errs = e.PutApplication(registrytest.Context(t), "shop", []byte(`{"keys": []}`), Any, ann)
	wantNoBucket(t, errs)
	_, errs = e.DeleteToken(registrytest.Context(t), "ann", Any, ann)
	wantNoBucket(t, errs)
	if _, err := e.Changes(registrytest.Context(t), ChangesQuery{}); err == nil {
		t.Error("changes of nothing")
	}
}

func TestApplicationDeclaresAtMostMaxKeys(t *testing.T) {
	var keys []string
	for i := range maxKeys + 1 {
		keys = append(keys, fmt.Sprintf(`{"sha256": "%s", "kind": "server"}`, registry.DigestOf(fmt.Sprint(i))))
	}
	if _, _, faults := parseApplication([]byte(`{"keys": [` + strings.Join(keys[1:], ",") + `]}`)); len(faults) > 0 {
		t.Errorf("%d keys: %v", maxKeys, faults)
	}
	if _, _, faults := parseApplication([]byte(`{"keys": [` + strings.Join(keys, ",") + `]}`)); len(faults) != 1 {
		t.Errorf("%d keys: %v", maxKeys+1, faults)
	}
}

func wantNoBucket(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, jetstream.ErrBucketNotFound) {
		t.Errorf("error %v, want that there is no bucket", err)
	}
}

// A change of keys keeps the settings, and one of the settings keeps the keys.
func TestSettingsStayWithTheApplication(t *testing.T) {
	e, _ := newEditor(t)
	ctx := t.Context()
	_, key, err := e.CreateApplication(ctx, "shop", registry.KeySettings{Kind: registry.Server}, registry.ChangeInfo{})
	if err != nil {
		t.Fatal(err)
	}
	want := registry.ApplicationSettings{Adapters: []string{"cloudevents", "segment"}, MissingSession: "reject"}
	if _, err := e.SetApplication(ctx, "shop", registry.ApplicationSettings{Adapters: []string{"segment", "cloudevents"}, MissingSession: "reject"}, Present, registry.ChangeInfo{}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := e.RotateKey(ctx, "shop", key.ID, 0, Any, registry.ChangeInfo{}); err != nil {
		t.Fatal(err)
	}
	a, err := e.Application(ctx, "shop")
	if err != nil || !reflect.DeepEqual(a.ApplicationSettings, want) || len(a.Keys) != 2 || !reflect.DeepEqual(a.Keys[1].Settings, want) {
		t.Errorf("%+v, %v", a, err)
	}
	var invalid *InvalidError
	if _, err := e.SetApplication(ctx, "shop", registry.ApplicationSettings{Adapters: []string{"unheard of"}}, Any, registry.ChangeInfo{}); !errors.As(err, &invalid) || invalid.Faults[0].Path != "/adapters/0" {
		t.Errorf("the error is %v", err)
	}
	if _, err := e.SetApplication(ctx, "other", want, Any, registry.ChangeInfo{}); !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("the error is %v", err)
	}
}

// Declarations without settings make records that earlier versions read.
func TestSettingsAreAbsentByDefault(t *testing.T) {
	raw, err := json.Marshal(registry.ApplicationRecord{Keys: []registry.KeyRecord{}})
	if err != nil || string(raw) != `{"keys":[]}` {
		t.Errorf("%s, %v", raw, err)
	}
}
