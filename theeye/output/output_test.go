package output

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"
)

// failingWriter fails each time with another error.
type failingWriter struct{ writes int }

func (w *failingWriter) Write([]byte) (int, error) {
	w.writes++
	return 0, writeError(w.writes)
}

type writeError int

func (e writeError) Error() string { return fmt.Sprintf("write %d failed", int(e)) }

func TestLinesAreSafeAndApartFromRemarks(t *testing.T) {
	var out, errs bytes.Buffer
	p := &Printer{Out: &out, Err: &errs}
	if err := p.Linef("event %s of\n%d", "\x1b[2J", 2); err != nil {
		t.Fatal(err)
	}
	if err := p.Lines([]string{"100%s", "\u202e"}); err != nil {
		t.Fatal(err)
	}
	p.Remarkf("remark %s", "\r\x1b[2J")
	if want := "event \\x1b[2J of\n2\n100%s\n\\u202e\n"; out.String() != want {
		t.Errorf("result %q, want %q", out.String(), want)
	}
	if want := "remark \\r\\x1b[2J\n"; errs.String() != want {
		t.Errorf("remarks %q, want %q", errs.String(), want)
	}
}

// A command whose result cannot be printed must fail.
func TestFailedWriteIsReported(t *testing.T) {
	for name, print := range map[string]func(*Printer) error{
		"line":     func(p *Printer) error { return p.Linef("x") },
		"lines":    func(p *Printer) error { return p.Lines([]string{"x", "y"}) },
		"value":    func(p *Printer) error { return p.Value(1) },
		"document": func(p *Printer) error { return p.Document("{}") },
		"table":    func(p *Printer) error { p.Table([]string{"A"}, nil); return p.Finish() },
		"tables": func(p *Printer) error {
			table := p.NewTable([]string{"A"})
			table.Append(nil)
			table.Append([][]string{{"x"}})
			p.Table([]string{"B"}, nil)
			return p.Finish()
		},
	} {
		w := &failingWriter{}
		if err := print(&Printer{Out: w}); !errors.Is(err, writeError(1)) {
			t.Errorf("%s: %v, want the first error", name, err)
		}
		if name == "lines" && w.writes != 1 {
			t.Errorf("%d lines were written after an error", w.writes-1)
		}
	}
	p := &Printer{Out: &bytes.Buffer{}}
	if p.Table([]string{"A"}, nil); p.Finish() != nil {
		t.Errorf("%v without a failure", p.Finish())
	}
}

func TestDocumentKeepsItsLinesAndIsSafe(t *testing.T) {
	var out bytes.Buffer
	if err := (&Printer{Out: &out}).Document("{\n  \"a\": \"\u009b\"\n}\n"); err != nil || out.String() != "{\n  \"a\": \"\\u009b\"\n}\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
}

func TestValueIsOneLineWithUnchangedNumbers(t *testing.T) {
	for _, c := range []struct {
		v    any
		want string
	}{
		{map[string]int{"a": 1}, `{"a":1}`},
		{jsontext.Value("{ \"n\" : 12345678901234567890.10,\n \"e\": 1E400 }"), `{"n":12345678901234567890.10,"e":1E400}`},
		{jsontext.Value("\"\u009b2J\x7f\u00a0é\u2028\""), "\"\\u009b2J\\u007f\u00a0é\u2028\""},
		{jsontext.Value(`"\u001b"`), `"\u001b"`},
	} {
		var out bytes.Buffer
		if err := (&Printer{Out: &out}).Value(c.v); err != nil || out.String() != c.want+"\n" {
			t.Errorf("%v: %q, %v", c.v, out.String(), err)
		}
	}
	kept := jsontext.Value(`{ "a": 1 }`)
	if err := (&Printer{Out: &bytes.Buffer{}}).Value(kept); err != nil || string(kept) != `{ "a": 1 }` {
		t.Errorf("the value became %s, %v", kept, err)
	}
	if err := (&Printer{Out: &bytes.Buffer{}}).Value(jsontext.Value("<html>")); err == nil {
		t.Error("printed a text that is not JSON")
	}
}

// Scripts and documents compare output: the members of a map come in one order.
func TestMembersOfAMapAreInOrder(t *testing.T) {
	var out bytes.Buffer
	p := &Printer{Out: &out}
	for range 50 {
		out.Reset()
		if err := p.Value(map[string]any{"a": 1, "b": 2, "c": 3, "d": 4}); err != nil || out.String() != `{"a":1,"b":2,"c":3,"d":4}`+"\n" {
			t.Fatalf("printed %s, %v", out.String(), err)
		}
	}
}

func TestEscapedControlsKeepTheValue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := strings.ToValidUTF8(rapid.OneOf(rapid.String(), rapid.StringOf(rapid.RuneFrom(nil, unicode.Cc))).Draw(t, "text"), "")
		quoted, err := jsontext.AppendQuote(nil, text)
		if err != nil {
			t.Fatal(err)
		}
		b := escapeControls(quoted)
		if i := bytes.IndexFunc(b, unicode.IsControl); i >= 0 {
			t.Fatalf("%q has a control at %d", b, i)
		}
		back, err := jsontext.AppendUnquote(nil, b)
		if err != nil || string(back) != text {
			t.Fatalf("%q became %q, %v", text, back, err)
		}
	})
}
