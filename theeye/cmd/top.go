package cmd

import (
	"fmt"
	"strconv"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/theeye/output"
)

type topCmd struct {
	serverFlags
	Field string `arg:"" help:"The field whose values are counted, such as data.path, type or 'data.tags[]'."`
	scopeFlags
	Metric string `enum:"events,sessions" default:"events" help:"What is counted: events or sessions (${default})."`
	Limit  uint   `default:"20" placeholder:"N" help:"How many values, at most 1000 (${default})."`
	Prefix string `placeholder:"TEXT" help:"Values that begin with it alone."`
}

// Run prints a line for each of the most frequent values.
func (c *topCmd) Run(p *output.Printer) error {
	q, err := c.scopeQuery(p)
	if err != nil {
		return err
	}
	q.Set("field", c.Field)
	q.Set("metric", c.Metric)
	q.Set("limit", strconv.FormatUint(uint64(c.Limit), 10))
	setParameter(q, "prefix", c.Prefix)
	var answer api.Top
	raw, err := c.getStatistic(api.PathTop, q, &answer)
	if err != nil {
		return err
	}
	if p.JSON {
		return p.Value(raw)
	}
	header := []string{"VALUE", "COUNT", "SHARE"}
	if p.Chart() {
		header = append(header, "CHART")
	}
	rows := make([][]string, len(answer.Values))
	for i, v := range answer.Values {
		value := valueText(v.Value)
		if v.Name != "" {
			value = v.Category + " / " + v.Name
		}
		rows[i] = []string{value, strconv.FormatInt(v.Count, 10), shareText(p, v.Share)}
		if p.Chart() {
			rows[i] = append(rows[i], output.BarOf(float64(v.Count), float64(answer.Values[0].Count)))
		}
	}
	p.Table(header, rows)
	rest := ""
	if answer.Other != nil {
		rest = fmt.Sprintf(", %d of them not listed", answer.Other.Distinct)
	}
	p.Remarkf("%d %s, %d without a value; %d values%s.", answer.Total, answer.Metric, answer.Missing, answer.Distinct, rest)
	remarkRange(p, answer.StatsRange)
	return nil
}

// shareText is a share: a percentage for people, a fraction for spreadsheets.
func shareText(p *output.Printer, share float64) string {
	if p.CSV {
		return strconv.FormatFloat(share, 'f', -1, 64)
	}
	return fmt.Sprintf("%.1f %%", 100*share)
}
