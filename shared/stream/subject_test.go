package stream

import (
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"pgregory.net/rapid"
)

func TestSubjectEscapesTheType(t *testing.T) {
	for _, tc := range []struct{ category, name, want string }{
		{"page interaction", "cta click", "events.demo.page=20interaction.cta=20click"},
		{"a.b", "*>", "events.demo.a=2Eb.=2A=3E"},
		{"=", "_-9Z", "events.demo.=3D._-9Z"},
		{"é", "\r\n", "events.demo.=C3=A9.=0D=0A"},
		{"long", strings.Repeat("é", 200), "events.demo.unregistered"},
	} {
		if got := Subject("demo", tc.category, tc.name); got != tc.want {
			t.Errorf("Subject(%q, %q) = %q, want %q", tc.category, tc.name, got, tc.want)
		}
	}
}

// The limit of a subject is inclusive.
func TestSubjectOverTheLimitIsUnregistered(t *testing.T) {
	room := maxSubjectBytes - len("events.demo.c.")
	if got := Subject("demo", "c", strings.Repeat("n", room)); len(got) != maxSubjectBytes {
		t.Errorf("a subject of exactly the bound became %q", got)
	}
	if got := Subject("demo", "c", strings.Repeat("n", room+1)); got != Unregistered("demo") {
		t.Errorf("a subject over the bound became %q", got)
	}
}

func TestEscapeIsReversible(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"))
		escaped := Escape(s)
		if i := strings.IndexFunc(escaped, func(r rune) bool { return r != '=' && (r > 127 || !isPlain(byte(r))) }); i >= 0 {
			t.Fatalf("Escape(%q) = %q holds a byte that is not legal in a token", s, escaped)
		}
		got, err := Unescape(escaped)
		if err != nil || got != s {
			t.Fatalf("Unescape(Escape(%q)) = %q, %v", s, got, err)
		}
	})
}

func TestUnescapeAcceptsOneForm(t *testing.T) {
	for _, token := range []string{"=", "=2", "=2g", "=2e", "a b", "=61", "a.b", "é"} {
		if s, err := Unescape(token); err == nil {
			t.Errorf("Unescape(%q) = %q, want an error", token, s)
		}
	}
}

// Of each selection that covers an event exactly one pattern matches its subject,
// and no two patterns of one selection match the same subject.
func TestSubjectsForMatchesEachSubjectOnce(t *testing.T) {
	long := strings.Repeat("ö", 100)
	values := []string{"", "a", "unregistered", "page interaction", long}
	for _, app := range []string{"", "demo"} {
		for _, category := range values {
			for _, name := range values {
				patterns := SubjectsFor(app, category, name)
				for _, s := range []struct{ subject, category, name string }{
					{Subject("demo", "a", "a"), "a", "a"},
					{Subject("demo", "unregistered", "a"), "unregistered", "a"},
					{Subject("demo", "page interaction", "unregistered"), "page interaction", "unregistered"},
					{Subject("demo", long, "a"), long, "a"},
					{Subject("demo", long, long), long, long},
					{Unregistered("demo"), category, name},
				} {
					want := (category == "" || category == s.category) && (name == "" || name == s.name)
					got := 0
					for _, p := range patterns {
						if server.SubjectsCollide(p, s.subject) {
							got++
						}
					}
					if want && got != 1 || got > 1 {
						t.Errorf("of %q %d match %s", patterns, got, s.subject)
					}
				}
			}
		}
	}
}

func TestApplicationSubjectsMatchOneApplication(t *testing.T) {
	for subject, want := range map[string]bool{
		Subject("demo", "c", "n"): true, Unregistered("demo"): true,
		Subject("demo-2", "c", "n"): false, Unregistered("dem"): false, "events.demo": false,
	} {
		if got := server.SubjectsCollide(ApplicationSubjects("demo"), subject); got != want {
			t.Errorf("%s is a subject of the application: %t", subject, got)
		}
	}
}

// The error of a form that is not escaped names the one that is.
func TestUnescapeNamesTheEscapedForm(t *testing.T) {
	for token, want := range map[string]string{
		"page interaction": "page=20interaction", "page%20interaction": "page=20interaction", "a=2f": "a=2F", "a.b": "a=2Eb",
		"a=": "a=3D", "a=2": "a=3D2", "é": "=C3=A9", "a=41": "aA", "100%": "100=25", "a/b": "a=2Fb",
	} {
		if _, err := Unescape(token); err == nil || !strings.Contains(err.Error(), `write "`+want+`"`) {
			t.Errorf("Unescape(%q): %v, want %q in it", token, err, want)
		}
	}
}
