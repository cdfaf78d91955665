package cmd

import (
	"fmt"
	"strings"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/theeye/output"
)

type statusCmd struct{ serverFlags }

// Run prints the state of the stream, the store, the registry and the services.
func (c *statusCmd) Run(p *output.Printer) error {
	var status api.Status
	resp, err := c.get(api.PathStatus, &status)
	if err != nil {
		return err
	}
	if p.JSON {
		return p.Value(resp.Body)
	}
	if err := p.Lines(statusLines(p, &status)); err != nil {
		return err
	}
	if status.Services == nil {
		return p.Linef("services  unknown: their heartbeats cannot be read")
	}
	p.Table([]string{"SERVICE", "INSTANCE", "VERSION", "COMMIT", "REVISION", "STARTED", "SEEN"}, serviceRows(p, &status))
	return nil
}

func statusLines(p *output.Printer, s *api.Status) []string {
	stream := fmt.Sprintf("stream    %d events, %s", s.Stream.Messages, output.Bytes(s.Stream.Bytes))
	if s.Stream.MaxBytes > 0 {
		stream += fmt.Sprintf(" of %s (%.1f %%)", output.Bytes(uint64(s.Stream.MaxBytes)),
			100*float64(s.Stream.Bytes)/float64(s.Stream.MaxBytes))
	}
	if !s.Stream.Oldest.IsZero() {
		stream += ", since " + p.Time(s.Stream.Oldest.Time)
	}
	store := "NOT READY: events wait in the stream"
	if s.Store.Ready && s.Store.Revision != nil {
		store = fmt.Sprintf("ready, revision %d", *s.Store.Revision)
	} else if s.Store.Ready {
		store = "ready"
	}
	lines := []string{
		stream,
		fmt.Sprintf("lag       %d events, %s", s.Lag.Events, output.Seconds(s.Lag.Seconds)),
		"store     " + store,
		fmt.Sprintf("registry  revision %d", s.Registry.Revision),
	}
	if s.Columns != nil {
		lines = append(lines, "columns   "+columnsStatus(s.Columns))
	}
	for _, app := range s.SilentApplications {
		lines = append(lines, fmt.Sprintf("SILENT: %s has sent nothing for %s, since %s; its longest pause in the week before was %s", app.Application,
			output.Seconds(app.SilentSeconds), p.Time(app.LastReceivedAt.Time), output.Seconds(app.LongestPauseSeconds)))
	}
	if s.Processing.Reason != "" {
		lines = append(lines, "NOT PROCESSING: "+output.OneLine(s.Processing.Reason))
	}
	if s.Retention != nil {
		lines = append(lines, "retention "+retentionStatus(&job{Job: *s.Retention, kind: retentions}))
	}
	return lines
}

// lateSeconds is the age of the columns from which on they are said to be late.
const lateSeconds = 10

// columnsStatus describes the columns from which statistics are answered.
func columnsStatus(c *api.ColumnsStatus) string {
	switch {
	case c.Reason != "":
		return "NOT UP TO DATE: " + output.OneLine(c.Reason)
	case c.AsOf.IsZero():
		return "starting"
	case c.DaysBuilt < c.Days:
		return fmt.Sprintf("BUILDING: %d of %d days are built", c.DaysBuilt, c.Days)
	case c.AgeSeconds > lateSeconds:
		return fmt.Sprintf("LATE: as of %s ago", output.Seconds(c.AgeSeconds))
	}
	return "up to date"
}

// retentionStatus describes the newest change of the retention.
func retentionStatus(j *job) string {
	text := fmt.Sprintf("%s: %s", j.retentionText(), j.State)
	switch {
	case j.State == api.JobDone:
		return text
	case j.State.Final():
		return text + ", NOT applied to every document: theeye retention start"
	}
	return strings.TrimRight(fmt.Sprintf("%s, %d of %d documents, %s", text, j.Done, j.Total, j.activity()), ", ")
}

// serviceRows are the rows of the services. BEHIND marks a service that uses an
// older revision than the registry has.
func serviceRows(p *output.Printer, status *api.Status) [][]string {
	rows := make([][]string, 0, len(status.Services))
	for _, s := range status.Services {
		revision := output.Uint(s.Revision)
		if s.Revision < status.Registry.Revision {
			revision += " BEHIND"
		}
		rows = append(rows, []string{
			s.Service, output.Prefix(s.Instance, 8), s.Version, output.Prefix(s.Commit, 12), revision,
			p.Time(s.StartedAt.Time), p.Time(s.SeenAt.Time),
		})
	}
	return rows
}
