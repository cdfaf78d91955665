package schema

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
)

// patternCases are patterns with what JavaScript (V8) finds in texts: by the flag u
// where it takes the pattern so, else without flags, else an error.
type patternCases struct {
	Texts []string
	Cases []struct {
		P, Mode string
		// Hits has a 1 for every text in which the pattern matches.
		Hits string
	}
}

// A pattern that is taken matches the same texts as in JavaScript. A pattern that
// JavaScript does not take is refused.
func TestPatternsMeanWhatJavaScriptFinds(t *testing.T) {
	raw, err := os.ReadFile("testdata/patterns.json")
	if err != nil {
		t.Fatal(err)
	}
	var table patternCases
	if err := json.Unmarshal(raw, &table); err != nil {
		t.Fatal(err)
	}
	taken := 0
	for _, c := range table.Cases {
		translated, err := translatePattern(c.P)
		switch {
		case err != nil:
			continue
		case c.Mode == "error":
			t.Errorf("%q is taken as %q, JavaScript refuses it", c.P, translated)
			continue
		}
		taken++
		compiled, err := regexp.Compile(translated)
		if err != nil {
			t.Errorf("%q becomes %q: %v", c.P, translated, err)
			continue
		}
		for i, text := range table.Texts {
			if isUnitwise(c.Mode, c.P, text) {
				continue
			}
			if got := compiled.MatchString(text); got != (c.Hits[i] == '1') {
				t.Errorf("%q, as %q, on %q: %t", c.P, translated, text, got)
			}
		}
	}
	if taken < 150 {
		t.Errorf("%d patterns say little", taken)
	}
}

// isUnitwise reports whether JavaScript compares halves of characters: without the
// flag u, and at a \B between the halves. JSON Schema means whole ones.
func isUnitwise(mode, pattern, text string) bool {
	wide := func(s string) bool { return strings.ContainsFunc(s, func(r rune) bool { return r > 0xFFFF }) }
	return mode == "plain" && (wide(pattern) || wide(text)) || strings.Contains(pattern, `\B`) && wide(text)
}

// What cannot be translated is refused with its fragment.
func TestPatternFaultsNameTheFragment(t *testing.T) {
	for pattern, fragment := range map[string]string{
		`^(?=a)b`: `"(?=a)"`, `(?!x(y))`: `"(?!x(y))"`, `(?<=a)b`: `"(?<=a)"`, `(?<!a)b`: `"(?<!a)"`,
		`(a)\1`: `"\\1"`, `(?<n>a)\k<n>`: `"\\k"`, `ab\z`: `"\\z"`, `\Aab`: `"\\A"`, `\Qa`: `"\\Q"`, `\a`: `"\\a"`,
		`\pL`: `"\\pL"`, `\x{41}`: `"\\x{41}"`, `[[:alpha:]]`: `"[:alpha:]"`, `(?i)a`: `"(?i)"`, `(?P<n>a)`: `"(?P<"`,
		`a{1001}`: `"{1001}"`, `a{,3}`: `"{,3}"`, `a**`: `"*"`, `[z-a]`: `"z-a"`, `[a-\d]`: `"a-\\d"`, `(a`: `"("`, `a)`: `")"`,
		`[a`: `"[a"`, `\u12`: `"\\u12"`, `\ud83d`: `"\\ud83d"`, `\01`: `"\\01"`, `\p{Nope}`: `"\\p{Nope}"`, `\u{41}{b}`: `"\\u{41}"`,
		`\`: `"\\"`, `(?<n>a)(?<n>b)`: `"(?<n>"`,
	} {
		raw, err := json.Marshal(map[string]any{"properties": map[string]any{"a": map[string]any{"pattern": pattern}}})
		if err != nil {
			t.Fatal(err)
		}
		_, faults := Compile(raw)
		if len(faults) != 1 || faults[0].Path != "/properties/a/pattern" || !strings.Contains(faults[0].Message, fragment+" in the pattern ") {
			t.Errorf("%q: %v, want the fragment %s", pattern, faults, fragment)
		}
	}
}

// A fault of an event quotes the pattern as it was written, and two forms of one
// pattern are two.
func TestPatternsAreQuotedAsWritten(t *testing.T) {
	s := compile(t, `{"properties": {"a": {"pattern": "^\\s\\/$"}}, "patternProperties": {"^x.$": {"type": "string"}, "^x(?:.)$": {"minLength": 2}, "^(?:x.)$": {"maxLength": 5}}}`)
	var got []string
	for _, f := range s.Validate(tree(t, `{"a": "b", "x1": "1", "x2": 2}`)) {
		got = append(got, f.Path+" "+f.Message)
	}
	want := []string{`/data/a does not match the pattern ^\s\/$`, "/data/x1 is shorter than 2 characters", "/data/x2 must be of type string, not integer"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("faults %q, want %q", got, want)
	}
}
