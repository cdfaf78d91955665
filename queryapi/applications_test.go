package queryapi_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// idOf returns the id of a write key, by its secret.
func idOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])[:12]
}

// One application from its first key to its removal.
func TestApplicationIsCreatedChangedAndRemoved(t *testing.T) {
	fx := newFixture(t)
	made := fx.asOperator(201, "POST", "/v1/applications",
		`{"name":"site","kind":"browser","origins":["https://www.example.com"],"events_per_second":50,"bytes_per_second":100000}`,
		"X-Eye-Note", "a new site")
	if made.Name != "site" || made.Key.Secret == "" || made.Key.ID != idOf(made.Key.Secret) || made.header.Get("ETag") != quoted(made.Revision) {
		t.Fatalf("%s %v", made.raw, made.header)
	}
	if f := fx.asOperator(412, "POST", "/v1/applications", `{"name":"site","kind":"server"}`); f.Revision != made.Revision {
		t.Errorf("%s", f.raw)
	}
	path := "/v1/applications/site"
	got := fx.asOperator(200, "GET", path, "")
	want := []writeKeyItem{{
		ID: made.Key.ID, Kind: "browser", Origins: []string{"https://www.example.com"}, EventsPerSecond: 50, BytesPerSecond: 100000,
	}}
	if diff := cmp.Diff(want, got.Keys); diff != "" || got.Author != "o" || got.Note != "a new site" || got.header.Get("ETag") != quoted(made.Revision) {
		t.Errorf("%s %s", diff, got.raw)
	}

	more := fx.asOperator(201, "POST", path+"/keys", `{"kind":"server","expires_at":"2099-01-01T00:00:00+01:00"}`)
	if more.Key.ExpiresAt != "2098-12-31T23:00:00.000000Z" || more.Revision <= made.Revision {
		t.Errorf("%s", more.raw)
	}
	fx.asOperator(412, "POST", path+"/keys", `{"kind":"server"}`, "If-Match", quoted(made.Revision))
	fx.asOperator(412, "PUT", path+"/keys/"+made.Key.ID, `{"kind":"server"}`, "If-Match", quoted(made.Revision))
	fx.asOperator(412, "DELETE", path+"/keys/"+made.Key.ID, "", "If-Match", quoted(made.Revision))
	fx.asOperator(412, "DELETE", path, "", "If-Match", quoted(made.Revision))

	changed := fx.asOperator(200, "PUT", path+"/keys/"+more.Key.ID, `{"kind":"server","disabled":true}`, "If-Match", quoted(more.Revision))
	got = fx.asOperator(200, "GET", path, "")
	if diff := cmp.Diff(append(want, writeKeyItem{ID: more.Key.ID, Kind: "server", Disabled: true}), got.Keys); diff != "" || got.Revision != changed.Revision {
		t.Errorf("%s %s", diff, got.raw)
	}
	for _, missing := range []string{"000000000000", "x", "..", "%2F", "a%20b"} {
		fx.asOperator(404, "PUT", path+"/keys/"+missing, `{"kind":"server"}`)
		fx.asOperator(404, "DELETE", path+"/keys/"+missing, "")
		fx.asOperator(404, "POST", path+"/keys", fmt.Sprintf(`{"replaces":%q}`, missing))
	}
	fx.asOperator(200, "DELETE", path+"/keys/"+more.Key.ID, "")
	if got = fx.asOperator(200, "GET", path, ""); len(got.Keys) != 1 {
		t.Errorf("%s", got.raw)
	}
	fx.asOperator(428, "DELETE", path, "")
	fx.asOperator(200, "DELETE", path, "", "If-Match", quoted(got.Revision))
	for method, body := range map[string]string{"GET": "", "DELETE": ""} {
		fx.asOperator(404, method, path, body, "If-Match", "*")
	}
	fx.asOperator(404, "POST", path+"/keys", `{"kind":"server"}`)
	if list := fx.asOperator(200, "GET", "/v1/applications", ""); string(list.Applications) != "[]" {
		t.Errorf("%s", list.raw)
	}
}

