package cmd

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A transcript is a terminal session:
//
//	# What this shows.
//	$ theeye send two.ndjson
//	accepted 1, refused 1
//	line 2: not_object: [..]
//	? 1
//
// A command follows "$ ", or "$? " if it is repeated until its output matches,
// because events are stored a moment after they are sent. Its output follows,
// standard output and standard error together: [..] matches any text within a
// line, and a line of ... matches any number of lines. "? N" is an exit code
// other than 0.
type transcript struct {
	steps []transcriptStep
	end   []string // lines behind the last step
}

// transcriptStep is one command. lead are the comments and blank lines before it.
type transcriptStep struct {
	lead    []string
	number  int // of the line
	command string
	repeat  bool
	want    []string
	code    int
}

func parseTranscript(text string) (*transcript, error) {
	var tr transcript
	var lead []string
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		last := len(tr.steps) - 1
		switch prompt, rest, _ := strings.Cut(line, " "); {
		case prompt == "$" || prompt == "$?":
			tr.steps = append(tr.steps, transcriptStep{lead: lead, number: i + 1, command: rest, repeat: prompt == "$?"})
			lead = nil
		case prompt == "#":
			lead = append(lead, line)
		case line == "":
			lead = append(lead, line) // of the output, when more of it follows
		case last < 0:
			return nil, fmt.Errorf("line %d: output before the first command", i+1)
		case prompt == "?":
			code, err := strconv.Atoi(rest)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", i+1, err)
			}
			tr.steps[last].code = code
		default:
			if slices.ContainsFunc(lead, func(l string) bool { return l != "" }) {
				return nil, fmt.Errorf("line %d: output below a comment", i+1)
			}
			tr.steps[last].want = append(append(tr.steps[last].want, lead...), line)
			lead = nil
		}
	}
	tr.end = lead
	return &tr, nil
}

// String is the text that parseTranscript read.
func (tr *transcript) String() string {
	var b strings.Builder
	write := func(lines ...string) {
		for _, line := range lines {
			b.WriteString(line + "\n")
		}
	}
	for _, s := range tr.steps {
		write(s.lead...)
		prompt := "$ "
		if s.repeat {
			prompt = "$? "
		}
		write(prompt + s.command)
		write(s.want...)
		if s.code != 0 {
			write("? " + strconv.Itoa(s.code))
		}
	}
	write(tr.end...)
	return b.String()
}

// matches reports whether the lines got match the pattern want.
func matches(want, got []string) bool {
	switch {
	case len(want) == 0:
		return len(got) == 0
	case want[0] == "...":
		return matches(want[1:], got) || len(got) > 0 && matches(want, got[1:])
	}
	return len(got) > 0 && matchesLine(want[0], got[0]) && matches(want[1:], got[1:])
}

func matchesLine(want, got string) bool {
	parts := strings.Split(want, "[..]")
	for i, p := range parts {
		parts[i] = regexp.QuoteMeta(p)
	}
	return regexp.MustCompile("^" + strings.Join(parts, ".*") + "$").MatchString(got)
}

// outputLines returns the lines of an output without trailing spaces.
func outputLines(out string) []string {
	if out == "" {
		return nil
	}
	lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " ")
	}
	return lines
}

// volatile matches text that differs from run to run: addresses, the present
// time, and ids that are made from it or at random. Ids that are derived from
// events of the past are always the same.
var volatile = regexp.MustCompile(`\b(?:` +
	`[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}` +
	`|0(?:19|1[a-f]|[2-9a-f][0-9a-f])[0-9a-f]{5}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}` +
	`|[0-9a-f]{17}` + // a job
	`|A[A-Za-z][0-9A-Za-z_-]{40,}` + // a cursor
	`|(?:202[4-9]|20[3-9]\d)-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z` +
	`|127\.0\.0\.1:\d+)\b`)

// recordOutput replaces the expectation by the output, with [..] for volatile
// text.
func (s *transcriptStep) recordOutput(got []string, code int) {
	if matches(s.want, got) {
		got = s.want
	}
	s.want, s.code = make([]string, len(got)), code
	for i, line := range got {
		s.want[i] = volatile.ReplaceAllString(line, "[..]")
	}
}

func TestPatternsMatchLines(t *testing.T) {
	for _, c := range []struct {
		want, got string
		ok        bool
	}{
		{"", "", true},
		{"", "a", false},
		{"a", "", false},
		{"a\nb", "a\nb", true},
		{"a\nb", "b\na", false},
		{"a", "a\nb", false},
		{"a.c", "abc", false},
		{"[..]", "", false},
		{"a [..] c", "a b\tb c", true},
		{"a [..] c", "a c", false},
		{"[..]a[..]", "a", true},
		{"a[..]", "a\nb", false},
		{"...", "", true},
		{"...", "a\nb", true},
		{"a\n...\nb", "a\nb", true},
		{"a\n...\nb", "a\nb\nb\nb", true},
		{"a\n...\nb", "a\nb\nc", false},
		{"...\nb\n...", "a\nb\nc", true},
	} {
		if ok := matches(outputLines(c.want), outputLines(c.got)); ok != c.ok {
			t.Errorf("%q matches %q: %t", c.want, c.got, ok)
		}
	}
}

func TestTranscriptIsParsedAndWritten(t *testing.T) {
	const text = "# a\n\n$ one\nx\n\ny\n? 2\n\n# b\n$? two --c 'd'\n$ three\nz\n\n# end\n"
	tr, err := parseTranscript(text)
	if err != nil {
		t.Fatal(err)
	}
	want := []transcriptStep{
		{lead: []string{"# a", ""}, number: 3, command: "one", want: []string{"x", "", "y"}, code: 2},
		{lead: []string{"", "# b"}, number: 10, command: "two --c 'd'", repeat: true},
		{number: 11, command: "three", want: []string{"z"}},
	}
	if d := cmp.Diff(want, tr.steps, cmp.AllowUnexported(transcriptStep{})); d != "" {
		t.Error(d)
	}
	if tr.String() != text {
		t.Errorf("comes back as:\n%s", tr)
	}
	for _, wrong := range []string{"x\n", "? 1\n", "$ a\n? x\n", "$ a\n# b\nc\n"} {
		if _, err := parseTranscript(wrong); err == nil {
			t.Errorf("%q was read", wrong)
		}
	}
}

func TestRecordKeepsMatchingPatternsAndHidesVolatileText(t *testing.T) {
	s := transcriptStep{want: []string{"took [..] s"}, code: 1}
	s.recordOutput([]string{"took 5 s"}, 0)
	if s.want[0] != "took [..] s" || s.code != 0 {
		t.Errorf("%q %d", s.want, s.code)
	}
	s.recordOutput([]string{
		"2026-11-24T01:30:17.368000Z  2021-01-01T09:15:20.243860Z  http://127.0.0.1:4711/x",
		"019ab0de-dd33-7aff-9ae6-1a3ab16c5f7b 0176bd3a-dd33-7aff-9ae6-1a3ab16c5f7b 9f3c1f62-57a8-4f0e-9b1e-0242ac120002",
	}, 3)
	if d := cmp.Diff([]string{
		"[..]  2021-01-01T09:15:20.243860Z  http://[..]/x",
		"[..] 0176bd3a-dd33-7aff-9ae6-1a3ab16c5f7b [..]",
	}, s.want); d != "" || s.code != 3 {
		t.Error(d, s.code)
	}
}
