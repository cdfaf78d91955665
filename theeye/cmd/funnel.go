package cmd

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/api/client"
	"github.com/theeye/theeye/shared/query/filter"
	"github.com/theeye/theeye/shared/when"
	"github.com/theeye/theeye/theeye/output"
)

type funnelCmd struct {
	serverFlags
	Steps []string `arg:"" optional:"" placeholder:"STEP" help:"Two to ten steps, each a type ('shop / purchase'), a condition ('data.path=/pricing'), or both: 'page interaction / pageview where data.path=/pricing and data.plan=pro'."`
	scopeFlags
	File    string       `short:"f" placeholder:"FILE" help:"The request as JSON, as POST /v1/stats/funnel takes it, in place of steps and flags; - is standard input."`
	By      string       `placeholder:"FIELD" help:"The field that names a visitor; session_id without."`
	Window  durationFlag `placeholder:"DURATION" help:"The longest time from the first step to any other, such as 1h; unbounded without."`
	Strict  bool         `help:"No other event of the visitor may lie between two steps."`
	GroupBy string       `name:"group-by" placeholder:"FIELD" help:"Count apart by this field's value at the first step."`
	Top     int          `placeholder:"N" help:"How many groups are counted apart; 10 without."`
}

// Run prints a line for each step.
func (c *funnelCmd) Run(p *output.Printer) error {
	body, err := c.requestBody(p)
	if err != nil {
		return err
	}
	var raw jsontext.Value
	if _, err := c.call(client.Request{Method: http.MethodPost, Path: api.PathFunnel, Body: body}, &raw); err != nil {
		return err
	}
	if p.JSON {
		return p.Value(raw)
	}
	var answer api.Funnel
	if err := decodeStatistic(raw, &answer); err != nil {
		return err
	}
	printSteps(p, &answer)
	remarkRange(p, answer.StatsRange)
	return nil
}

// requestBody returns the request of the flags, or of a file.
func (c *funnelCmd) requestBody(p *output.Printer) ([]byte, error) {
	switch {
	case c.File == "" && len(c.Steps) < 2:
		return nil, usageErrorf("a funnel has two steps at least; see theeye help funnel")
	case c.File != "" && len(c.Steps) > 0:
		return nil, usageErrorf("--file has the steps: give none beside it")
	case c.File == "-":
		return io.ReadAll(io.LimitReader(os.Stdin, maxFunnelFile))
	case c.File != "":
		body, err := os.ReadFile(c.File)
		if err != nil {
			return nil, usageError{err}
		}
		return body, nil
	}
	request := api.FunnelRequest{
		Application: c.Application, Category: c.Category, Name: c.Name, SessionID: c.Session, Filters: c.Filter,
		TZ: c.zone(p), By: c.By, GroupBy: c.GroupBy, Top: c.Top,
	}
	if c.Window > 0 {
		request.Window = c.Window.String()
	}
	if c.Strict {
		request.Order = api.FunnelStrict
	}
	q, err := c.scopeQuery(p)
	if err != nil {
		return nil, err
	}
	request.From, request.To = q.Get("from"), q.Get("to")
	for i, text := range c.Steps {
		step, err := parseStep(text)
		if err != nil {
			return nil, usageErrorf("step %d: %w", i+1, err)
		}
		request.Steps = append(request.Steps, step)
	}
	return json.Marshal(request)
}

// maxFunnelFile bounds a request that is read from standard input.
const maxFunnelFile = 1 << 20

// parseStep reads a step: a type, conditions, or a type, "where" and conditions.
func parseStep(text string) (api.FunnelStepRequest, error) {
	step := api.FunnelStepRequest{Label: text}
	if conditions := strings.Split(text, " and "); isFilter(conditions) {
		step.Filters = conditions
		return step, nil
	}
	typ, rest, filtered := strings.Cut(text, " where ")
	category, name, ok := strings.Cut(typ, " / ")
	if !ok || category == "" || name == "" {
		return step, fmt.Errorf("%q is neither a type, category / name, nor a condition such as data.path=/pricing", text)
	}
	step.Category, step.Name = category, name
	if filtered {
		step.Filters = strings.Split(rest, " and ")
		if _, err := filter.Parse(step.Filters, time.Now()); err != nil {
			return step, err
		}
	}
	return step, nil
}

// isFilter reports whether all of the conditions can be read.
func isFilter(conditions []string) bool {
	_, err := filter.Parse(conditions, time.Now())
	return err == nil
}

// printSteps prints the steps, and those of each group.
func printSteps(p *output.Printer, answer *api.Funnel) {
	header := []string{"STEP", "COUNT", "OF FIRST", "OF PREVIOUS", "DROPPED", "MEDIAN", "P90"}
	grouped := len(answer.Groups) > 0
	if grouped {
		header = append([]string{"GROUP"}, header...)
	}
	if p.Chart() {
		header = append(header, "CHART")
	}
	table := p.NewTable(header)
	appendSteps := func(group string, steps []api.FunnelStep) {
		rows := make([][]string, len(steps))
		for i, s := range steps {
			median, p90 := "", ""
			if s.Seconds != nil {
				median, p90 = secondsText(p, s.Seconds.P50), secondsText(p, s.Seconds.P90)
			}
			rows[i] = []string{
				s.Label, strconv.FormatInt(s.Count, 10), shareText(p, s.OfFirst), shareText(p, s.OfPrevious),
				strconv.FormatInt(s.Dropped, 10), median, p90,
			}
			if grouped {
				rows[i] = append([]string{group}, rows[i]...)
			}
			if p.Chart() {
				rows[i] = append(rows[i], output.BarOf(float64(s.Count), float64(steps[0].Count)))
			}
		}
		table.Append(rows)
	}
	appendSteps("(all)", answer.Steps)
	for i := range answer.Groups {
		appendSteps(groupText(&answer.Groups[i].StatsGroup), answer.Groups[i].Steps)
	}
}

// secondsText is a duration: rounded for people, seconds for spreadsheets.
func secondsText(p *output.Printer, seconds float64) string {
	if p.CSV {
		return strconv.FormatFloat(seconds, 'f', -1, 64)
	}
	return when.FormatDuration(time.Duration(seconds * float64(time.Second)).Round(time.Millisecond))
}