// A rotated key stays valid for the overlap, beside its replacement.
func TestRotatedKeyStaysValidForTheOverlap(t *testing.T) {
	fx := newFixture(t)
	made := fx.asOperator(201, "POST", "/v1/applications", `{"name":"site","kind":"browser","origins":["https://a.example"],"events_per_second":5}`)
	next := fx.asOperator(201, "POST", "/v1/applications/site/keys", `{"replaces":"`+made.Key.ID+`","overlap":"24h"}`)
	if next.Key.Secret == made.Key.Secret || next.Key.Kind != "browser" || next.Key.EventsPerSecond != 5 || len(next.Key.Origins) != 1 || next.Key.ExpiresAt != "" {
		t.Errorf("%s", next.raw)
	}
	got := fx.asOperator(200, "GET", "/v1/applications/site", "")
	for _, k := range got.Keys {
		if k.ID != made.Key.ID {
			continue
		}
		if at, err := time.Parse(time.RFC3339, k.ExpiresAt); err != nil || time.Until(at) < 23*time.Hour || time.Until(at) > 25*time.Hour {
			t.Errorf("the replaced key expires at %q", k.ExpiresAt)
		}
	}
	for _, body := range []string{
		`{"replaces":"` + next.Key.ID + `","kind":"server"}`, `{"overlap":"1h"}`, `{"overlap":"1h","kind":"server"}`, `{}`, `{"replaces":""}`, `{"replaces":"","kind":"server"}`,
		`{"replaces":1}`, `{"replaces":"` + next.Key.ID + `","overlap":"-1h"}`, `{"replaces":"` + next.Key.ID + `","overlap":1}`,
	} {
		if f := fx.asOperator(422, "POST", "/v1/applications/site/keys", body); f.Code != "invalid_declaration" || len(f.Faults) == 0 {
			t.Errorf("%s: %s", body, f.raw)
		}
	}
}

// The declaration of an application has the form of its file.
func TestPutsApplicationDeclaration(t *testing.T) {
	fx := newFixture(t)
	sum := fmt.Sprintf("%x", sha256.Sum256([]byte("a secret of the site")))
	declaration := `{"keys":[{"sha256":"` + sum + `","kind":"server","events_per_second":7}]}`
	first := fx.asOperator(201, "PUT", "/v1/applications/site", declaration)
	if same := fx.asOperator(200, "PUT", "/v1/applications/site", declaration, "If-Match", quoted(first.Revision)); same.Revision != first.Revision {
		t.Errorf("%s", same.raw)
	}
	got := fx.asOperator(200, "GET", "/v1/applications/site", "")
	if len(got.Keys) != 1 || got.Keys[0].ID != sum[:12] || got.Keys[0].EventsPerSecond != 7 || strings.Contains(got.raw, sum) {
		t.Errorf("%s", got.raw)
	}
	fx.asOperator(412, "PUT", "/v1/applications/site", `{"keys":[]}`)
	fx.asOperator(200, "PUT", "/v1/applications/site", `{"keys":[]}`, "If-Match", "*")
	fx.asOperator(412, "PUT", "/v1/applications/nowhere", `{"keys":[]}`, "If-Match", "*")
	f := fx.asOperator(422, "PUT", "/v1/applications/other", `{"keys":[{"sha256":"the-secret-itself","kind":"x"},{"kind":"browser","more":1}],"x":1}`)
	if len(f.Faults) < 5 || strings.Contains(f.raw, "the-secret-itself") {
		t.Errorf("%s", f.raw)
	}
}

// Invalid bodies: every fault is listed, and nothing is created.
func TestRejectsInvalidApplications(t *testing.T) {
	fx := newFixture(t)
	for body, faults := range map[string]int{
		``: 1, `{`: 1, `[]`: 1, `null`: 1, `"x"`: 1, `{}`: 2, `{"name":"a","name":"b","kind":"server"}`: 1, "{\"name\":\"\xff\"}": 1,
		`{"name":"site"}`: 1, `{"name":1,"kind":2,"origins":3,"disabled":4,"expires_at":5,"events_per_second":"6","bytes_per_second":7.5,"x":8}`: 8,
		`{"name":"a","kind":"server","sha256":"x"}`: 1, `{"name":"Site","kind":"server"}`: 1, `{"name":"a.b","kind":"server"}`: 1,
		`{"name":"site","kind":"other"}`: 1, `{"name":"site","kind":"browser"}`: 1, `{"name":"site","kind":"browser","origins":[]}`: 1,
		`{"name":"site","kind":"browser","origins":["*"]}`: 1, `{"name":"site","kind":"server","origins":["https://a.example"]}`: 1,
		`{"name":"site","kind":"server","events_per_second":-1}`: 1, `{"name":"site","kind":"server","events_per_second":1e3}`: 1,
		`{"name":"site","kind":"server","expires_at":"tomorrow"}`: 1, `{"name":"site","kind":"server"} x`: 1, strings.Repeat("[", 200): 1,
	} {
		f := fx.asOperator(422, "POST", "/v1/applications", body)
		if f.Code != "invalid_declaration" || len(f.Faults) < faults {
			t.Errorf("%s: %s", body, f.raw)
		}
	}
	for _, name := range []string{"A", "a.b", "a%2Fb", "*", "%3E", "a%20b", strings.Repeat("a", 33), "..", "$KV", "%FF"} {
		for _, method := range []string{"GET", "PUT", "DELETE"} {
			f := fx.asOperator(400, method, "/v1/applications/"+name, `{"keys":[]}`)
			if f.Code != "invalid_parameter" {
				t.Errorf("%s %s: %s", method, name, f.raw)
			}
		}
	}
	if list := fx.asOperator(http.StatusOK, "GET", "/v1/changes", ""); len(list.Changes) != 0 {
		t.Errorf("%s", list.raw)
	}
}
