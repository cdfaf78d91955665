package output

import (
	"math"
	"strings"
)

// sparks are the heights of a Sparkline, bars the eighths of the last column of a
// BarOf.
var (
	sparks = []rune("▁▂▃▄▅▆▇█")
	eights = []rune(" ▏▎▍▌▋▊▉")
)

// ChartWidth is the width of a chart in a cell of a table, in columns.
const ChartWidth = 24

// Sparkline returns values as a line of ChartWidth columns at most, each as high as
// the largest value that falls to it, relative to the largest of all. NaN is a gap;
// negative values are as high as 0.
func Sparkline(values []float64) string {
	columns := min(len(values), ChartWidth)
	heights, most := make([]float64, columns), 0.0
	for i := range heights {
		heights[i] = math.NaN()
		for _, v := range values[i*len(values)/columns : (i+1)*len(values)/columns] {
			if math.IsNaN(heights[i]) || v > heights[i] {
				heights[i] = v
			}
		}
		if heights[i] > most {
			most = heights[i]
		}
	}
	var b strings.Builder
	for _, h := range heights {
		switch {
		case math.IsNaN(h):
			b.WriteByte(' ')
		case most <= 0 || h <= 0:
			b.WriteRune(sparks[0])
		default:
			b.WriteRune(sparks[int(math.Ceil(h/most*float64(len(sparks)-1)))])
		}
	}
	return b.String()
}

// SparklineOf is Sparkline of counts.
func SparklineOf(counts []int64) string {
	values := make([]float64, len(counts))
	for i, n := range counts {
		values[i] = float64(n)
	}
	return Sparkline(values)
}

// BarOf returns a bar of ChartWidth columns for most, and of its share for value. A
// value above 0 has a bar that is seen.
func BarOf(value, most float64) string {
	if !(value > 0) || !(most > 0) {
		return ""
	}
	n := max(int(math.Round(min(value/most, 1)*ChartWidth*8)), 1)
	bar := strings.Repeat("█", n/8)
	if n%8 > 0 {
		bar += string(eights[n%8])
	}
	return bar
}
