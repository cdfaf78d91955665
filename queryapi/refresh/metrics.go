package refresh

import (
	"math"

	"github.com/prometheus/client_golang/prometheus"
)

// metric is one metric of the columns.
type metric struct {
	name, help string
	kind       prometheus.ValueType
	value      func(s *Status, c *counters) float64
}

// age is in seconds; not a number before the first pass.
func (r *Refresher) age(s *Status) float64 {
	if s.AsOf.IsZero() {
		return math.NaN()
	}
	return max(0, r.now().Sub(s.AsOf).Seconds())
}

// collector reads all metrics from one status.
type collector struct {
	r       *Refresher
	metrics []metric
	descs   []*prometheus.Desc
}

// Metrics returns the metrics of the columns.
func (r *Refresher) Metrics() prometheus.Collector {
	const gauge, counter = prometheus.GaugeValue, prometheus.CounterValue
	c := &collector{r: r, metrics: []metric{
		{"as_of_age_seconds", "Age of the moment as of which the columns hold everything.", gauge, func(s *Status, _ *counters) float64 { return r.age(s) }},
		{"days", "Application-days with events.", gauge, func(s *Status, _ *counters) float64 { return float64(s.Days) }},
		{"days_to_build", "Application-days that were not built yet since the start.", gauge, func(s *Status, _ *counters) float64 { return float64(s.Days - s.DaysBuilt) }},
		{"stale_days", "Application-days with changes that the columns do not hold yet.", gauge, func(s *Status, _ *counters) float64 { return float64(s.Stale) }},
		{"parts", "Parts of the columns.", gauge, func(s *Status, _ *counters) float64 { return float64(s.Parts) }},
		{"rows", "Rows of the columns.", gauge, func(s *Status, _ *counters) float64 { return float64(s.Rows) }},
		{"file_bytes", "Size of the files of columns.", gauge, func(s *Status, _ *counters) float64 { return float64(s.Bytes) }},
		{"memory_bytes", "Memory of parts that have no file yet, and of the descriptions of open files.", gauge, func(s *Status, _ *counters) float64 { return float64(s.MemoryBytes) }},
		{"cache_bytes", "Memory of the columns that queries have loaded.", gauge, func(s *Status, _ *counters) float64 { return float64(s.CacheBytes) }},
		{"pass_seconds", "Cost of the last pass.", gauge, func(_ *Status, c *counters) float64 { return c.lastPass.Seconds() }},
		{"passes_total", "Passes that read the marks of the store and scanned what had changed.", counter, func(_ *Status, c *counters) float64 { return float64(c.passesOK) }},
		{"failed_passes_total", "Passes that failed.", counter, func(_ *Status, c *counters) float64 { return float64(c.passesFailed) }},
		{"built_parts_total", "Parts that were built from the store.", counter, func(_ *Status, c *counters) float64 { return float64(c.partsBuilt) }},
		{"lost_files_total", "Files that were missing, damaged or of another store, and were rebuilt.", counter, func(_ *Status, c *counters) float64 { return float64(c.partsLost) }},
		{"failed_writes_total", "Attempts to write a file of columns that failed.", counter, func(_ *Status, c *counters) float64 { return float64(c.writesFailed) }},
		{"different_days_total", "Application-days that a verification found to differ from the store.", counter, func(_ *Status, c *counters) float64 { return float64(c.daysDifferent) }},
	}}
	for _, m := range c.metrics {
		c.descs = append(c.descs, prometheus.NewDesc("eye_queryapi_columns_"+m.name, m.help, nil, nil))
	}
	return c
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	s := c.r.Status()
	c.r.mu.Lock()
	counted := c.r.stats
	c.r.mu.Unlock()
	for i, m := range c.metrics {
		out <- prometheus.MustNewConstMetric(c.descs[i], m.kind, m.value(&s, &counted))
	}
}
