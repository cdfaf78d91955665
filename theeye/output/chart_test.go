package output

import (
	"math"
	"testing"
	"unicode/utf8"
)

func TestSparkline(t *testing.T) {
	gap := math.NaN()
	for _, c := range []struct {
		values []float64
		want   string
	}{
		{nil, ""},
		{[]float64{0}, "▁"},
		{[]float64{0, 0}, "▁▁"},
		{[]float64{0, 1, 7}, "▁▂█"},
		{[]float64{-3, 5, gap}, "▁█ "},
		{[]float64{gap, gap}, "  "},
		{[]float64{3.5, 7}, "▅█"},
	} {
		if got := Sparkline(c.values); got != c.want {
			t.Errorf("Sparkline(%v) = %q, want %q", c.values, got, c.want)
		}
	}
	many := make([]float64, 1000)
	many[999] = 1
	if got := []rune(Sparkline(many)); len(got) != ChartWidth || got[ChartWidth-1] != '█' || got[0] != '▁' {
		t.Errorf("a peak among 1000 values is lost: %q", string(got))
	}
}

func TestBarOf(t *testing.T) {
	for _, c := range []struct {
		value, most float64
		columns     int
	}{
		{0, 10, 0}, {-1, 10, 0}, {1, 0, 0}, {math.NaN(), 1, 0}, {10, 10, ChartWidth}, {5, 10, ChartWidth / 2}, {1, 1e9, 1}, {20, 10, ChartWidth},
	} {
		if got := utf8.RuneCountInString(BarOf(c.value, c.most)); got != c.columns {
			t.Errorf("BarOf(%v, %v) has %d columns, want %d", c.value, c.most, got, c.columns)
		}
	}
}
