package queryapi_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPolicyLife(t *testing.T) {
	w := newWorld(t)
	none := w.operate(200, "GET", "/v1/policy", "")
	if none.header.Get("ETag") != `"0"` {
		t.Errorf("%s %v", none.raw, none.header)
	}
	w.operate(404, "DELETE", "/v1/policy", "", "If-Match", "*")
	w.operate(404, "GET", "/v1/policy?revision=1", "")
	// What was read without a policy is put under the ETag that it had.
	first := w.operate(201, "PUT", "/v1/policy", none.raw, "If-Match", `"0"`)
	w.operate(412, "PUT", "/v1/policy", `{"future_skew":"1m"}`, "If-Match", `"0"`)
	const strict = `{"future_skew":"1m","unknown_types":"store"}`
	second := w.operate(200, "PUT", "/v1/policy", strict, "If-Match", quoted(first.Revision), "X-Eye-Note", "stricter")
	if got := w.operate(200, "GET", "/v1/policy", ""); got.raw != strict || got.header.Get("ETag") != quoted(second.Revision) {
		t.Errorf("%s %v", got.raw, got.header)
	}
	f := w.operate(422, "PUT", "/v1/policy", `{"future_skew":"x","unknown_types":1,"more":2}`, "If-Match", quoted(second.Revision))
	if f.Code != "invalid_declaration" || len(f.Faults) != 3 {
		t.Errorf("%s", f.raw)
	}
	w.operate(428, "DELETE", "/v1/policy", "")
	gone := w.operate(200, "DELETE", "/v1/policy", "", "If-Match", quoted(second.Revision))
	if got := w.operate(200, "GET", "/v1/policy", ""); got.header.Get("ETag") != `"0"` || got.raw != none.raw {
		t.Errorf("%s %v", got.raw, got.header)
	}
	w.operate(404, "GET", "/v1/policy?revision="+strings.Trim(quoted(gone.Revision), `"`), "")
	history := w.operate(200, "GET", "/v1/policy/history", "")
	if diff := cmp.Diff([]entry{
		{Revision: gone.Revision, Author: "o", Removed: true},
		{Revision: second.Revision, Author: "o", Note: "stricter"},
		{Revision: first.Revision, Author: "o"},
	}, timeless(t, history.Versions)); diff != "" {
		t.Error(diff)
	}
	eventually(t, "the service is at the last revision", func() bool { return w.revisionMetric() == gone.Revision })
	if list := w.operate(200, "GET", "/v1/schemas", ""); list.Revision != gone.Revision {
		t.Errorf("%s", list.raw)
	}
}
