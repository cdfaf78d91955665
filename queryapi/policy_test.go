package queryapi_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPolicyIsPutShownAndRemoved(t *testing.T) {
	fx := newFixture(t)
	none := fx.asOperator(200, "GET", "/v1/policy", "")
	if none.header.Get("ETag") != `"0"` {
		t.Errorf("%s %v", none.raw, none.header)
	}
	fx.asOperator(404, "DELETE", "/v1/policy", "", "If-Match", "*")
	fx.asOperator(404, "GET", "/v1/policy?revision=1", "")
	// The default policy is put under the ETag with which it was read.
	first := fx.asOperator(201, "PUT", "/v1/policy", none.raw, "If-Match", `"0"`)
	fx.asOperator(412, "PUT", "/v1/policy", `{"future_skew":"1m"}`, "If-Match", `"0"`)
	const strict = `{"future_skew":"1m","unknown_types":"store"}`
	second := fx.asOperator(200, "PUT", "/v1/policy", strict, "If-Match", quoted(first.Revision), "X-Eye-Note", "stricter")
	if got := fx.asOperator(200, "GET", "/v1/policy", ""); got.raw != strict || got.header.Get("ETag") != quoted(second.Revision) {
		t.Errorf("%s %v", got.raw, got.header)
	}
	f := fx.asOperator(422, "PUT", "/v1/policy", `{"future_skew":"x","unknown_types":1,"more":2}`, "If-Match", quoted(second.Revision))
	if f.Code != "invalid_declaration" || len(f.Faults) != 3 {
		t.Errorf("%s", f.raw)
	}
	fx.asOperator(428, "DELETE", "/v1/policy", "")
	gone := fx.asOperator(200, "DELETE", "/v1/policy", "", "If-Match", quoted(second.Revision))
	if got := fx.asOperator(200, "GET", "/v1/policy", ""); got.header.Get("ETag") != `"0"` || got.raw != none.raw {
		t.Errorf("%s %v", got.raw, got.header)
	}
	fx.asOperator(404, "GET", "/v1/policy?revision="+strings.Trim(quoted(gone.Revision), `"`), "")
	history := fx.asOperator(200, "GET", "/v1/policy/history", "")
	if diff := cmp.Diff([]entry{
		{Revision: gone.Revision, Author: "o", Removed: true},
		{Revision: second.Revision, Author: "o", Note: "stricter"},
		{Revision: first.Revision, Author: "o"},
	}, timeless(t, history.Versions)); diff != "" {
		t.Error(diff)
	}
	eventually(t, "the service is at the last revision", func() bool { return fx.revisionMetric() == gone.Revision })
	if list := fx.asOperator(200, "GET", "/v1/schemas", ""); list.Revision != gone.Revision {
		t.Errorf("%s", list.raw)
	}
}
