package daemon

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/theeye/theeye/shared/when"

	"github.com/theeye/theeye/shared/httpserver"
)

// Types of settings. Each keeps the fault of the text that it was read from, so
// that all faults of a configuration are reported at once.
type (
	// Address is a host:port to listen on.
	Address = Value[string, addressRule]
	// ServerURL is the URL of a server, or several separated by commas.
	ServerURL = Value[string, urlRule]
	// Count is a whole number of at least 0.
	Count = Value[int, countRule]
	// Duration is a duration of at least 0, such as 90s, 15m, 30d or 2w.
	Duration = Value[time.Duration, durationRule]
	// Bytes is a size in bytes, such as 1048576, 64MiB or 10GiB.
	Bytes = Value[int64, bytesRule]
	// Bool is true or false.
	Bool = Value[bool, boolRule]
	// Hosts are names and addresses, separated by commas: see httpserver.NewHosts.
	Hosts = Value[[]string, hostsRule]
	// Level is the level of a log line.
	Level = Value[slog.Level, levelRule]
	// Directory is an existing directory.
	Directory = Value[string, directoryRule]
	// Secret is a secret that is long enough not to be guessed. It appears in
	// no fault.
	Secret = Value[string, secretRule]
)

// Rule reads the text of a setting. The error says what the text must be.
type Rule[T any] interface{ Parse(text string) (T, error) }

// Value is a setting of type T that is read by rule R. Kong sets it; in tests
// the field Value may be set directly.
type Value[T any, R Rule[T]] struct {
	Value T

	text string
	err  error
}

// UnmarshalText reads the value. It returns no error: ReadFaults does.
func (v *Value[T, R]) UnmarshalText(text []byte) error {
	var rule R
	v.text = string(text)
	v.Value, v.err = rule.Parse(v.text)
	return nil
}

// checkedValue is what ReadFaults needs of a Value.
type checkedValue interface {
	takeFault(defaultText string) error
}

// takeFault returns the fault of the text. A value that is empty or has a fault
// becomes the default; the zero value where that is "".
func (v *Value[T, R]) takeFault(defaultText string) error {
	var fault error
	if v.text != "" {
		fault = v.err
	}
	if v.text == "" || fault != nil {
		*v = Value[T, R]{}
		if defaultText != "" {
			_ = v.UnmarshalText([]byte(defaultText))
		}
	}
	return fault
}

type (
	addressRule   struct{}
	urlRule       struct{}
	countRule     struct{}
	durationRule  struct{}
	bytesRule     struct{}
	boolRule      struct{}
	hostsRule     struct{}
	levelRule     struct{}
	directoryRule struct{}
	secretRule    struct{}
)

// Parse reads an address.
func (addressRule) Parse(text string) (string, error) { return text, CheckAddress(text) }

// CheckAddress returns the fault of an address to listen on. It does not look up
// the host.
func CheckAddress(text string) error {
	_, port, err := net.SplitHostPort(text)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return fmt.Errorf("%q must be host:port", text)
	}
	return nil
}

// Parse reads URLs; the scheme of each may be missing. The error does not show
// the text, which may hold a password.
func (urlRule) Parse(text string) (string, error) {
	for server := range strings.SplitSeq(text, ",") {
		server = strings.TrimSpace(server)
		if !strings.Contains(server, "://") {
			server = "nats://" + server
		}
		if _, err := url.Parse(server); err != nil {
			return "", errors.New("must be a URL such as nats://127.0.0.1:4222")
		}
	}
	return text, nil
}

// Parse reads names and addresses.
func (hostsRule) Parse(text string) ([]string, error) {
	var hosts []string
	for host := range strings.SplitSeq(text, ",") {
		host = strings.ToLower(strings.TrimSpace(host))
		if err := httpserver.CheckHost(host); err != nil {
			return nil, err
		}
		hosts = append(hosts, host)
	}
	return hosts, nil
}

// Parse reads a whole number.
func (countRule) Parse(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%q must be a whole number of at least 0", text)
	}
	return n, nil
}

// Parse reads a duration.
func (durationRule) Parse(text string) (time.Duration, error) {
	d, err := when.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("%q %w", text, err)
	}
	return d, nil
}

// Parse reads a size; the units are powers of 1024.
func (bytesRule) Parse(text string) (int64, error) {
	number, shift := text, 0
	for unit, power := range map[string]int{"KiB": 10, "MiB": 20, "GiB": 30, "TiB": 40} {
		if n, ok := strings.CutSuffix(text, unit); ok {
			number, shift = strings.TrimSpace(n), power
			break
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 || n > 1<<62>>shift {
		return 0, fmt.Errorf("%q must be a size such as 1048576, 64MiB or 10GiB", text)
	}
	return n << shift, nil
}

// Parse reads a truth value.
func (boolRule) Parse(text string) (bool, error) {
	b, err := strconv.ParseBool(text)
	if err != nil {
		return false, fmt.Errorf("%q must be true or false", text)
	}
	return b, nil
}

// Parse reads a level.
func (levelRule) Parse(text string) (level slog.Level, err error) {
	if err := level.UnmarshalText([]byte(text)); err != nil {
		return 0, fmt.Errorf("%q must be one of debug, info, warn and error", text)
	}
	return level, nil
}

// Parse reads the name of a directory.
func (directoryRule) Parse(text string) (string, error) { return text, CheckDirectory(text) }

// CheckDirectory returns the fault of a name that must be that of an existing
// directory.
func CheckDirectory(name string) error {
	if info, err := os.Stat(name); err != nil || !info.IsDir() {
		return fmt.Errorf("%q must be an existing directory", name)
	}
	return nil
}

// minSecret is the least length of a secret, in bytes.
const minSecret = 16

// Parse reads a secret.
func (secretRule) Parse(text string) (string, error) { return text, CheckSecret(text) }

// CheckSecret returns the fault of a secret, without showing it.
func CheckSecret(text string) error {
	if len(text) < minSecret {
		return fmt.Errorf("must have at least %d characters", minSecret)
	}
	return nil
}
