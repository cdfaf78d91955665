package schema

import (
	"fmt"
	"strings"
	"testing"

	"github.com/theeye/theeye/shared/event"
)

// An unknown type is named, with the known one that was probably meant.
func TestUnknownTypeNamesTheNearest(t *testing.T) {
	many := map[Type]Versioned{pageview: {}, {"page interaction", "cta click"}: {}, {"a/b", "c/d"}: {}}
	for i := range 3 * maxCandidates {
		many[Type{"category " + strings.Repeat("x", 9) + fmt.Sprint(i), "n"}] = Versioned{}
	}
	long := strings.Repeat("é", 200)
	for _, tc := range []struct{ category, name, want string }{
		{"page interaction", "pageveiw", `"page interaction" / "pageveiw" has no schema; the nearest is "page interaction" / "pageview"`},
		{"Page_Interaction", "ctaClick", `"Page_Interaction" / "ctaClick" has no schema; the nearest is "page interaction" / "cta click"`},
		{"a/b", "c/e", `"a/b" / "c/e" has no schema; the nearest is "a/b" / "c/d"`},
		{"commerce", "purchase", `"commerce" / "purchase" has no schema`},
		{long, "n", `"` + strings.Repeat("é", 40) + `…" / "n" has no schema`},
	} {
		for _, types := range []map[Type]Versioned{{pageview: {}, {"page interaction", "cta click"}: {}, {"a/b", "c/d"}: {}}, many} {
			s := NewSet(1, DefaultPolicy(), types, nil)
			v := s.Validate(sent(t, fmt.Sprintf("%q", tc.category), fmt.Sprintf("%q", tc.name), `{}`, `"2026-01-02T03:04:05Z"`), received, "demo")
			if len(v.Faults) != 1 || v.Faults[0].Message != "type "+tc.want {
				t.Errorf("of %d types: %v, want %s", len(types), v.Faults, tc.want)
			}
		}
	}
	if v := NewSet(1, DefaultPolicy(), nil, nil).Validate(sent(t, `"a"`, `"b"`, `{}`, `"2026-01-02T03:04:05Z"`), received, "demo"); len(v.Faults) != 1 {
		t.Errorf("without any type: %v", v.Faults)
	}
}

// A set with one more type knows it for comparisons, too.
func TestWithAddsToTheNearest(t *testing.T) {
	s := set(t, DefaultPolicy())
	unknown := sent(t, `"page interaction"`, `"cta clik"`, `{}`, `"2026-01-02T03:04:05Z"`)
	if m := s.Validate(unknown, received, "demo").Faults[0].Message; strings.Contains(m, "nearest") {
		t.Error(m)
	}
	next := s.With(Type{"page interaction", "cta click"}, compile(t, `{}`))
	if m := next.Validate(unknown, received, "demo").Faults[0].Message; !strings.HasSuffix(m, `"cta click"`) {
		t.Error(m)
	}
}

func TestUnknownMembersRejectByThePolicy(t *testing.T) {
	ev := sent(t, `"page interaction"`, `"pageview"`, `{"host": "h", "path": "/"}`, `"2026-01-02T03:04:05Z"`)
	ev.UnknownMembers = []event.Fault{{Code: event.CodeUnknownMember, Path: "/user_id"}}
	dropping := DefaultPolicy()
	dropping.UnknownMembers = DropUnknown
	for name, tc := range map[string]struct {
		policy Policy
		want   int
	}{"default": {DefaultPolicy(), 1}, "zero": {Policy{}, 1}, "drop": {dropping, 0}} {
		if v := set(t, tc.policy).Validate(ev, received, "demo"); len(v.Faults) != tc.want {
			t.Errorf("%s: %v", name, v.Faults)
		}
	}
}
