package harness

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
)

func TestMetricSumsTheSeriesAskedFor(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `# HELP eye_x things
# TYPE eye_x counter
eye_x{outcome="stored",code=""} 40
eye_x{outcome="rejected",code="a"} 1
eye_x{outcome="rejected",code="b"} 1.5
eye_x_total 7
eye_y 3e+06
`)
	}))
	defer srv.Close()
	for _, tc := range []struct {
		name   string
		labels []string
		want   float64
	}{
		{"eye_x", nil, 42.5},
		{"eye_x", []string{`outcome="rejected"`}, 2.5},
		{"eye_x", []string{`outcome="rejected"`, `code="b"`}, 1.5},
		{"eye_y", nil, 3e6},
	} {
		got, err := Metric(t.Context(), srv.URL, tc.name, tc.labels...)
		if err != nil || got != tc.want {
			t.Errorf("%s %v = %v, %v, want %v", tc.name, tc.labels, got, err, tc.want)
		}
	}
	if got, err := Metric(t.Context(), srv.URL, "eye_z"); err == nil {
		t.Errorf("an absent metric is %v, want an error", got)
	}
}

func TestRSS(t *testing.T) {
	p := &Process{Name: "sleep", Path: "/bin/sleep", Args: []string{"60"}}
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer p.Stop()
	rss, err := p.RSS()
	if _, statErr := os.Stat("/proc/self/status"); statErr != nil {
		if err == nil {
			t.Error("memory was read without /proc")
		}
		return
	}
	if err != nil || rss < 1<<10 || rss > 1<<30 {
		t.Errorf("RSS = %d, %v", rss, err)
	}
}

func TestCPU(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		return // CPU has checked its error for other systems
	}
	p := &Process{Name: "busy (1) 2", Path: "/bin/sh", Args: []string{"-c", "while :; do :; done"}}
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer p.Stop()
	if err := Poll(t.Context(), func() error {
		spent, err := p.CPU()
		if err != nil {
			return Final(err)
		}
		if spent == 0 {
			return errors.New("it has not spent anything yet")
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}
