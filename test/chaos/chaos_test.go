package chaos

import (
	"context"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/theeye/theeye/test/harness"
)

func TestMain(m *testing.M) {
	for variable, runRole := range roles {
		if os.Getenv(variable) != "" {
			os.Exit(runRole())
		}
	}
	code := m.Run()
	harness.Clean()
	os.Exit(code)
}

// shortKills is how many processes each of the two tests kills by default; `make
// chaos` sets EYE_CHAOS_KILLS, the sum of both.
const shortKills = 40

// kills is how many processes each of the two tests kills.
func kills(t *testing.T) int {
	t.Helper()
	text := os.Getenv("EYE_CHAOS_KILLS")
	if text == "" {
		return shortKills
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 2 {
		t.Fatalf("EYE_CHAOS_KILLS=%q is no number of kills", text)
	}
	return n / 2
}

// seed is new at every run and printed, so that a run can be repeated.
func seed(t *testing.T) uint64 {
	t.Helper()
	s := rand.Uint64()
	if text := os.Getenv("EYE_CHAOS_SEED"); text != "" {
		var err error
		if s, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("EYE_CHAOS_SEED: %v", err)
		}
	}
	t.Logf("EYE_CHAOS_SEED=%d", s)
	return s
}

// The whole single binary is killed, with its NATS server and SQLite inside.
func TestChaosSingle(t *testing.T) { surviveKills(t, harness.Single) }

// Collector, NATS server, processors and query API are killed one at a time,
// beside MongoDB.
func TestChaosSplit(t *testing.T) { surviveKills(t, harness.Split) }

func surviveKills(t *testing.T, shape func(harness.Binaries, string) (*harness.Pipeline, error)) {
	n := kills(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute+time.Duration(n)*2*time.Second)
	defer cancel()
	bin, err := harness.Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	pipeline, err := shape(bin, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	trial := Trial{
		Fleet:   &Fleet{pipeline},
		Kills:   Kills{N: n, Min: 50 * time.Millisecond, Max: 900 * time.Millisecond},
		Seed:    seed(t),
		Clients: 6, MinAccepted: 50 * n, Grace: 5 * time.Second,
	}
	report, err := trial.Run(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("kills %v; %d requests, %d of them failed and were sent again; %d contents accepted, %d documents",
		report.Kills, report.Requests, report.Failed, report.Accepted, report.Documents)
	reportFindings(t, report.Findings)
}

// reportFindings fails the test with the findings, the first few in full.
func reportFindings(t *testing.T, findings []string) {
	t.Helper()
	for i, f := range findings {
		if i == 10 {
			t.Errorf("and %d more", len(findings)-i)
			return
		}
		t.Error(f)
	}
}
