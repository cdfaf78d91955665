package registry

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/natsd/natstest"
	"github.com/theeye/theeye/shared/stream"
)

var serverKey = KeyInfo{Kind: Server}

// keyKnown waits until a snapshot has the key of a secret as wanted.
func keyKnown(t *testing.T, r *Registry, secret string, wanted func(Key) bool) {
	t.Helper()
	eventually(t, r, "the write key is as wanted", func(s *Snapshot) bool {
		k, ok := s.Access.WriteKey(secret)
		return ok && wanted(k)
	})
}

func TestCreateApplication(t *testing.T) {
	e, js := edited(t)
	r := run(t, Config{JetStream: js})
	end := time.Date(2031, 2, 3, 4, 5, 6, 0, time.FixedZone("", 3600))
	spec := KeyInfo{
		ID: "chosen-by-us", Kind: Browser, Origins: []string{"https://shop.example"}, ExpiresAt: end,
		EventsPerSecond: 50, BytesPerSecond: 1 << 20,
	}
	a, k, err := e.CreateApplication(bounded(t), "shop", spec, ann)
	if err != nil {
		t.Fatal(err)
	}
	spec.ID, spec.ExpiresAt = digestOf(k.Secret).String()[:12], end.UTC()
	if diff := cmp.Diff(spec, k.KeyInfo); diff != "" || !strings.HasPrefix(k.Secret, secretPrefix) || len(k.Secret) < 30 {
		t.Errorf("key (-want +got):\n%s", diff)
	}
	want := Application{Name: "shop", Revision: 1, Author: "ann", Note: "because", Keys: []KeyInfo{spec}}
	if diff := cmp.Diff(want, a, cmpopts.IgnoreFields(Application{}, "Time")); diff != "" {
		t.Errorf("application (-want +got):\n%s", diff)
	}
	wantAuthor(t, a.Author, a.Note, a.Time)
	if got, err := e.Application(bounded(t), "shop"); err != nil || !cmp.Equal(got, a) {
		t.Errorf("the registry has (-want +got):\n%s%v", cmp.Diff(a, got), err)
	}
	keyKnown(t, r, k.Secret, func(got Key) bool {
		return got.Application == "shop" && got.ID == k.ID && got.AllowsOrigin("https://shop.example") &&
			got.EventsPerSecond == 50 && got.BytesPerSecond == 1<<20 && !got.Expired(end.Add(-1)) && got.Expired(end)
	})
	_, again, err := e.CreateApplication(bounded(t), "shop", serverKey, ann)
	wantConflict(t, "a name that is taken", err, 1)
	if again.Secret != "" {
		t.Error("a secret was told without an application that has it")
	}
	_, _, err = NewEditor(nil).CreateApplication(t.Context(), "Shop", KeyInfo{}, By{Note: "\n"})
	if diff := cmp.Diff([]string{"/name", "/kind", "/note"}, faultPaths(t, err)); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}

func TestKeySpecs(t *testing.T) {
	for path, spec := range map[string]KeyInfo{
		"/kind":              {Kind: "god"},
		"/origins":           {Kind: Server, Origins: []string{"https://a.example"}},
		"":                   {Kind: Browser},
		"/origins/1":         {Kind: Browser, Origins: []string{"https://a.example", "https://a.example"}},
		"/origins/0":         {Kind: Browser, Origins: []string{"*"}},
		"/events_per_second": {Kind: Server, EventsPerSecond: -1},
		"/bytes_per_second":  {Kind: Server, BytesPerSecond: math.MaxInt64},
	} {
		_, _, err := NewEditor(nil).AddKey(t.Context(), "shop", spec, Any, ann)
		if diff := cmp.Diff([]string{path}, faultPaths(t, err)); diff != "" {
			t.Errorf("%+v: faults (-want +got):\n%s", spec, diff)
		}
		_, err = NewEditor(nil).SetKey(t.Context(), "shop", "0", spec, Any, ann)
		if diff := cmp.Diff([]string{path}, faultPaths(t, err)); diff != "" {
			t.Errorf("%+v: faults (-want +got):\n%s", spec, diff)
		}
	}
	for name, spec := range map[string]KeyInfo{
		"no UTF-8": {Kind: Browser, Origins: []string{"https://\xff"}},
		"a year":   {Kind: Server, ExpiresAt: time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)},
	} {
		if _, faults := spec.record(hash); len(faults) != 1 {
			t.Errorf("%s: faults %v", name, faults)
		}
	}
}

