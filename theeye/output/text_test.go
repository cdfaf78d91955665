package output

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestOneLineIsSafeAndCut(t *testing.T) {
	for text, want := range map[string]string{
		"a\nb\x1b[2J":                    `a\nb\x1b[2J`,
		"bad \xff\u202e":                 "bad \ufffd\\u202e",
		strings.Repeat("é", maxInLine):   strings.Repeat("é", maxInLine),
		strings.Repeat("é", maxInLine+1): strings.Repeat("é", maxInLine) + "…",
		strings.Repeat("\n", 1<<20):      strings.Repeat(`\n`, maxInLine) + "…",
	} {
		if got := OneLine(text); got != want {
			t.Errorf("OneLine(%.40q) = %.80q, want %.80q", text, got, want)
		}
	}
}

func TestIndentedJSONKeepsItsValue(t *testing.T) {
	for raw, want := range map[string]string{
		`{"a":[1.50,{}],"b":{"c":"é\u0000"}}`: "{\n  \"a\": [\n    1.50,\n    {}\n  ],\n  \"b\": {\n    \"c\": \"é\\u0000\"\n  }\n}\n",
		`7`:                                   "7\n",
		`<html>`:                              `<html>`,
		`{"a":1`:                              `{"a":1`,
		``:                                    ``,
	} {
		argument := append(make([]byte, 0, 1024), raw...) // with room to write in place
		if got := IndentJSON(argument); got != want || string(argument) != raw {
			t.Errorf("IndentJSON(%s) = %q, want %q; the argument is %s", raw, got, want, argument)
		}
	}
}

func TestTimesAreInUTCToTheSecond(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 999_999_999, time.FixedZone("", 2*3600))
	for at, want := range map[time.Time]string{{}: "", at: "2026-01-02T01:04:05Z"} {
		if got := (&Printer{}).Time(at); got != want {
			t.Errorf("Time(%v) = %q, want %q", at, got, want)
		}
	}
}

func TestSizesHaveABinaryUnit(t *testing.T) {
	for n, want := range map[uint64]string{
		0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1536: "1.5 KiB", 10 << 20: "10.0 MiB", 5 << 30: "5.0 GiB", 3 << 40: "3.0 TiB",
		math.MaxInt64: "8388608.0 TiB", math.MaxUint64: "8388608.0 TiB",
	} {
		if got := Bytes(n); got != want {
			t.Errorf("Bytes(%d) = %s, want %s", n, got, want)
		}
	}
}

func TestSecondsAreADuration(t *testing.T) {
	for s, want := range map[float64]string{0: "0s", 0.04: "0s", 0.05: "100ms", 1.26: "1.3s", 90: "1m30s", 7200.5: "2h0m0.5s"} {
		if got := Seconds(s); got != want {
			t.Errorf("Seconds(%v) = %s, want %s", s, got, want)
		}
	}
}

func TestPrefixOfAShortIDIsTheID(t *testing.T) {
	for n, want := range map[int]string{0: "", 3: "abc", 4: "abcd", 5: "abcd"} {
		if got := Prefix("abcd", n); got != want {
			t.Errorf("Prefix(%d) = %q, want %q", n, got, want)
		}
	}
}
