package replays

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/theeye/theeye/test/harness"
)

func TestMain(m *testing.M) {
	if os.Getenv(roleVariable) != "" {
		os.Exit(runPlanted())
	}
	code := m.Run()
	harness.Clean()
	os.Exit(code)
}

// number reads a setting.
func number(t *testing.T, name string, byDefault int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return byDefault
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s=%q is no number from 1", name, text)
	}
	return n
}

// choices are new at every run and printed, so that a run can be repeated.
func choices(t *testing.T) *rand.Rand {
	t.Helper()
	seed := rand.Uint64()
	if text := os.Getenv("EYE_CHAOS_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("EYE_CHAOS_SEED: %v", err)
		}
	}
	t.Logf("EYE_CHAOS_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}
