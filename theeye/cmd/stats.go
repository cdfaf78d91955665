package cmd

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/api/client"
	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/theeye/output"
)

// statsCmd has the series, and the command for what statistics are answered from.
type statsCmd struct {
	Series statsSeriesCmd `cmd:"" default:"withargs" help:"Count events or sessions by interval. The word series can be left out."`
	Verify statsVerifyCmd `cmd:"" help:"Count the days in the store and in the columns, and rebuild days that differ."`
}

type statsVerifyCmd struct {
	serverFlags
	From timeFlag `placeholder:"TIME" help:"Days of received time from this one on: ${times}."`
	To   timeFlag `placeholder:"TIME" help:"Days before this time."`
}

// Run compares day by day. It exits with code 1 if some differ.
func (c *statsVerifyCmd) Run(p *output.Printer) error {
	from, to, err := rangeFlags{From: c.From, To: c.To}.timeRange(p)
	if err != nil {
		return err
	}
	request := api.VerifyRequest{From: from, To: to}
	var all []api.VerifiedDay
	var bar *output.Bar
	for {
		answer, err := c.verify(request)
		if err != nil {
			return err
		}
		all = append(all, answer.Days...)
		if bar == nil {
			bar = p.StartBar("days", int64(len(all)+answer.Left))
			defer bar.Stop()
		}
		bar.Advance(int64(len(answer.Days)))
		if answer.Next == "" {
			break
		}
		request.After = answer.Next
	}
	bar.Stop()
	return printVerified(p, all)
}

// verify makes one call.
func (c *statsVerifyCmd) verify(request api.VerifyRequest) (answer api.VerifyAnswer, err error) {
	body, err := json.Marshal(request)
	if err != nil {
		return answer, fmt.Errorf("encode the request: %w", err)
	}
	_, err = c.call(client.Request{Method: http.MethodPost, Path: api.PathStatsVerify, Body: body}, &answer)
	return answer, err
}

// printVerified prints the days that differ, or all for machines.
func printVerified(p *output.Printer, all []api.VerifiedDay) error {
	different, stored, rejected, changing := 0, int64(0), int64(0), 0
	table := [][]string{}
	for _, d := range all {
		stored, rejected, changing = stored+d.Store.Stored, rejected+d.Store.Rejected, changing+d.ChangingSlots
		if d.DifferentSlots == 0 {
			continue
		}
		different++
		done := "not rebuilt"
		if d.Rebuilt {
			done = "rebuilt"
		}
		table = append(table, []string{
			d.Application, d.Day, count(d.Store.Stored), count(d.Columns.Stored), count(d.Store.Rejected), count(d.Columns.Rejected), done,
		})
	}
	var err error
	if p.JSON {
		err = p.Value(api.VerifyAnswer{Days: append([]api.VerifiedDay{}, all...)})
	} else {
		days, differ := "days", "days differ"
		if len(all) == 1 {
			days = "day"
		}
		if different == 1 {
			differ = "day differs"
		}
		err = p.Linef("%d %s verified: %d stored and %d rejected events; %d %s", len(all), days, stored, rejected, different, differ)
		if changing > 0 {
			p.Remarkf("%d stretches of ten seconds were written to all the time and are not compared.", changing)
		}
		if different > 0 {
			p.Table([]string{"APPLICATION", "DAY", "STORED", "IN COLUMNS", "REJECTED", "IN COLUMNS", "DONE"}, table)
		}
	}
	if err == nil && different > 0 {
		return exitCode(daemon.ExitFailure)
	}
	return err
}

func count(n int64) string { return strconv.FormatInt(n, 10) }
