package daemon

import (
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// everyType has a setting of each type.
type everyType struct {
	Text     string    `env:"EYE_TEXT" default:"default"`
	Unset    string    `env:"EYE_UNSET"`
	Address  Address   `env:"EYE_ADDRESS" default:"127.0.0.1:1"`
	Servers  ServerURL `env:"EYE_SERVERS" default:"nats://127.0.0.1:4222"`
	Count    Count     `env:"EYE_COUNT" default:"1"`
	Duration Duration  `env:"EYE_DURATION" default:"1s"`
	Bytes    Bytes     `env:"EYE_BYTES" default:"1KiB"`
	Bool     Bool      `env:"EYE_BOOL" default:"false"`
	Dir      Directory `env:"EYE_DIR"`
	Secret   Secret    `env:"EYE_SECRET"`
	Common
}

// values are the values of an everyType, in order.
func (s *everyType) values() []any {
	return []any{
		s.Text, s.Unset, s.Address.Value, s.Servers.Value, s.Count.Value, s.Duration.Value, s.Bytes.Value, s.Bool.Value,
		s.Dir.Value, s.Secret.Value, s.AdminListen.Value, s.LogLevel.Value,
	}
}

var defaults = []any{
	"default", "", "127.0.0.1:1", "nats://127.0.0.1:4222", 1, time.Second, int64(1 << 10), false,
	"", "", "127.0.0.1:8091", slog.LevelInfo,
}

// A flag wins over the environment, which wins over the default. An empty value
// counts as unset.
func TestPrecedenceOfSettings(t *testing.T) {
	dir := t.TempDir()
	args := []string{
		"--text=a=b", "--address=:0", "--servers=a:1,nats://u:p@b", "--count=7", "--duration=90s", "--bytes=3MiB", "--bool=true",
		"--dir=" + dir, "--secret=0123456789abcdef", "--admin-listen=[::1]:65535", "--log-level=debug",
	}
	fromArgs := []any{
		"a=b", "", ":0", "a:1,nats://u:p@b", 7, 90 * time.Second, int64(3 << 20), true,
		dir, "0123456789abcdef", "[::1]:65535", slog.LevelDebug,
	}
	for _, name := range []string{"TEXT", "ADDRESS", "COUNT", "BYTES", "ADMIN_LISTEN"} {
		t.Setenv(prefix+name, "")
	}
	check := func(args []string, want []any) {
		t.Helper()
		s, err := ReadSettings[everyType]("collector", args)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, s.values()); d != "" {
			t.Error(d)
		}
	}
	check(nil, defaults)
	check(args, fromArgs)
	t.Setenv("EYE_COUNT", "5")
	t.Setenv("EYE_DURATION", "nonsense") // the flag wins, so it is not read
	check(args, fromArgs)
	t.Setenv("EYE_DURATION", "2m")
	fromEnv := append([]any(nil), defaults...)
	fromEnv[4], fromEnv[5] = 5, 2*time.Minute
	check(nil, fromEnv)
	check([]string{"--count="}, append(append([]any(nil), fromEnv[:4]...), append([]any{1}, fromEnv[5:]...)...))
}

