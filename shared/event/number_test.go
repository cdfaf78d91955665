package event_test

import (
	"bytes"
	stdjson "encoding/json"
	"math"
	"math/big"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/event/eventtest"
)

func TestNumberKindsAndTexts(t *testing.T) {
	nines := func(n int) string { return strings.Repeat("9", n) }
	for _, c := range []struct {
		text string
		kind event.Kind // 0: refused
		want string     // "": the text itself
	}{
		{"0", event.Int64, ""},
		{"-1", event.Int64, ""},
		{"9007199254740993", event.Int64, ""},
		{"999999999999999999", event.Int64, ""},
		{"9223372036854775807", event.Int64, ""},
		{"-9223372036854775808", event.Int64, ""},
		{"9223372036854775808", event.Decimal, ""},
		{"-9223372036854775809", event.Decimal, ""},
		{nines(34), event.Decimal, ""},
		{"-" + nines(34), event.Decimal, ""},
		{nines(35), event.Double, "1e+35"},
		{strings.Repeat("1", 64), event.Double, "1.1111111111111112e+63"},
		{"-0", event.Double, "-0.0"},
		{"-0.0", event.Double, ""},
		{"-0e5", event.Double, "-0.0"},
		{"1.0", event.Double, ""},
		{"1.50", event.Double, "1.5"},
		{"0.1", event.Double, ""},
		{"1e2", event.Double, "100.0"},
		{"100.0", event.Double, ""},
		{"1E+2", event.Double, "100.0"},
		{"9007199254740993.0", event.Double, "9007199254740992.0"},
		{"1e20", event.Double, "100000000000000000000.0"},
		{"1e21", event.Double, "1e+21"},
		{"1e-6", event.Double, "0.000001"},
		{"1e-7", event.Double, "1e-7"},
		{"1.5e-10", event.Double, "1.5e-10"},
		{"1e308", event.Double, "1e+308"},
		{"-1e308", event.Double, "-1e+308"},
		{"1e-308", event.Double, ""},
		{"0e-308", event.Double, "0.0"},
		{"1e0000000308", event.Double, "1e+308"},
		{"1e309", 0, ""},
		{"9e308", 0, ""},
		{"0.1e-308", event.Double, "1e-309"},
		{"2.2250738585072011e-308", event.Double, "2.225073858507201e-308"},
		{"5e-324", event.Double, ""},
		{"-4.9406564584124654e-324", event.Double, "-5e-324"},
		{"2.5e-324", event.Double, "5e-324"},
		{"0." + strings.Repeat("0", 50) + "5e-273", event.Double, "5e-324"},
		{"5" + strings.Repeat("0", 50) + "e-374", event.Double, "5e-324"},
		{"0." + strings.Repeat("0", 50) + "1e359", event.Double, "1e+308"},
		{"0e309", event.Double, "0.0"},
		{"1.7976931348623157e308", event.Double, "1.7976931348623157e+308"},
		{"2e-324", 0, ""},
		{"-1e-400", 0, ""},
		{"1e-401", 0, ""},
		{"0e401", 0, ""},
		{"1.7976931348623159e308", 0, ""},
		{strings.Repeat("1", 65), 0, ""},
		{"", 0, ""},
		{"-", 0, ""},
		{"+1", 0, ""},
		{"01", 0, ""},
		{"-01", 0, ""},
		{"1.", 0, ""},
		{".1", 0, ""},
		{"1e", 0, ""},
		{"1e+", 0, ""},
		{"1.e1", 0, ""},
		{"1x", 0, ""},
		{"1.5x", 0, ""},
		{"1e5x", 0, ""},
		{" 1", 0, ""},
		{"NaN", 0, ""},
		{"0x10", 0, ""},
		{"1_0", 0, ""},
	} {
		n, ok := event.ParseNumber([]byte(c.text))
		if ok != (c.kind != 0) || n.Kind != c.kind && ok {
			t.Errorf("ParseNumber(%s) = %+v, %t", c.text, n, ok)
		}
		if valid := event.ValidNumber([]byte(c.text)); valid != ok {
			t.Errorf("ValidNumber(%s) = %t", c.text, valid)
		}
		want := c.want
		if want == "" {
			want = c.text
		}
		if got := string(event.AppendNumber([]byte("x"), []byte(c.text))); got != "x"+want {
			t.Errorf("AppendNumber(%s) = %s, want %s", c.text, got[1:], want)
		}
	}
}

