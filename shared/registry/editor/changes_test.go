package editor

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/registry/registrytest"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/stream"
)

// brief is a change in one line.
func brief(c Change) string {
	return fmt.Sprintf("%s %s/%s %s %d by %s: %s -> %s", c.Kind, c.Category, c.Name, c.Action, c.Revision, c.Author, string(c.Before), string(c.After))
}

func briefs(changes []Change) []string {
	lines := make([]string, len(changes))
	for i, c := range changes {
		lines[i] = brief(c)
	}
	return lines
}

func TestChangesAreListedNewestFirst(t *testing.T) {
	e, js := newEditor(t)
	if list := changesOf(t, e, ChangesQuery{}); list == nil || len(list) != 0 {
		t.Errorf("before anything changed: %v", list)
	}
	ctx := registrytest.Context(t)
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		awaitChanges(t, js) // the order of different buckets is that of their being noted
	}
	_, err := e.PutSchema(ctx, registrytest.SomeType, []byte(`{"minProperties": 1}`), 0, ann)
	check(err)
	_, err = e.PutPolicy(ctx, []byte(`{"oldest_age": "1h"}`), 0, registry.ChangeInfo{Author: "bob"})
	check(err)
	_, key, err := e.CreateApplication(ctx, "shop", serverKey, ann)
	check(err)
	_, err = e.PutSchema(ctx, registrytest.SomeType, []byte(`{"minProperties": 2}`), 1, registry.ChangeInfo{Author: "bob"})
	check(err)
	_, _, err = e.CreateToken(ctx, registry.Token{ID: "carl", Role: registry.Analyst, Applications: []string{"shop"}}, ann)
	check(err)
	_, err = e.SetKey(ctx, "shop", key.ID, registry.KeySettings{Kind: registry.Server, Disabled: true}, Any, ann)
	check(err)
	_, err = e.DeleteSchema(ctx, registrytest.SomeType, Any, registry.ChangeInfo{Author: "dora", Note: "gone"})
	check(err)
	_, err = e.DeleteToken(ctx, "carl", Any, registry.ChangeInfo{Author: "dora"})
	check(err)
	_, err = e.DeletePolicy(ctx, Any, registry.ChangeInfo{Author: "dora"})
	check(err)
	_, err = e.PutSchema(ctx, registrytest.SomeType, []byte(`{}`), 0, ann)
	check(err)
	check(registrytest.Bucket(t, js, stream.BucketApplications).Delete(ctx, "shop")) // not by an editor: no author

	k := fmt.Sprintf(`{"id":"%s","kind":"server"`, key.ID)
	want := []string{
		`application /shop removed 3 by : {"keys":[` + k + `,"disabled":true}]} -> `,
		`schema page interaction/cta click created 6 by ann:  -> {}`,
		`policy / removed 5 by dora: {"oldest_age":"1h"} -> `,
		`token /carl removed 2 by dora: {"role":"analyst","applications":["shop"]} -> `,
		`schema page interaction/cta click removed 4 by dora: {"minProperties":2} -> `,
		`application /shop updated 2 by ann: {"keys":[` + k + `}]} -> {"keys":[` + k + `,"disabled":true}]}`,
		`token /carl created 1 by ann:  -> {"role":"analyst","applications":["shop"]}`,
		`schema page interaction/cta click updated 3 by bob: {"minProperties":1} -> {"minProperties":2}`,
		`application /shop created 1 by ann:  -> {"keys":[` + k + `}]}`,
		`policy / created 2 by bob:  -> {"oldest_age":"1h"}`,
		`schema page interaction/cta click created 1 by ann:  -> {"minProperties":1}`,
	}
	all := changesOf(t, e, ChangesQuery{})
	if diff := cmp.Diff(want, briefs(all)); diff != "" {
		t.Fatalf("changes (-want +got):\n%s", diff)
	}
	if all[4].Note != "gone" {
		t.Errorf("note %q", all[4].Note)
	}
	for i, c := range all {
		if c.Time.IsZero() || i > 0 && c.Seq >= all[i-1].Seq {
			t.Errorf("change %d after %d, at %v", c.Seq, all[max(0, i-1)].Seq, c.Time)
		}
	}
	for _, q := range []ChangesQuery{
		{},
		{Kind: KindSchema},
		{Kind: KindPolicy},
		{Kind: KindToken},
		{Kind: KindApplication},
		{Kind: "god"},
		{Name: "shop"},
		{Name: "cta click"},
		{Kind: KindSchema, Name: "cta click"},
		{Kind: KindToken, Name: "shop"},
		{Kind: KindPolicy, Name: "x"},
		{Name: "*"},
		{Kind: KindApplication, Name: ">"},
	} {
		var selected []Change
		for _, c := range all {
			if (q.Kind == "" || q.Kind == c.Kind) && (q.Name == "" || q.Name == c.Name) {
				selected = append(selected, c)
			}
		}
		wantChanges(t, e, q, selected)
	}
}