func TestKeys(t *testing.T) {
	e, js := edited(t)
	r := run(t, Config{JetStream: js})
	_, _, err := e.AddKey(bounded(t), "shop", serverKey, Any, ann)
	wantNotFound(t, "a key of no application", err)
	_, first, err := e.CreateApplication(bounded(t), "shop", serverKey, ann)
	if err != nil {
		t.Fatal(err)
	}
	a, second, err := e.AddKey(bounded(t), "shop", serverKey, 1, ann)
	if err != nil || len(a.Keys) != 2 || a.Keys[0].ID != first.ID || a.Keys[1].ID != second.ID || a.Revision != 2 {
		t.Fatalf("application %+v, %v", a, err)
	}
	_, _, err = e.AddKey(bounded(t), "shop", serverKey, 1, ann)
	wantConflict(t, "a key for what was", err, 2)

	spec := KeyInfo{Kind: Browser, Origins: []string{"https://a.example"}, Disabled: true, EventsPerSecond: 7}
	a, err = e.SetKey(bounded(t), "shop", first.ID, spec, 2, ann)
	spec.ID = first.ID
	if diff := cmp.Diff([]KeyInfo{spec, second.KeyInfo}, a.Keys); diff != "" || err != nil || a.Revision != 3 {
		t.Errorf("keys at %d, %v (-want +got):\n%s", a.Revision, err, diff)
	}
	keyKnown(t, r, first.Secret, func(k Key) bool { return k.Disabled && k.Kind == Browser && k.EventsPerSecond == 7 })
	if same, err := e.SetKey(bounded(t), "shop", first.ID, spec, Any, By{Author: "bob"}); err != nil || !cmp.Equal(same, a) {
		t.Errorf("the same again made %+v, %v", same, err)
	}
	_, err = e.SetKey(bounded(t), "shop", "0123456789ab", serverKey, Any, ann)
	wantNotFound(t, "a key that never was", err)
	_, err = e.SetKey(bounded(t), "shop", "", serverKey, Any, ann)
	wantNotFound(t, "no key", err)

	_, err = e.DeleteKey(bounded(t), "shop", first.ID, 2, ann)
	wantConflict(t, "a removal from what was", err, 3)
	if a, err = e.DeleteKey(bounded(t), "shop", first.ID, Any, ann); err != nil || len(a.Keys) != 1 || a.Keys[0].ID != second.ID {
		t.Errorf("after the removal %+v, %v", a, err)
	}
	_, err = e.DeleteKey(bounded(t), "shop", first.ID, Any, ann)
	wantNotFound(t, "a key that is gone", err)
	eventually(t, r, "the key is unknown", func(s *Snapshot) bool { _, ok := s.Access.WriteKey(first.Secret); return !ok })

	revision, err := e.DeleteApplication(bounded(t), "shop", 4, ann)
	if err != nil || revision != 5 {
		t.Errorf("removed at %d, %v", revision, err)
	}
	for _, name := range []string{"shop", "never", "Not a name", ">", ""} {
		_, err = e.Application(bounded(t), name)
		wantNotFound(t, name, err)
		_, err = e.DeleteApplication(bounded(t), name, Any, ann)
		wantNotFound(t, name, err)
		_, err = e.DeleteKey(bounded(t), name, second.ID, Any, ann)
		wantNotFound(t, name, err)
	}
	eventually(t, r, "its last key is unknown", func(s *Snapshot) bool { _, ok := s.Access.WriteKey(second.Secret); return !ok })
	if a, _, err = e.CreateApplication(bounded(t), "shop", serverKey, ann); err != nil || a.Revision != 6 {
		t.Errorf("made again: %+v, %v", a, err)
	}
}

