package schema

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/event"
)

func TestReadKeepsTypesAndNumbers(t *testing.T) {
	got, faults := Read([]byte(` {"a": [1.50, -0, 12345678901234567890], "b": {"c": null, "d": true, "é": "\u00e9\n"}, "": []} `))
	want := map[string]any{
		"a": []any{json.Number("1.50"), json.Number("-0"), json.Number("12345678901234567890")},
		"b": map[string]any{"c": nil, "d": true, "é": "é\n"},
		"":  []any{},
	}
	if diff := cmp.Diff(want, got); diff != "" || len(faults) > 0 {
		t.Errorf("tree (-want +got):\n%s%v", diff, faults)
	}
}

// Each limit is inclusive.
func TestReadLimitsDeclarations(t *testing.T) {
	for name, c := range map[string]struct {
		longest, tooLong string
		code, path       string
	}{
		"bytes":    {`"` + strings.Repeat("x", MaxBytes-2) + `"`, `"` + strings.Repeat("x", MaxBytes-1) + `"`, event.CodeTooLarge, ""},
		"depth":    {nested(MaxDepth), nested(MaxDepth + 1), event.CodeTooDeep, strings.Repeat("/a", MaxDepth)},
		"elements": {`[` + list(MaxValues-1, "1") + `]`, `[` + list(MaxValues, "1") + `]`, event.CodeTooLarge, "/9998"},
		"members":  {`{` + list(3999, `"%d":1`) + `}`, `{"a":[` + list(MaxValues-1, "1") + `]}`, event.CodeTooLarge, "/a/9997"},
	} {
		if tree, faults := Read([]byte(c.longest)); tree == nil || len(faults) > 0 {
			t.Errorf("%s at the limit: %v", name, faults)
		}
		tree, faults := Read([]byte(c.tooLong))
		if tree != nil || len(faults) != 1 || faults[0].Code != c.code || faults[0].Path != c.path {
			t.Errorf("%s over the limit: %.200v, want one %s at %.20s", name, faults, c.code, c.path)
		}
	}
}

func TestReadFaultsSayWhereAndWhy(t *testing.T) {
	for raw, want := range map[string][]event.Fault{
		``:                {{Code: event.CodeInvalidJSON, Message: "the document ends too early"}},
		`{"a": [1, x]}`:   {{Code: event.CodeInvalidJSON, Path: "/a/0", Message: "not JSON from byte 10 on"}},
		`{"a": 1} {}`:     {{Code: event.CodeInvalidJSON, Message: "something follows the document"}},
		`{"a": 1, "a":2}`: {{Code: event.CodeDuplicateKey, Path: "/a", Message: "an object has the same member twice"}},
		`{"a": 1e309, "b": [0, 1e999]}`: {
			{Code: event.CodeNumberOutOfRange, Path: "/a", Message: "the number is over the largest double, 1.7976931348623157e308"},
			{Code: event.CodeNumberOutOfRange, Path: "/b/1", Message: "the number is over the largest double, 1.7976931348623157e308"},
		},
	} {
		_, faults := Read([]byte(raw))
		if diff := cmp.Diff(want, faults); diff != "" {
			t.Errorf("Read(%s) (-want +got):\n%s", raw, diff)
		}
	}
}

func TestLocationReadsMembersInTheirOrder(t *testing.T) {
	var faults []event.Fault
	root := Location{Faults: &faults}
	at := root.At("a/b").At("0")
	var read []string
	known := map[string]func(any){}
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		known[name] = func(v any) { read = append(read, name+v.(string)) }
	}
	at.Object(map[string]any{"f": "1", "b": "2", "~": "3", "a": "4", "": "5", "d": "6"}, known)
	root.Object([]any{}, known)
	at.Faultf("is %d", 7)
	if diff := cmp.Diff([]string{"a4", "b2", "d6", "f1"}, read); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
	want := []event.Fault{
		{Code: CodeInvalidDeclaration, Path: "/a~1b/0/", Message: "is not a known member"},
		{Code: CodeInvalidDeclaration, Path: "/a~1b/0/~0", Message: "is not a known member"},
		{Code: CodeInvalidDeclaration, Path: "", Message: "must be an object"},
		{Code: CodeInvalidDeclaration, Path: "/a~1b/0", Message: "is 7"},
	}
	if diff := cmp.Diff(want, faults); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}