// An operator corrects all faults in one go, so all are reported in one go, in
// the order of the declaration, and none shows a secret.
func TestReportsEveryFault(t *testing.T) {
	t.Setenv("EYE_COUNT", "seven")
	t.Setenv("EYE_DURATION", "-1s")
	t.Setenv("EYE_SECRET", "too-short")
	for range 10 {
		_, err := ReadSettings[everyType]("collector", []string{
			"--log-level=loud", "--servers=nats://user:password@[::1", "--bytes=10GB", "--bool=maybe", "--address=8080", "--dir=/no/such/directory",
		})
		var faults Faults
		if !errors.As(err, &faults) || !errors.Is(err, ErrUsage) || ExitCode(err) != ExitUsage {
			t.Fatalf("error = %v", err)
		}
		want := Faults{
			`EYE_ADDRESS: "8080" must be host:port`,
			`EYE_SERVERS: must be a URL such as nats://127.0.0.1:4222`,
			`EYE_COUNT: "seven" must be a whole number of at least 0`,
			`EYE_DURATION: "-1s" must not be negative; it is a duration such as 90m, 1h30m, 30d or 2w`,
			`EYE_BYTES: "10GB" must be a size such as 1048576, 64MiB or 10GiB`,
			`EYE_BOOL: "maybe" must be true or false`,
			`EYE_DIR: "/no/such/directory" must be an existing directory`,
			`EYE_SECRET: must have at least 16 characters`,
			`EYE_LOG_LEVEL: "loud" must be one of debug, info, warn and error`,
		}
		if d := cmp.Diff(want, faults); d != "" {
			t.Fatal(d)
		}
	}
}

// A value with a fault becomes its default, so that checks of several values do
// not report it again.
func TestFaultyValuesBecomeTheirDefaults(t *testing.T) {
	p, err := parseArgs[everyType]("collector", "", []string{"--count=-1", "--bytes=x", "--admin-listen=x", "--dir=x"}, nil, nil)
	if err != nil || len(p.faults) != 4 {
		t.Fatalf("%v, %q", err, p.faults)
	}
	if d := cmp.Diff(defaults, p.Settings.values()); d != "" {
		t.Error(d)
	}
}

func TestCheckAddress(t *testing.T) {
	for text, right := range map[string]bool{
		"127.0.0.1:8080": true, ":0": true, "[::1]:65535": true, "localhost:80": true,
		"nowhere": false, "8080": false, "127.0.0.1:": false, "127.0.0.1:http": false, "127.0.0.1:65536": false, "::1:80": false,
	} {
		if err := CheckAddress(text); (err == nil) != right {
			t.Errorf("CheckAddress(%q) = %v", text, err)
		}
	}
}

func TestParseServerURLs(t *testing.T) {
	for text, right := range map[string]bool{
		"nats://127.0.0.1:4222": true, "tls://me:secret@a.example:1, b.example": true, "127.0.0.1:4222": true,
		"nats://%zz": false, "nats://127.0.0.1:port": false, "nats://a,nats://[::1": false,
	} {
		if got, err := (urlRule{}).Parse(text); (err == nil) != right || right && got != text {
			t.Errorf("Parse(%q) = %q, %v", text, got, err)
		}
	}
}

func TestFindsUnknownVariables(t *testing.T) {
	p, err := parseArgs[everyType]("collector", "", nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := unknownNames(p.model, []string{
		"EYE_LISTN=x", "EYE_COUNT=1", "EYE_TOKEN=x", "EYE_NATS_QUERYAPI_PASSWORD=x", "EYE_TEST_MONGO_URI=x", "EYE_AAA=", "EYELID=x",
	})
	if d := cmp.Diff([]string{"EYE_AAA", "EYE_LISTN"}, got); d != "" {
		t.Error(d)
	}
}

func TestParseBytes(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "17": 17, "1KiB": 1 << 10, "64 MiB": 64 << 20, "10GiB": 10 << 30, "2TiB": 2 << 40,
	} {
		if got, err := (bytesRule{}).Parse(text); err != nil || got != want {
			t.Errorf("Parse(%q) = %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "MiB", "1.5GiB", "-1", "1kb", "9999999999999TiB", "0x10"} {
		if got, err := (bytesRule{}).Parse(text); err == nil {
			t.Errorf("Parse(%q) = %d", text, got)
		}
	}
}

// No text makes a size negative, and none overflows.
func TestParseBytesNeverNegative(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`-?[0-9]{0,20}( ?[KMGT]iB)?`).Draw(t, "text")
		if n, err := (bytesRule{}).Parse(text); err == nil && n < 0 {
			t.Fatalf("Parse(%q) = %d", text, n)
		}
	})
}
