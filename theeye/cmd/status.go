package cmd

import (
	"fmt"

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
	if err := p.Lines(statusLines(&status)); err != nil {
		return err
	}
	if status.Services == nil {
		return p.Linef("services  unknown: their heartbeats cannot be read")
	}
	p.Table([]string{"SERVICE", "INSTANCE", "VERSION", "COMMIT", "REVISION", "STARTED", "SEEN"}, serviceRows(&status))
	return nil
}

func statusLines(s *api.Status) []string {
	stream := fmt.Sprintf("stream    %d events, %s", s.Stream.Messages, output.Bytes(s.Stream.Bytes))
	if s.Stream.MaxBytes > 0 {
		stream += fmt.Sprintf(" of %s (%.1f %%)", output.Bytes(uint64(s.Stream.MaxBytes)),
			100*float64(s.Stream.Bytes)/float64(s.Stream.MaxBytes))
	}
	if !s.Stream.Oldest.IsZero() {
		stream += ", since " + output.Time(s.Stream.Oldest.Time)
	}
	store := "NOT READY: events wait in the stream"
	if s.Store.Ready && s.Store.Revision != nil {
		store = fmt.Sprintf("ready, revision %d", *s.Store.Revision)
	} else if s.Store.Ready {
		store = "ready"
	}
	return []string{
		stream,
		fmt.Sprintf("lag       %d events, %s", s.Lag.Events, output.Seconds(s.Lag.Seconds)),
		"store     " + store,
		fmt.Sprintf("registry  revision %d", s.Registry.Revision),
	}
}

// serviceRows are the rows of the services. BEHIND marks a service that uses an
// older revision than the registry has.
func serviceRows(status *api.Status) [][]string {
	rows := make([][]string, 0, len(status.Services))
	for _, s := range status.Services {
		revision := output.Uint(s.Revision)
		if s.Revision < status.Registry.Revision {
			revision += " BEHIND"
		}
		rows = append(rows, []string{
			s.Service, output.Prefix(s.Instance, 8), s.Version, output.Prefix(s.Commit, 12), revision,
			output.Time(s.StartedAt.Time), output.Time(s.SeenAt.Time),
		})
	}
	return rows
}
