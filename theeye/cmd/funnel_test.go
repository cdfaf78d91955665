package cmd

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/api"
)

func TestParseStep(t *testing.T) {
	for text, want := range map[string]api.FunnelStepRequest{
		"shop / purchase":              {Category: "shop", Name: "purchase"},
		"data.path=/a / b":             {Filters: []string{"data.path=/a / b"}},
		"data.a=1 and data.b exists":   {Filters: []string{"data.a=1", "data.b exists"}},
		"a / b / c where data.x>=1":    {Category: "a", Name: "b / c", Filters: []string{"data.x>=1"}},
		"a / b where data.x=1 and y=2": {}, // y is no field
		"pageview":                     {},
		"":                             {},
		" / x":                         {},
	} {
		got, err := parseStep(text)
		if valid := want.Category != "" || want.Filters != nil; !valid {
			if err == nil {
				t.Errorf("%q is read as %+v", text, got)
			}
			continue
		}
		want.Label = text
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%q: %v\n%s", text, err, diff)
		}
	}
}
