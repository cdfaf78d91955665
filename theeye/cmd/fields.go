package cmd

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/theeye/output"
)

type fieldsCmd struct {
	serverFlags
	scopeFlags
	Prefix string `placeholder:"PATH" help:"Fields whose path begins with it alone, such as data.cart."`
	Limit  uint   `default:"200" placeholder:"N" help:"How many fields (${default})."`
}

// Run prints a line for each field of the data of events.
func (c *fieldsCmd) Run(p *output.Printer) error {
	q, err := c.scopeQuery(p)
	if err != nil {
		return err
	}
	q.Set("limit", strconv.FormatUint(uint64(c.Limit), 10))
	setParameter(q, "prefix", c.Prefix)
	var answer api.FieldList
	raw, err := c.getStatistic(api.PathFields, q, &answer)
	if err != nil {
		return err
	}
	if p.JSON {
		return p.Value(raw)
	}
	rows := make([][]string, len(answer.Fields))
	for i := range answer.Fields {
		f := &answer.Fields[i]
		rows[i] = []string{
			f.Path, kindsText(f.Types), strconv.FormatInt(f.Present, 10), shareText(p, f.Share), distinctText(f),
			valueText(f.Min), valueText(f.Max), samplesText(f), schemaText(f),
		}
	}
	p.Table([]string{"FIELD", "TYPES", "EVENTS", "SHARE", "DISTINCT", "MIN", "MAX", "VALUES", "IN SCHEMA"}, rows)
	switch {
	case answer.Events == 0:
		p.Remarkf("No stored event matches.")
	case len(rows) == 0 && c.Prefix != "":
		p.Remarkf("The data of %d events has no field whose path begins with %s; paths begin with data.", answer.Events, c.Prefix)
	default:
		p.Remarkf("Of %d events.", answer.Events)
	}
	if answer.Truncated {
		p.Remarkf("There are more: see --limit and --prefix.")
	}
	remarkRange(p, answer.StatsRange)
	return nil
}

// kindsText lists kinds, the most frequent first.
func kindsText(kinds map[string]int64) string {
	names := slices.SortedFunc(maps.Keys(kinds), func(a, b string) int {
		if kinds[a] != kinds[b] {
			return int(kinds[b] - kinds[a])
		}
		return strings.Compare(a, b)
	})
	return strings.Join(names, ", ")
}

func distinctText(f *api.FieldFacts) string {
	if f.DistinctExact {
		return strconv.FormatInt(f.Distinct, 10)
	}
	return strconv.FormatInt(f.Distinct, 10) + " or more"
}

func samplesText(f *api.FieldFacts) string {
	texts := make([]string, len(f.Samples))
	for i, raw := range f.Samples {
		texts[i] = valueText(raw)
	}
	return strings.Join(texts, ", ")
}

func schemaText(f *api.FieldFacts) string {
	switch {
	case f.Required:
		return "required"
	case f.InSchema:
		return "declared"
	}
	return ""
}