func TestRotateKey(t *testing.T) {
	e, js := edited(t)
	r := run(t, Config{JetStream: js})
	spec := KeyInfo{Kind: Browser, Origins: []string{"https://a.example"}, Disabled: true, EventsPerSecond: 5, BytesPerSecond: 6}
	_, old, err := e.CreateApplication(bounded(t), "shop", spec, ann)
	if err != nil {
		t.Fatal(err)
	}
	before := time.Now()
	a, k, err := e.RotateKey(bounded(t), "shop", old.ID, time.Hour, Any, ann)
	if err != nil || len(a.Keys) != 2 {
		t.Fatalf("application %+v, %v", a, err)
	}
	spec.ID, spec.Disabled = k.ID, false
	if diff := cmp.Diff(spec, a.Keys[1]); diff != "" || k.ID != digestOf(k.Secret).keyID() || k.ID == old.ID {
		t.Errorf("the new key (-want +got):\n%s", diff)
	}
	end := a.Keys[0].ExpiresAt
	if end.Before(before.Add(time.Hour-time.Second)) || end.After(time.Now().Add(time.Hour)) || !a.Keys[0].Disabled {
		t.Errorf("the old key is %+v", a.Keys[0])
	}
	keyKnown(t, r, old.Secret, func(k Key) bool { return k.Expired(end) && !k.Expired(end.Add(-time.Second)) })
	keyKnown(t, r, k.Secret, func(k Key) bool { return !k.Expired(end) && k.AllowsOrigin("https://a.example") })
	// An end that was said is not put off.
	if a, _, err = e.RotateKey(bounded(t), "shop", old.ID, 2*time.Hour, Any, ann); err != nil || !a.Keys[0].ExpiresAt.Equal(end) {
		t.Errorf("the old key ends at %v, want %v (%v)", a.Keys[0].ExpiresAt, end, err)
	}
	if a, _, err = e.RotateKey(bounded(t), "shop", k.ID, 0, Any, ann); err != nil || a.Keys[1].ExpiresAt.After(time.Now()) {
		t.Errorf("without overlap the old key ends at %v, %v", a.Keys[1].ExpiresAt, err)
	}
	keyKnown(t, r, k.Secret, func(k Key) bool { return k.Expired(time.Now()) })
	for _, overlap := range []time.Duration{-1, maxOverlap + 1} {
		_, _, err = NewEditor(nil).RotateKey(t.Context(), "shop", k.ID, overlap, Any, ann)
		if diff := cmp.Diff([]string{"/overlap"}, faultPaths(t, err)); diff != "" {
			t.Errorf("overlap %v: faults (-want +got):\n%s", overlap, diff)
		}
	}
	_, none, err := e.RotateKey(bounded(t), "shop", "0123456789ab", 0, Any, ann)
	wantNotFound(t, "a key that never was", err)
	if none.Secret != "" {
		t.Error("a secret was told without a key that has it")
	}
}

// An application's record is one message, and its keys are few.
func TestApplicationLimits(t *testing.T) {
	e, _ := edited(t)
	if _, _, err := e.CreateApplication(bounded(t), "shop", serverKey, ann); err != nil {
		t.Fatal(err)
	}
	for range maxKeys - 1 {
		if _, _, err := e.AddKey(bounded(t), "shop", serverKey, Any, ann); err != nil {
			t.Fatal(err)
		}
	}
	_, _, err := e.AddKey(bounded(t), "shop", serverKey, Any, ann)
	faultPaths(t, err)
	wide := KeyInfo{Kind: Browser}
	for i := range maxOrigins {
		wide.Origins = append(wide.Origins, fmt.Sprintf("https://%s%d.example", strings.Repeat("a", 500), i))
	}
	if _, _, err := e.CreateApplication(bounded(t), "wide", wide, ann); err != nil {
		t.Fatal(err)
	}
	for err = nil; err == nil; {
		_, _, err = e.AddKey(bounded(t), "wide", wide, Any, ann)
	}
	faultPaths(t, err)
	if a, err := e.Application(bounded(t), "wide"); err != nil || len(a.Keys) != 5 {
		t.Errorf("%d keys of 50 KB, %v", len(a.Keys), err)
	}
}

