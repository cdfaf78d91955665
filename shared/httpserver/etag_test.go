package httpserver

import (
	"net/http"
	"testing"
)

func TestIfNoneMatchIsAListOfTags(t *testing.T) {
	for _, c := range []struct {
		etag   string
		header []string
		want   bool
	}{
		{`"a"`, nil, false},
		{`"a"`, []string{""}, false},
		{`"a"`, []string{`"a"`}, true},
		{`"a"`, []string{`"b"`}, false},
		{`"a"`, []string{`a`}, false},
		{`"a"`, []string{`"a`}, false},
		{`"a"`, []string{`W/"a"`}, true},
		{`W/"a"`, []string{`"a"`}, true},
		{`W/"a"`, []string{`W/"a"`}, true},
		{`"a"`, []string{`w/"a"`}, false},
		{`"a"`, []string{`*`}, true},
		{`"a"`, []string{` * `}, true},
		{`"a"`, []string{`"*"`}, false},
		{`"a"`, []string{`"b", "c" ,	"a"`}, true},
		{`"a"`, []string{`"b",W/"c",`, `,"a"`}, true},
		{`"a"`, []string{`"b","c"`}, false},
		{`"a,b"`, []string{`"c", "a,b"`}, true},
		{`"b"`, []string{`"a,b"`}, false},
		{`"b"`, []string{`"a, "b"`}, false},
		{`""`, []string{`""`}, true},
	} {
		if got := MatchesNone(http.Header{"If-None-Match": c.header}, c.etag); got != c.want {
			t.Errorf("%s of %q: %t", c.etag, c.header, got)
		}
	}
}
