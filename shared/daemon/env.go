package daemon

import (
	"fmt"
	"maps"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// prefix is what the names of all settings start with.
const prefix = "EYE_"

// Env reads settings from the environment. Reading returns a value in every
// case; what is wrong is collected, so that Err reports every fault at once.
// An empty variable counts as unset. It is for one goroutine.
type Env struct {
	vars   map[string]string
	read   map[string]bool
	faults Faults
	warn   func(name string) // told of each unknown name, once
}

// Environ is the environment of this process.
func Environ() *Env { return NewEnv(os.Environ()) }

// NewEnv reads from settings of the form NAME=value.
func NewEnv(environ []string) *Env {
	e := &Env{vars: map[string]string{}, read: map[string]bool{}}
	for _, setting := range environ {
		name, value, _ := strings.Cut(setting, "=")
		if strings.HasPrefix(name, prefix) {
			e.vars[name] = value
		}
	}
	return e
}

// String is the value of name, or def.
func (e *Env) String(name, def string) string {
	if v := e.get(name); v != "" {
		return v
	}
	return def
}

// Required is the value of name, which has to be set.
func (e *Env) Required(name string) string {
	v := e.get(name)
	if v == "" {
		e.Fault(name, "has to be set")
	}
	return v
}

// Address is the host:port of name, or def.
func (e *Env) Address(name, def string) string {
	v := e.String(name, def)
	if err := CheckAddress(v); err != nil {
		e.Fault(name, err.Error())
		return def
	}
	return v
}

// CheckAddress returns what is wrong with an address to listen on.
func CheckAddress(address string) error {
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return fmt.Errorf("%q is no host:port", address)
	}
	return nil
}

// Int is the whole number of name, or def.
func (e *Env) Int(name string, def int) int {
	v := e.get(name)
	if v == "" {
		return def
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 {
		e.Fault(name, fmt.Sprintf("%q is no whole number of at least 0", v))
		return def
	}
	return n
}

// Bool is the value of name, true or false, or def.
func (e *Env) Bool(name string, def bool) bool {
	v := e.get(name)
	if v == "" {
		return def
	}
	b, err := strconv.ParseBool(v)
	if err != nil {
		e.Fault(name, fmt.Sprintf("%q is neither true nor false", v))
		return def
	}
	return b
}

// Duration is the duration of name, as 90s, 15m or 720h, or def.
func (e *Env) Duration(name string, def time.Duration) time.Duration {
	v := e.get(name)
	if v == "" {
		return def
	}
	d, err := time.ParseDuration(v)
	if err != nil || d < 0 {
		e.Fault(name, fmt.Sprintf("%q is no duration such as 90s, 15m or 720h", v))
		return def
	}
	return d
}

// Bytes is the size of name in bytes, as 1048576, 64MiB or 10GiB, or def.
func (e *Env) Bytes(name string, def int64) int64 {
	v := e.get(name)
	if v == "" {
		return def
	}
	n, err := parseBytes(v)
	if err != nil {
		e.Fault(name, fmt.Sprintf("%q is no size such as 1048576, 64MiB or 10GiB", v))
		return def
	}
	return n
}

// Fault adds a fault that the caller found in the value of name.
func (e *Env) Fault(name, text string) { e.faults = append(e.faults, name+": "+text) }

// Err is nil, or Faults with every fault so far. Call it after everything was
// read: it also warns of the names that Unknown returns.
func (e *Env) Err() error {
	if e.warn != nil {
		for _, name := range e.Unknown() {
			e.warn(name)
		}
		e.warn = nil
	}
	if len(e.faults) == 0 {
		return nil
	}
	return slices.Clone(e.faults)
}

// Unknown returns the names in the environment that nothing of The Eye reads:
// most likely misspelt.
func (e *Env) Unknown() []string {
	var unknown []string
	for _, name := range slices.Sorted(maps.Keys(e.vars)) {
		if !e.read[name] && !elsewhere(name) {
			unknown = append(unknown, name)
		}
	}
	return unknown
}

func (e *Env) get(name string) string {
	e.read[name] = true
	return e.vars[name]
}

// elsewhere says whether a variable means something to another program of the
// project: one file of settings may serve them all.
func elsewhere(name string) bool {
	switch name {
	case "EYE_LISTEN", "EYE_ADMIN_LISTEN", "EYE_NATS_URL", "EYE_NATS_CREDS", "EYE_MONGO_URI", "EYE_MONGO_DATABASE",
		"EYE_MONGO_TIME_WINDOWS",
		"EYE_NATS_COLLECTOR_PASSWORD", "EYE_NATS_PROCESSOR_PASSWORD", "EYE_NATS_QUERYAPI_PASSWORD",
		"EYE_MONGO_PASSWORD", "EYE_OPERATOR_TOKEN", "EYE_CONFIG", "EYE_URL", "EYE_TOKEN", "EYE_COLLECTOR_URL",
		"EYE_WRITE_KEY", "EYE_DATA", "EYE_DEV", "EYE_JSON", "EYE_MIN_FREE", "EYE_LOG_LEVEL", "EYE_VERSION", "EYE_COMMIT":
		return true
	}
	for _, p := range []string{"EYE_STREAM_", "EYE_TEST_", "EYE_BENCH_", "EYE_CHAOS_", "EYE_E2E_"} {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return false
}

// parseBytes reads a size; the units are powers of 1024.
func parseBytes(s string) (int64, error) {
	shift := 0
	for unit, by := range map[string]int{"KiB": 10, "MiB": 20, "GiB": 30, "TiB": 40} {
		if number, ok := strings.CutSuffix(s, unit); ok {
			s, shift = strings.TrimSpace(number), by
			break
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, err
	}
	if n < 0 || n > 1<<62>>shift {
		return 0, strconv.ErrRange
	}
	return n << shift, nil
}
