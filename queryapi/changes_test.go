package queryapi_test

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// changes are those of a query, once there are n of them: they are noted a
// moment after they were made.
func (w *world) changes(query string, n int) registered {
	w.t.Helper()
	var got registered
	eventually(w.t, "changes of "+query, func() bool {
		got = w.operate(200, "GET", "/v1/changes?"+query, "")
		return len(got.Changes) >= n
	})
	return got
}

// Who, what, when, before and after, of every kind of thing.
func TestChanges(t *testing.T) {
	w := newWorld(t)
	schema := w.operate(201, "PUT", typePath("c", "n"), hostSchema, "X-Eye-Note", "one")
	schema = w.operate(200, "PUT", typePath("c", "n"), pathSchema, "If-Match", quoted(schema.Revision), "X-Eye-Note", "two")
	w.operate(200, "DELETE", typePath("c", "n"), "", "If-Match", quoted(schema.Revision), "X-Eye-Note", "three")
	policy := w.operate(201, "PUT", "/v1/policy", `{"future_skew":"1m"}`)
	app := w.operate(201, "POST", "/v1/applications", `{"name":"site","kind":"server"}`)
	key := w.operate(201, "POST", "/v1/applications/site/keys", `{"kind":"server"}`)
	token := w.operate(201, "POST", "/v1/tokens", `{"id":"alice","role":"analyst"}`)
	w.operate(200, "DELETE", "/v1/tokens/alice", "")

	all := w.changes("", 8)
	type line struct{ Action, Name, Note string }
	got := map[string][]line{} // things of two buckets are noted in any order
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
	if c := w.operate(200, "GET", "/v1/changes?kind=schema", "").Changes[1]; string(c.Before) != hostSchema || string(c.After) != pathSchema {
		t.Errorf("%+v", c)
	}
	if c := w.operate(200, "GET", "/v1/changes?kind=policy", "").Changes[0]; c.Revision != policy.Revision {
		t.Errorf("%+v", c)
	}
	for _, secret := range []string{app.Key.Secret, key.Key.Secret, token.Secret} {
		if sum := fmt.Sprintf("%x", sha256.Sum256([]byte(secret))); strings.Contains(all.raw, secret) || strings.Contains(all.raw, sum) {
			t.Error("a secret, or its hash, is among the changes")
		}
	}
	for query, n := range map[string]int{"kind=schema": 3, "kind=policy": 1, "kind=application": 2, "kind=token": 2, "name=site": 2, "name=n": 3, "kind=token&name=n": 0} {
		if got := w.operate(200, "GET", "/v1/changes?"+query, ""); len(got.Changes) != n {
			t.Errorf("%s: %s", query, got.raw)
		}
	}
	for _, query := range []string{"kind=key", "kind=", "name=", "author=o", "limit=0", "cursor=x", "before=1"} {
		w.operate(400, "GET", "/v1/changes?"+query, "")
	}
}

// Pages of changes hold every change once, also while more are made, and end
// early when they are heavy.
func TestChangesPages(t *testing.T) {
	w := newWorld(t)
	large := `{"description":"` + strings.Repeat("x", 60<<10) + `","title":"%d"}`
	match := []string{}
	const versions = 90 // two declarations of 60 KiB each: more than 8 MiB
	for i := range versions {
		put := w.ask("PUT", operator, typePath("c", "n"), fmt.Sprintf(large, i), match...)
		if put.Revision == 0 {
			t.Fatal(put.raw)
		}
		match = []string{"If-Match", quoted(put.Revision)}
	}
	w.changes("kind=schema&limit=1&name=n", 1)
	eventually(t, "the last version is among the changes", func() bool {
		last := w.operate(200, "GET", "/v1/changes?limit=1", "")
		return quoted(last.Changes[0].Revision) == match[1]
	})
	var revisions []uint64
	pages := 0
	for cursor := ""; ; pages++ {
		page := w.operate(200, "GET", "/v1/changes?kind=schema&limit=80"+cursor, "")
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
		w.operate(400, "GET", "/v1/changes?limit=80"+cursor, "")
		w.operate(201, "PUT", typePath("c", fmt.Sprint("more", pages)), hostSchema)
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
