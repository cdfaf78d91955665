package cmd

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/api/client"
	"github.com/theeye/theeye/theeye/output"
)

type statsSeriesCmd struct {
	serverFlags
	scopeFlags
	Interval string `enum:"minute,hour,day,week,month" default:"day" help:"minute, hour, day, week or month (${default})."`
	Metric   string `enum:"events,sessions,sum,avg,min,max,p50,p90,p95,p99" default:"events" help:"events, sessions, or of --field: sum, avg, min, max, p50, p90, p95, p99 (${default})."`
	Field    string `placeholder:"FIELD" help:"The field of the metric, such as data.price."`
	GroupBy  string `name:"group-by" placeholder:"FIELD" help:"A series for each value of this field, such as data.path or type."`
	Top      uint   `placeholder:"N" help:"How many groups have a series of their own; 10 without."`
	Compare  bool   `help:"Compare with as many intervals before."`
}

// Run prints a line for each interval, or for each group.
func (c *statsSeriesCmd) Run(p *output.Printer) error {
	q, err := c.scopeQuery(p)
	if err != nil {
		return err
	}
	q.Set("interval", c.Interval)
	q.Set("metric", c.Metric)
	setParameter(q, "field", c.Field)
	setParameter(q, "group_by", c.GroupBy)
	if c.Top > 0 {
		q.Set("top", strconv.FormatUint(uint64(c.Top), 10))
	}
	if c.Compare {
		q.Set("compare", "previous")
	}
	var answer api.Timeseries
	raw, err := c.getStatistic(api.PathTimeseries, q, &answer)
	if err != nil {
		return err
	}
	switch {
	case p.JSON:
		return p.Value(raw)
	case c.GroupBy == "":
		c.printIntervals(p, &answer)
	case p.Chart():
		c.printGroups(p, &answer)
	default:
		c.printCells(p, &answer)
	}
	remarkRange(p, answer.StatsRange)
	return nil
}

// printIntervals prints a line for each interval.
func (c *statsSeriesCmd) printIntervals(p *output.Printer, answer *api.Timeseries) {
	header := []string{"TIME", strings.ToUpper(c.Metric)}
	if answer.Previous != nil {
		header = append(header, "BEFORE")
	}
	values, most := figures(answer.Total.Values)
	if p.Chart() {
		header = append(header, "CHART")
	}
	rows := make([][]string, len(answer.Intervals))
	for i, start := range answer.Intervals {
		rows[i] = []string{intervalText(p, start, c.Interval), figureText(answer.Total.Values[i])}
		if answer.Previous != nil {
			rows[i] = append(rows[i], figureText(answer.Previous.Values[i]))
		}
		if p.Chart() {
			rows[i] = append(rows[i], output.BarOf(values[i], most))
		}
	}
	p.Table(header, rows)
	if p.CSV {
		return
	}
	switch {
	case answer.Total.Total == "":
		p.Remarkf("No event that matches has a number in %s.", c.Field)
	case answer.Previous != nil && answer.Previous.Total == "":
		p.Remarkf("In all %s; before, no event had a number in %s.", figureText(answer.Total.Total), c.Field)
	case answer.Previous != nil:
		p.Remarkf("In all %s, before %s.", figureText(answer.Total.Total), figureText(answer.Previous.Total))
	default:
		p.Remarkf("In all %s.", figureText(answer.Total.Total))
	}
}

// printGroups prints a line for each group, with its course.
func (c *statsSeriesCmd) printGroups(p *output.Printer, answer *api.Timeseries) {
	var rows [][]string
	for i := range answer.Series {
		s := &answer.Series[i]
		values, _ := figures(s.Values)
		rows = append(rows, []string{groupText(&s.StatsGroup), figureText(s.Total), output.Sparkline(values)})
	}
	values, _ := figures(answer.Total.Values)
	rows = append(rows, []string{"(all)", figureText(answer.Total.Total), output.Sparkline(values)})
	p.Table([]string{"GROUP", strings.ToUpper(c.Metric), "CHART"}, rows)
}

// printCells prints a line for each interval of each group.
func (c *statsSeriesCmd) printCells(p *output.Printer, answer *api.Timeseries) {
	table := p.NewTable([]string{"TIME", "GROUP", strings.ToUpper(c.Metric)})
	for i, start := range answer.Intervals {
		rows := make([][]string, len(answer.Series))
		for n := range answer.Series {
			rows[n] = []string{start, groupText(&answer.Series[n].StatsGroup), figureText(answer.Series[n].Values[i])}
		}
		table.Append(rows)
	}
}

// groupText names a group.
func groupText(s *api.StatsGroup) string {
	switch {
	case s.Missing:
		return "(missing)"
	case s.Other:
		return "(" + strconv.FormatInt(s.Groups, 10) + " others)"
	case s.Name != "":
		return s.Category + " / " + s.Name
	}
	return valueText(s.Group)
}

// valueText returns a JSON value for people: texts without quotes.
func valueText(raw jsontext.Value) string {
	var text string
	if raw.Kind() == '"' && json.Unmarshal(raw, &text) == nil {
		return text
	}
	return string(raw)
}

// figureText is a figure in a table; null has none.
func figureText(f api.Figure) string { return string(f) }

// figures returns the figures as numbers, NaN for null, and the largest.
func figures(all []api.Figure) (values []float64, most float64) {
	values = make([]float64, len(all))
	for i, f := range all {
		values[i] = math.NaN()
		if v, err := strconv.ParseFloat(string(f), 64); err == nil {
			values[i], most = v, max(most, v)
		}
	}
	return values, most
}

// intervalText is the start of an interval: for people without what its length makes
// plain.
func intervalText(p *output.Printer, start, interval string) string {
	t, err := time.Parse(time.RFC3339, start)
	if err != nil || !p.Chart() {
		return start
	}
	switch interval {
	case "minute", "hour":
		return t.Format("2006-01-02 15:04")
	case "month":
		return t.Format("2006-01")
	}
	return t.Format("Mon 2006-01-02")
}

// getStatistic requests a statistic, decodes it into v and returns it as it was
// written.
func (f serverFlags) getStatistic(path string, query map[string][]string, v any) (jsontext.Value, error) {
	ctx, server, stop, err := f.connect()
	if err != nil {
		return nil, err
	}
	defer stop()
	var raw jsontext.Value
	if _, err := server.Get(ctx, path, query, &raw); err != nil {
		return nil, err
	}
	return raw, decodeStatistic(raw, v)
}

func decodeStatistic(raw jsontext.Value, v any) error {
	if err := json.Unmarshal(raw, v); err != nil {
		return &client.ForeignError{Err: err}
	}
	return nil
}
