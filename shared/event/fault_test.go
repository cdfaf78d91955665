package event_test

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/theeye/theeye/shared/event"
)

func TestPointerEscapesTokens(t *testing.T) {
	for _, c := range []struct {
		want   string
		tokens []string
	}{
		{"", nil},
		{"/data", []string{"data"}},
		{"/data/a~1b/m~0n/0/", []string{"data", "a/b", "m~n", "0", ""}},
		{"/~01", []string{"~1"}},
	} {
		if got := event.Pointer(c.tokens...); got != c.want {
			t.Errorf("Pointer(%q) = %q, want %q", c.tokens, got, c.want)
		}
	}
}

// The pointer is read back by an independent parser of JSON pointers.
func TestPointerKeepsTokens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tokens := rapid.SliceOf(rapid.StringOf(rapid.SampledFrom([]rune("ab~/01é\"")))).Draw(t, "tokens")
		var got []string
		for token := range jsontext.Pointer(event.Pointer(tokens...)).Tokens() {
			got = append(got, token)
		}
		if !slices.Equal(got, tokens) {
			t.Fatalf("Pointer(%q) has the tokens %q", tokens, got)
		}
	})
}

func faults(n int, message string) []event.Fault {
	list := make([]event.Fault, n)
	for i := range list {
		list[i] = event.Fault{Code: event.CodeSchemaViolation, Path: "/data", Message: message}
	}
	return list
}

func TestBoundFaultsCutsListsAndTexts(t *testing.T) {
	if got := event.BoundFaults(nil); len(got) != 0 {
		t.Errorf("nothing became %v", got)
	}
	twenty := faults(event.MaxFaults, "short")
	if diff := cmp.Diff(twenty, event.BoundFaults(twenty)); diff != "" {
		t.Errorf("within the bounds, but changed:\n%s", diff)
	}
	got := event.BoundFaults(faults(100_000, "short"))
	last := got[len(got)-1]
	if len(got) != event.MaxFaults || last.Message != "99981 more faults are not listed" || last.Code != event.CodeSchemaViolation {
		t.Errorf("%d faults, the last is %v", len(got), last)
	}
	long := faults(1, "x"+strings.Repeat("é", event.MaxFaultBytes))
	got = event.BoundFaults(long)
	if m := got[0].Message; len(got) != 1 || len(m) > 512 || !strings.HasSuffix(m, "é…") {
		t.Errorf("a long message became %q", got)
	}
	if len(long[0].Message) < event.MaxFaultBytes {
		t.Error("the argument was changed")
	}
	if got = event.BoundFaults(faults(1, "a\xffb")); got[0].Message != "a\uFFFDb" {
		t.Errorf("bad UTF-8 became %q", got)
	}
}

// Both limits of bytes are inclusive.
func TestBoundFaultsKeepsFaultsAtTheLimits(t *testing.T) {
	longest := strings.Repeat("x", 512)
	one := []event.Fault{{Code: event.CodeInvalidData, Path: longest, Message: longest}}
	if diff := cmp.Diff(one, event.BoundFaults(one)); diff != "" {
		t.Errorf("texts of 512 bytes were changed:\n%s", diff)
	}
	full := make([]event.Fault, event.MaxFaultBytes/512)
	for i := range full {
		full[i] = event.Fault{Code: event.CodeInvalidData, Message: longest[len(event.CodeInvalidData):]}
	}
	if diff := cmp.Diff(full, event.BoundFaults(full)); diff != "" {
		t.Errorf("faults of %d bytes were changed:\n%s", event.MaxFaultBytes, diff)
	}
}

func TestBoundFaultsNamesTheFirstOmittedCode(t *testing.T) {
	for name, c := range map[string]struct {
		kept    int
		message string
	}{
		"too many faults": {event.MaxFaults - 1, "short"},
		"too many bytes":  {10, strings.Repeat("x", 370)},
	} {
		list := append(faults(c.kept, c.message), event.Fault{Code: event.CodeInvalidName, Message: c.message})
		list = append(list, faults(5, c.message)...)
		want := append(faults(c.kept, c.message), event.Fault{Code: event.CodeInvalidName, Message: "6 more faults are not listed"})
		if diff := cmp.Diff(want, event.BoundFaults(list)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// The last fault, which counts those left out, must fit when the limit of bytes is
// reached before that of the count.
func TestBoundFaultsKeepsRoomForTheLastFault(t *testing.T) {
	for size := 400; size <= 1020; size += 5 {
		text := strings.Repeat("x", (size-len(event.CodeInvalidData))/2)
		list := make([]event.Fault, 15)
		for i := range list {
			list[i] = event.Fault{Code: event.CodeInvalidData, Path: text, Message: text}
		}
		total := 0
		for _, f := range event.BoundFaults(list) {
			total += len(f.Code) + len(f.Path) + len(f.Message)
		}
		if total > event.MaxFaultBytes {
			t.Errorf("faults of %d bytes each become %d bytes", size, total)
		}
	}
}

func TestBoundFaultsIsIdempotent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) event.Fault {
			text := rapid.OneOf(rapid.String(), rapid.Just(strings.Repeat("漢", 300)), rapid.Just("\xff\xfe"))
			return event.Fault{Code: event.CodeInvalidData, Path: text.Draw(t, "path"), Message: text.Draw(t, "message")}
		}), 0, 40).Draw(t, "faults")
		got := event.BoundFaults(list)
		size := 0
		for _, f := range got {
			size += len(f.Code) + len(f.Path) + len(f.Message)
			if !utf8.ValidString(f.Path + f.Message) {
				t.Fatalf("%q is no UTF-8", f)
			}
		}
		if len(got) > event.MaxFaults || size > event.MaxFaultBytes || (len(got) == 0) != (len(list) == 0) {
			t.Fatalf("%d faults of %d bytes", len(got), size)
		}
		if diff := cmp.Diff(got, event.BoundFaults(got)); diff != "" {
			t.Fatalf("bounding twice changes it:\n%s", diff)
		}
	})
}

func TestErrorsNameTheirCodeAndOffset(t *testing.T) {
	for err, want := range map[error]string{
		&event.Refusal{Code: event.CodeTooDeep, Message: "it nests too deep"}: "too_deep: it nests too deep",
		&event.SyntaxError{Offset: 7, Reason: "unexpected }"}:                 "not valid JSON at byte 7: unexpected }",
	} {
		if got := err.Error(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