// Every limit has a text of its own, which says what would be right.
func TestExplainNumberNamesTheLimit(t *testing.T) {
	for text, want := range map[string]string{
		strings.Repeat("1", 79):        "is 79 characters long; 64 are allowed, a longer one can be sent as a string",
		"0." + strings.Repeat("3", 63): "is 65 characters long; 64 are allowed, a longer one can be sent as a string",
		"-1e309":                       "is over the largest double, 1.7976931348623157e308",
		"1e999999999999":               "is over the largest double, 1.7976931348623157e308",
		"2e-324":                       "would be rounded to 0; the smallest double is 5e-324",
		"-3e-999999999999":             "would be rounded to 0; the smallest double is 5e-324",
		"0e-401":                       "has an exponent over 400",
		"0.0e500":                      "has an exponent over 400",
	} {
		if _, ok := event.ParseNumber([]byte(text)); ok {
			t.Errorf("%s is accepted", text)
		}
		if got := event.ExplainNumber([]byte(text)); got != want {
			t.Errorf("%s %s, want %s", text, got, want)
		}
	}
}

// fataler is the part of testing.TB that checks need; *rapid.T implements it.
type fataler interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// checkNumber checks the properties of every text.
func checkNumber(tb fataler, text []byte) {
	tb.Helper()
	n, ok := event.ParseNumber(text)
	if valid := event.ValidNumber(text); valid != ok {
		tb.Fatalf("%q is valid: %t, but is parsed: %t", text, valid, ok)
	}
	if !ok {
		return
	}
	if len(n.Text) != len(text) || &n.Text[0] != &text[0] {
		tb.Fatalf("%q has the text %q, or a copy of it", text, n.Text)
	}
	if !stdjson.Valid(text) {
		tb.Fatalf("%q is no JSON", text)
	}
	kept := event.AppendNumber(nil, text)
	again, ok := event.ParseNumber(kept)
	if !ok || again.Kind != n.Kind || again.Int != n.Int ||
		math.Float64bits(again.Double) != math.Float64bits(n.Double) {
		tb.Fatalf("%s is %+v, but %s is %+v (%t)", text, n, kept, again, ok)
	}
	if twice := event.AppendNumber(nil, kept); string(twice) != string(kept) {
		tb.Fatalf("%s became %s, then %s", text, kept, twice)
	}
	exact, ok := new(big.Rat).SetString(string(text))
	if !ok {
		tb.Fatalf("big.Rat refuses %s", text)
	}
	checkValue(tb, n, kept, exact)
}

// checkValue compares a number with the exact value of its text.
func checkValue(tb fataler, n event.Number, kept []byte, exact *big.Rat) {
	tb.Helper()
	switch n.Kind {
	case event.Int64:
		if exact.Cmp(new(big.Rat).SetInt64(n.Int)) != 0 {
			tb.Fatalf("%s is not %d", exact, n.Int)
		}
	case event.Decimal:
		if exact.RatString() != string(kept) || len(strings.TrimPrefix(string(kept), "-")) > 34 {
			tb.Fatalf("%s is kept as %s", exact, kept)
		}
	case event.Double:
		if want, _ := exact.Float64(); want != n.Double {
			tb.Fatalf("%s is nearest to %v, not %v", exact, want, n.Double)
		}
		if f, err := strconv.ParseFloat(string(kept), 64); err != nil || f != n.Double {
			tb.Fatalf("%s parses to %v, want %v", kept, f, n.Double)
		}
	default:
		tb.Fatalf("kind %d", n.Kind)
	}
}

func TestNumbersKeepKindAndValue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { checkNumber(t, []byte(eventtest.NumberText().Draw(t, "text"))) })
}

// encoding/json writes the same shortest text, but no point after a whole number.
func TestDoublesAreWrittenInTheShortestForm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := math.Float64frombits(rapid.Uint64().Draw(t, "bits"))
		if math.IsNaN(f) || math.IsInf(f, 0) {
			t.Skip("a number is finite")
		}
		want, err := stdjson.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.ContainsAny(want, ".e") {
			want = append(want, ".0"...)
		}
		if got := event.AppendDouble([]byte("x"), f); string(got) != "x"+string(want) {
			t.Fatalf("%v is written as %s, want %s", f, got[1:], want)
		}
	})
}

func TestAppendNumberDoesNotAllocate(t *testing.T) {
	dst := make([]byte, 0, 64)
	text := []byte("123.456e-3")
	if n := testing.AllocsPerRun(100, func() { dst = event.AppendNumber(dst[:0], text) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzNumber(f *testing.F) {
	for _, s := range []string{"0", "-0", "1.0", "1e2", "9223372036854775808", "1e-308", "9e308", "0.1e-308", "5e-324", "2e-324", "1e21", "01", "-", "1e", "5e-7"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) { checkNumber(t, text) })
}