func TestPutApplication(t *testing.T) {
	e, js := edited(t)
	r := run(t, Config{JetStream: js})
	declared := `{"keys": [{"sha256": "` + strings.ToUpper(hash) + `", "kind": "server", "expires_at": "2031-02-03T04:05:06+01:00", "events_per_second": 9}]}`
	put := func(name, declaration string, match uint64) (Put, error) {
		return e.PutApplication(bounded(t), name, []byte(declaration), match, ann)
	}
	if p, err := put("shop", declared, 0); err != nil || p != (Put{Revision: 1, Created: true}) {
		t.Fatalf("put %+v, %v", p, err)
	}
	keyKnown(t, r, "some-key", func(k Key) bool { return k.ID == hash[:12] && k.EventsPerSecond == 9 && !k.ExpiresAt.IsZero() })
	if p, err := put("shop", strings.ToLower(strings.ReplaceAll(declared, "T04:05:06+01:00", "T03:05:06Z")), 0); err == nil || p.Revision != 0 {
		t.Errorf("a time in lower case: %+v, %v", p, err)
	}
	if p, err := put("shop", strings.ReplaceAll(declared, "T04:05:06+01:00", "T03:05:06Z"), 0); err != nil || p != (Put{Revision: 1, Unchanged: true}) {
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
	if p, err := put("shop", `{"keys": []}`, AnyPresent); err != nil || p.Revision != 2 {
		t.Errorf("put %+v, %v", p, err)
	}
	if p, err := put("blog", declared, 0); err != nil || p.Revision != 3 {
		t.Errorf("a key that is free: %+v, %v", p, err)
	}
}

// Who has which key is known whoever put it, also when the bucket is another one.
func TestOwners(t *testing.T) {
	e, js := edited(t)
	other := NewEditor(js)
	declare := func(e *Editor, name string, secrets ...string) error {
		var keys []string
		for _, s := range secrets {
			keys = append(keys, fmt.Sprintf(`{"sha256": "%s", "kind": "server"}`, digestOf(s)))
		}
		_, err := e.PutApplication(bounded(t), name, []byte(`{"keys": [`+strings.Join(keys, ",")+`]}`), Any, ann)
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
	if _, err := other.DeleteApplication(bounded(t), "b", Any, ann); err != nil {
		t.Fatal(err)
	}
	free("after the removal", declare(e, "c", "2"))
	_, made, err := other.AddKey(bounded(t), "c", serverKey, Any, ann)
	if err != nil {
		t.Fatal(err)
	}
	taken("one that was made", declare(e, "d", made.Secret), "/keys/0/sha256")
	put(t, js, stream.BucketApplications, "odd", `{"keys": "odd"}`)
	taken("beside a record that cannot be read", declare(e, "d", "2"), "/keys/0/sha256")

	if err := js.DeleteKeyValue(bounded(t), stream.BucketApplications); err != nil {
		t.Fatal(err)
	}
	ensure(t, js)
	free("a new bucket", declare(e, "d", made.Secret, "1", "2"))
}

func TestLists(t *testing.T) {
	e, js := edited(t)
	if a, err := e.Applications(bounded(t)); err != nil || a == nil || len(a) != 0 {
		t.Errorf("no applications: %v, %v", a, err)
	}
	if l, err := e.Tokens(bounded(t)); err != nil || l == nil || len(l) != 0 {
		t.Errorf("no tokens: %v, %v", l, err)
	}
	var apps []Application
	var tokens []TokenInfo
	for _, name := range []string{"b", "c", "a-1", "d"} {
		a, _, err := e.CreateApplication(bounded(t), name, serverKey, ann)
		if err != nil {
			t.Fatal(err)
		}
		token, _, err := e.CreateToken(bounded(t), Token{ID: name, Role: Analyst, Applications: []string{name}}, ann)
		if err != nil {
			t.Fatal(err)
		}
		apps, tokens = append(apps, a), append(tokens, token)
	}
	for _, remove := range []func() (uint64, error){
		func() (uint64, error) { return e.DeleteApplication(bounded(t), "d", Any, ann) },
		func() (uint64, error) { return e.DeleteToken(bounded(t), "d", Any, ann) },
	} {
		if _, err := remove(); err != nil {
			t.Fatal(err)
		}
	}
	put(t, js, stream.BucketApplications, "z", `{"keys": "odd"}`)
	put(t, js, stream.BucketTokens, "z", `odd`)
	put(t, js, stream.BucketApplications, "Not-a-name", `{"keys": []}`)
	put(t, js, stream.BucketTokens, "not.an.id", `{}`)
	as, err := e.Applications(bounded(t))
	if err != nil || len(as) != 4 || as[3].Name != "z" || len(as[3].Keys) != 0 || as[3].Time.IsZero() {
		t.Fatalf("applications %+v, %v", as, err)
	}
	if diff := cmp.Diff([]Application{apps[2], apps[0], apps[1]}, as[:3]); diff != "" {
		t.Errorf("applications (-want +got):\n%s", diff)
	}
	ts, err := e.Tokens(bounded(t))
	if err != nil || len(ts) != 4 || ts[3].ID != "z" || ts[3].Role != "" {
		t.Fatalf("tokens %+v, %v", ts, err)
	}
	if diff := cmp.Diff([]TokenInfo{tokens[2], tokens[0], tokens[1]}, ts[:3]); diff != "" {
		t.Errorf("tokens (-want +got):\n%s", diff)
	}
	if _, err := e.Application(bounded(t), "z"); err == nil {
		t.Error("a record that cannot be read was read")
	}
	if _, _, err := e.AddKey(bounded(t), "z", serverKey, Any, ann); err == nil {
		t.Error("a record that cannot be read was written over")
	}
}

func TestEditorWithoutBuckets(t *testing.T) {
	e := NewEditor(natstest.Start(t).JetStream())
	_, errs := e.Applications(bounded(t))
	wantNoBucket(t, errs)
	_, errs = e.Application(bounded(t), "shop")
	wantNoBucket(t, errs)
	_, errs = e.PutSchema(bounded(t), someType, []byte(`{}`), Any, ann)
	wantNoBucket(t, errs)
	_, errs = e.PutApplication(bounded(t), "shop", []byte(`{"keys": []}`), Any, ann)
	wantNoBucket(t, errs)
	_, errs = e.DeleteToken(bounded(t), "ann", Any, ann)
	wantNoBucket(t, errs)
	if _, err := e.Changes(bounded(t), ChangesQuery{}); err == nil {
		t.Error("changes of nothing")
	}
}

func wantNoBucket(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, jetstream.ErrBucketNotFound) {
		t.Errorf("error %v, want that there is no bucket", err)
	}
}
