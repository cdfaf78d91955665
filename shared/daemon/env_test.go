package daemon

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestEnvReads(t *testing.T) {
	e := NewEnv([]string{"EYE_S=text=with", "EYE_N=7", "EYE_D=90s", "EYE_B=3MiB", "EYE_T=true", "EYE_EMPTY=", "PATH=/bin"})
	got := []any{
		e.String("EYE_S", "-"), e.String("EYE_EMPTY", "default"), e.Required("EYE_S"),
		e.Int("EYE_N", 1), e.Int("EYE_N2", 1),
		e.Bool("EYE_T", false), e.Bool("EYE_T2", false), e.Bool("EYE_T3", true),
		e.Duration("EYE_D", time.Second), e.Duration("EYE_D2", time.Second),
		e.Bytes("EYE_B", 1), e.Bytes("EYE_B2", 1), e.String("PATH", "unseen"),
	}
	want := []any{
		"text=with", "default", "text=with", 7, 1, true, false, true, 90 * time.Second, time.Second,
		int64(3 << 20), int64(1), "unseen",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if err := e.Err(); err != nil {
		t.Errorf("Err = %v", err)
	}
}

// A person mends all faults in one go, so all are told in one go.
func TestEnvReportsEveryFault(t *testing.T) {
	e := NewEnv([]string{"EYE_N=seven", "EYE_D=-1s", "EYE_B=10GB", "EYE_N2=-1", "EYE_T=maybe", "EYE_LOG_LEVEL=loud"})
	e.Required("EYE_R")
	if e.Int("EYE_N", 1) != 1 || e.Duration("EYE_D", 2) != 2 || e.Bytes("EYE_B", 3) != 3 || e.Int("EYE_N2", 4) != 4 || !e.Bool("EYE_T", true) {
		t.Error("a faulty setting does not have its default")
	}
	logLevel(e)
	e.Fault("EYE_X", "found by the caller")
	err := e.Err()
	var faults Faults
	if !errors.As(err, &faults) || !errors.Is(err, ErrUsage) || ExitCode(err) != ExitUsage {
		t.Fatalf("Err = %v", err)
	}
	want := Faults{
		"EYE_R: has to be set",
		`EYE_N: "seven" is no whole number of at least 0`,
		`EYE_D: "-1s" is no duration such as 90s, 15m or 720h`,
		`EYE_B: "10GB" is no size such as 1048576, 64MiB or 10GiB`,
		`EYE_N2: "-1" is no whole number of at least 0`,
		`EYE_T: "maybe" is neither true nor false`,
		`EYE_LOG_LEVEL: "loud" is none of debug, info, warn, error`,
		"EYE_X: found by the caller",
	}
	if d := cmp.Diff(want, faults); d != "" {
		t.Error(d)
	}
}

func TestEnvReadsAddresses(t *testing.T) {
	for text, right := range map[string]bool{
		"127.0.0.1:8080": true, ":0": true, "[::1]:65535": true, "localhost:80": true,
		"nowhere": false, "8080": false, "127.0.0.1:": false, "127.0.0.1:http": false, "127.0.0.1:65536": false, "::1:80": false,
	} {
		e := NewEnv([]string{"EYE_A=" + text})
		got, err := e.Address("EYE_A", "default:1"), e.Err()
		if right && (got != text || err != nil) || !right && (got != "default:1" || !errors.Is(err, ErrUsage)) {
			t.Errorf("%s reads as %s, %v", text, got, err)
		}
	}
	if got := NewEnv(nil).Address("EYE_A", "127.0.0.1:1"); got != "127.0.0.1:1" {
		t.Errorf("unset it reads as %s", got)
	}
}

func TestEnvWarnsOfUnknownNamesOnce(t *testing.T) {
	e := NewEnv([]string{"EYE_LISTN=x", "EYE_READ=1", "EYE_TOKEN=x", "EYE_NATS_QUERYAPI_PASSWORD=x", "EYE_TEST_MONGO_URI=x", "EYE_AAA=", "EYELID=x"})
	var warned []string
	e.warn = func(name string) { warned = append(warned, name) }
	e.Int("EYE_READ", 0)
	for range 2 {
		if err := e.Err(); err != nil {
			t.Error(err)
		}
	}
	if d := cmp.Diff([]string{"EYE_AAA", "EYE_LISTN"}, warned); d != "" {
		t.Error(d)
	}
}

func TestParseBytes(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "17": 17, "1KiB": 1 << 10, "64 MiB": 64 << 20, "10GiB": 10 << 30, "2TiB": 2 << 40,
	} {
		if got, err := parseBytes(text); err != nil || got != want {
			t.Errorf("parseBytes(%q) = %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "MiB", "1.5GiB", "-1", "1kb", "9999999999999TiB", "0x10"} {
		if got, err := parseBytes(text); err == nil {
			t.Errorf("parseBytes(%q) = %d", text, got)
		}
	}
}

// Whatever stands in the environment, reading it neither panics nor overflows.
func TestParseBytesNeverNegative(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`-?[0-9]{0,20}( ?[KMGT]iB)?`).Draw(t, "text")
		if n, err := parseBytes(text); err == nil && n < 0 {
			t.Fatalf("parseBytes(%q) = %d", text, n)
		}
	})
}