// wantChanges wants the changes of a query, by pages of several sizes.
func wantChanges(t *testing.T, e *Editor, q ChangesQuery, want []Change) {
	t.Helper()
	for _, q.Limit = range []int{1, 2, 3, 7, 0} {
		var got []Change
		for q.Before = 0; ; {
			list, err := e.Changes(registrytest.Context(t), q)
			if err != nil {
				t.Fatal(err)
			}
			if q.Limit > 0 && len(list) > q.Limit {
				t.Errorf("%+v: %d changes", q, len(list))
			}
			if len(list) == 0 {
				break
			}
			got, q.Before = append(got, list...), list[len(list)-1].Seq
		}
		if diff := cmp.Diff(briefs(want), briefs(got)); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", q, diff)
		}
	}
}

// However many editors change things at once, no change is missing, each names its
// author, and the value before it is the value after the previous one.
func TestConcurrentChangesAreListedCompletely(t *testing.T) {
	srv, js := registrytest.Start(t)
	const steps = 25
	made := make([]int, writers)
	runWriters(srv, func(i int, e *Editor) {
		random := rand.New(rand.NewPCG(1, uint64(i)))
		by := registry.ChangeInfo{Author: "writer-" + strconv.Itoa(i)}
		for step := range steps {
			if randomChange(t, e, random, by, fmt.Sprintf("%d-%d", i, step)) {
				made[i]++
			}
		}
	})
	e := New(js)
	awaitChanges(t, js)
	var all []Change
	for before := uint64(0); ; {
		list, err := e.Changes(registrytest.Context(t), ChangesQuery{Before: before, Limit: 37})
		if err != nil {
			t.Fatal(err)
		}
		if len(list) == 0 {
			break
		}
		all, before = append(all, list...), list[len(list)-1].Seq
	}
	authors := map[string]int{}
	last := map[string]Change{}
	for _, c := range slices.Backward(all) {
		authors[c.Author]++
		thing := c.Kind + "/" + c.Category + "/" + c.Name
		previous, had := last[thing]
		if string(previous.After) != string(c.Before) || c.Revision <= previous.Revision && had {
			t.Errorf("%s\nfollows\n%s", brief(c), brief(previous))
		}
		want := ActionUpdated
		switch {
		case c.After == nil:
			want = ActionRemoved
		case c.Before == nil:
			want = ActionCreated
		}
		if c.Action != want {
			t.Errorf("%s: want %s", brief(c), want)
		}
		last[thing] = c
	}
	for i, n := range made {
		if got := authors["writer-"+strconv.Itoa(i)]; got != n {
			t.Errorf("writer %d made %d changes, %d are noted", i, n, got)
		}
	}
}

// randomChange makes a random change and reports whether there is a new version.
func randomChange(t *testing.T, e *Editor, random *rand.Rand, by registry.ChangeInfo, mark string) bool {
	t.Helper()
	ctx := registrytest.Context(t)
	typ := schema.Type{Category: "c", Name: strconv.Itoa(random.IntN(3))}
	app := "app-" + strconv.Itoa(random.IntN(3))
	var err error
	switch random.IntN(6) {
	case 0, 1:
		_, err = e.PutSchema(ctx, typ, []byte(`{"title": "`+mark+`"}`), Any, by)
	case 2:
		_, err = e.DeleteSchema(ctx, typ, Any, by)
	case 3:
		_, _, err = e.CreateApplication(ctx, app, registry.KeySettings{Kind: registry.Server}, by)
	case 4:
		_, _, err = e.AddKey(ctx, app, registry.KeySettings{Kind: registry.Server}, Any, by)
	case 5:
		_, err = e.DeleteApplication(ctx, app, Any, by)
	}
	if err != nil && !expected(err) {
		t.Error(err)
	}
	return err == nil
}

