package queryapi_test

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// waitForChanges returns the changes of a query once there are n of them: they are
// recorded a moment after they are made.
func (fx *fixture) waitForChanges(query string, n int) adminAnswer {
	fx.t.Helper()
	var got adminAnswer
	eventually(fx.t, "changes of "+query, func() bool {
		got = fx.asOperator(200, "GET", "/v1/changes?"+query, "")
		return len(got.Changes) >= n
	})
	return got
}

// Author, time, declaration before and after, of every kind of change.
func TestChangesOfEveryKindAreListed(t *testing.T) {
	fx := newFixture(t)
	schema := fx.asOperator(201, "PUT", typePath("c", "n"), hostSchema, "X-Eye-Note", "one")
	schema = fx.asOperator(200, "PUT", typePath("c", "n"), pathSchema, "If-Match", quoted(schema.Revision), "X-Eye-Note", "two")
	fx.asOperator(200, "DELETE", typePath("c", "n"), "", "If-Match", quoted(schema.Revision), "X-Eye-Note", "three")
	policy := fx.asOperator(201, "PUT", "/v1/policy", `{"future_skew":"1m"}`)
	app := fx.asOperator(201, "POST", "/v1/applications", `{"name":"site","kind":"server"}`)
	key := fx.asOperator(201, "POST", "/v1/applications/site/keys", `{"kind":"server"}`)
	token := fx.asOperator(201, "POST", "/v1/tokens", `{"id":"alice","role":"analyst"}`)
	fx.asOperator(200, "DELETE", "/v1/tokens/alice", "")

	all := fx.waitForChanges("", 8)
	type line struct{ Action, Name, Note string }
	got := map[string][]line{} // changes of two buckets are recorded in any order
	last := uint64(1 << 62)
	for _, c := range timeless(t, all.Changes) {
		got[c.Kind] = append(got[c.Kind], line{c.Action, c.Category + "/" + c.Name, c.Note})
		if c.Author != "o" || c.Revision == 0 || c.Seq >= last {
			t.Errorf("%+v", c)
		}
		last = c.Seq
		if c.Action != "created" && c.Before == nil || c.Action != "removed" && c.After == nil || c.Action == "created" && c.Before != nil || c.Action == "removed" && c.After != nil {
			t.Errorf("before and after: %+v", c)
		}
	}
	if diff := cmp.Diff(map[string][]line{
		"token":       {{"removed", "/alice", ""}, {"created", "/alice", ""}},
		"application": {{"updated", "/site", ""}, {"created", "/site", ""}},
		"policy":      {{"created", "/", ""}},
		"schema":      {{"removed", "c/n", "three"}, {"updated", "c/n", "two"}, {"created", "c/n", "one"}},
	}, got); diff != "" {
		t.Errorf("changes: %s", diff)
	}
	if c := fx.asOperator(200, "GET", "/v1/changes?kind=schema", "").Changes[1]; string(c.Before) != hostSchema || string(c.After) != pathSchema {
		t.Errorf("%+v", c)
	}
	if c := fx.asOperator(200, "GET", "/v1/changes?kind=policy", "").Changes[0]; c.Revision != policy.Revision {
		t.Errorf("%+v", c)
	}
	for _, secret := range []string{app.Key.Secret, key.Key.Secret, token.Secret} {
		if sum := fmt.Sprintf("%x", sha256.Sum256([]byte(secret))); strings.Contains(all.raw, secret) || strings.Contains(all.raw, sum) {
			t.Error("a secret, or its hash, is among the changes")
		}
	}
	for query, n := range map[string]int{"kind=schema": 3, "kind=policy": 1, "kind=application": 2, "kind=token": 2, "name=site": 2, "name=n": 3, "kind=token&name=n": 0} {
		if got := fx.asOperator(200, "GET", "/v1/changes?"+query, ""); len(got.Changes) != n {
			t.Errorf("%s: %s", query, got.raw)
		}
	}
	for _, query := range []string{"kind=key", "kind=", "name=", "author=o", "limit=0", "cursor=x", "before=1"} {
		fx.asOperator(400, "GET", "/v1/changes?"+query, "")
	}
}

// Pages of changes contain every change once, also while others are made, and
// end early when they are large.
func TestPagesOfChangesHaveEveryChangeOnce(t *testing.T) {
	fx := newFixture(t)
	large := `{"description":"` + strings.Repeat("x", 60<<10) + `","title":"%d"}`
	match := []string{}
	const versions = 90 // two declarations of 60 KiB each: more than 8 MiB
	for i := range versions {
		put := fx.ask("PUT", operator, typePath("c", "n"), fmt.Sprintf(large, i), match...)
		if put.Revision == 0 {
			t.Fatal(put.raw)
		}
		match = []string{"If-Match", quoted(put.Revision)}
	}
	fx.waitForChanges("kind=schema&limit=1&name=n", 1)
	eventually(t, "the last version is among the changes", func() bool {
		last := fx.asOperator(200, "GET", "/v1/changes?limit=1", "")
		return quoted(last.Changes[0].Revision) == match[1]
	})
	var revisions []uint64
	pages := 0
	for cursor := ""; ; pages++ {
		page := fx.asOperator(200, "GET", "/v1/changes?kind=schema&limit=80"+cursor, "")
		for _, c := range page.Changes {
			revisions = append(revisions, c.Revision)
		}
		if len(page.raw) > 9<<20 {
			t.Errorf("a page of %d bytes", len(page.raw))
		}
		if page.NextCursor == nil {
			break
		}
		cursor = "&cursor=" + *page.NextCursor
		fx.asOperator(400, "GET", "/v1/changes?limit=80"+cursor, "")
		fx.asOperator(201, "PUT", typePath("c", fmt.Sprint("more", pages)), hostSchema)
	}
	if len(revisions) != versions || pages < 1 {
		t.Errorf("%d changes in %d pages", len(revisions), pages+1)
	}
	for i := 1; i < len(revisions); i++ {
		if revisions[i] >= revisions[i-1] {
			t.Errorf("revision %d after %d", revisions[i], revisions[i-1])
		}
	}
}
