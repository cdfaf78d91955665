package standalone_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
)

// docs/operations.md names every metric of a process that runs everything, and no
// other.
func TestOperationsNamesEveryMetric(t *testing.T) {
	cfg := config(t, t.TempDir())
	metrics := prometheus.NewRegistry()
	cfg.Metrics = metrics
	start(t, cfg).stop()
	descriptions := make(chan *prometheus.Desc)
	go func() {
		defer close(descriptions)
		metrics.Describe(descriptions)
	}()
	registered := map[string]bool{}
	for d := range descriptions {
		if name := regexp.MustCompile(`fqName: "(eye_[a-z_]+)"`).FindStringSubmatch(d.String()); name != nil {
			registered[name[1]] = true
		}
	}
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{}
	for _, name := range regexp.MustCompile("`(eye_[a-z_]+)").FindAllStringSubmatch(string(text), -1) {
		documented[name[1]] = true
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(registered)), slices.Sorted(maps.Keys(documented))); diff != "" {
		t.Errorf("metrics (-registered +documented):\n%s", diff)
	}
}