// Sparse changes are found among many, whatever the window.
func TestChangesOfAQueryAreFoundAmongMany(t *testing.T) {
	e, js := newEditor(t)
	applications := registrytest.Bucket(t, js, stream.BucketApplications)
	policy := func(i int) {
		if _, err := e.PutPolicy(registrytest.Context(t), fmt.Appendf(nil, `{"oldest_age": "%dh"}`, i+1), Any, ann); err != nil {
			t.Fatal(err)
		}
		awaitChanges(t, js)
	}
	policy(0)
	for i := range 3 * maxWindow {
		if _, err := applications.PutString(registrytest.Context(t), "shop", `{"keys": []}`); err != nil {
			t.Fatal(err)
		}
		if i == maxWindow {
			awaitChanges(t, js)
			policy(1)
		}
	}
	list := changesOf(t, e, ChangesQuery{Kind: KindPolicy, Limit: 5})
	if len(list) != 2 || list[0].Seq < maxWindow || list[1].Seq != 1 {
		t.Errorf("changes %v", briefs(list))
	}
	if list := changesOf(t, e, ChangesQuery{Limit: 2 * registry.MaxPage}); len(list) != registry.MaxPage || list[registry.MaxPage-1].Seq != list[0].Seq-registry.MaxPage+1 {
		t.Errorf("a page has %d changes", len(list))
	}
}

// Everything in the registry can be shown, except for secrets and their digests.
func TestSecretsAreNeverShown(t *testing.T) {
	e, js := newEditor(t)
	ctx := registrytest.Context(t)
	a, first, err := e.CreateApplication(ctx, "shop", serverKey, ann)
	if err != nil {
		t.Fatal(err)
	}
	_, second, err := e.AddKey(ctx, "shop", serverKey, Any, ann)
	if err != nil {
		t.Fatal(err)
	}
	_, third, err := e.RotateKey(ctx, "shop", first.ID, 0, Any, ann)
	if err != nil {
		t.Fatal(err)
	}
	token, secret, err := e.CreateToken(ctx, registry.Token{ID: "carl", Role: registry.Operator}, ann)
	if err != nil {
		t.Fatal(err)
	}
	told := []any{a, first, second, third, token, changesOf(t, e, ChangesQuery{})}
	for _, list := range []func() (any, error){
		func() (any, error) { return e.Applications(ctx) },
		func() (any, error) { return e.Application(ctx, "shop") },
		func() (any, error) { return e.Tokens(ctx) },
		func() (any, error) { return e.Token(ctx, "carl") },
		func() (any, error) { return e.DeleteKey(ctx, "shop", third.ID, Any, ann) },
		func() (any, error) { return e.DeleteApplication(ctx, "shop", Any, ann) },
		func() (any, error) { return e.DeleteToken(ctx, "carl", Any, ann) },
		func() (any, error) { return e.Changes(ctx, ChangesQuery{}) },
	} {
		value, err := list()
		if err != nil {
			t.Fatal(err)
		}
		told = append(told, value)
	}
	awaitChanges(t, js)
	told = append(told, changesOf(t, e, ChangesQuery{}))
	secrets := []string{first.Secret, second.Secret, third.Secret, secret}
	for _, s := range secrets {
		if where := streamsWith(t, js, s); len(where) > 0 {
			t.Errorf("a secret is in %v", where)
		}
		if where := streamsWith(t, js, registry.DigestOf(s).String()); len(where) != 2 { // its bucket, and the changes
			t.Errorf("a hash is in %v: the test finds nothing", where)
		}
	}
	for i, value := range told {
		text := everyForm(t, value)
		for _, s := range secrets {
			if strings.Contains(text, s) || strings.Contains(text, registry.DigestOf(s).String()) {
				t.Errorf("value %d tells a secret or its hash: %s", i, text)
			}
		}
	}
}

// everyForm is a value in the forms that it may get into a log in.
func everyForm(t *testing.T, value any) string {
	t.Helper()
	var log registrytest.Logs
	log.Logger().Info("value", slog.Any("value", value))
	encoded, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%v %+v %#v %s %q", value, value, value, value, value) + log.String() + string(encoded)
}
