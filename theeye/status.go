package main

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/vbauerster/mpb/v8/decor"
)

type statusCmd struct{ remote }

// Help is the longer text of --help.
func (statusCmd) Help() string {
	return "Succeeds if it could be asked; what it prints says how things are.\n\nExample:\n  theeye status"
}

// installation is the answer of GET /v1/status.
type installation struct {
	Stream struct {
		Messages uint64    `json:"messages"`
		Bytes    uint64    `json:"bytes"`
		MaxBytes int64     `json:"max_bytes"` // -1 or 0 is no bound
		FirstSeq uint64    `json:"first_seq"`
		LastSeq  uint64    `json:"last_seq"`
		Oldest   time.Time `json:"oldest"`
	} `json:"stream"`
	Lag struct {
		Events  uint64  `json:"events"`
		Seconds float64 `json:"seconds"`
	} `json:"lag"`
	Store struct {
		Ready    bool    `json:"ready"`
		Revision *uint64 `json:"revision"` // known of a store that is ready
	} `json:"store"`
	Registry struct {
		Revision uint64 `json:"revision"`
	} `json:"registry"`
	// Services is nil where their heartbeats cannot be read.
	Services []struct {
		Service   string    `json:"service"`
		Instance  string    `json:"instance"`
		Version   string    `json:"version"`
		Commit    string    `json:"commit"`
		Revision  uint64    `json:"revision"`
		StartedAt time.Time `json:"started_at"`
		SeenAt    time.Time `json:"seen_at"`
	} `json:"services"`
}

// Run prints how the stream, the store, the registry and the services are.
func (c *statusCmd) Run(t *terminal) error {
	var now installation
	a, err := c.ask("/v1/status", &now)
	if err != nil {
		return err
	}
	if t.json {
		return t.printJSON(a.value())
	}
	for _, line := range now.lines() {
		if err := t.sayf("%s", line); err != nil {
			return err
		}
	}
	if now.Services == nil {
		return t.sayf("services  unknown: their heartbeats cannot be read")
	}
	t.table([]string{"SERVICE", "INSTANCE", "VERSION", "COMMIT", "REVISION", "STARTED", "SEEN"}, now.services())
	return nil
}

func (i *installation) lines() []string {
	stream := fmt.Sprintf("stream    %d events, %s", i.Stream.Messages, size(i.Stream.Bytes))
	if i.Stream.MaxBytes > 0 {
		stream += fmt.Sprintf(" of %s (%.1f %%)", size(uint64(i.Stream.MaxBytes)),
			100*float64(i.Stream.Bytes)/float64(i.Stream.MaxBytes))
	}
	if !i.Stream.Oldest.IsZero() {
		stream += ", since " + stamp(i.Stream.Oldest)
	}
	store := "NOT READY: events wait in the stream"
	if i.Store.Ready && i.Store.Revision != nil {
		store = fmt.Sprintf("ready, revision %d", *i.Store.Revision)
	} else if i.Store.Ready {
		store = "ready"
	}
	return []string{
		stream,
		fmt.Sprintf("lag       %d events, %s", i.Lag.Events, seconds(i.Lag.Seconds)),
		"store     " + store,
		fmt.Sprintf("registry  revision %d", i.Registry.Revision),
	}
}

// services are the rows of the services; one that judges by an older revision
// than the registry has says so.
func (i *installation) services() [][]string {
	rows := make([][]string, 0, len(i.Services))
	for _, s := range i.Services {
		revision := strconv.FormatUint(s.Revision, 10)
		if s.Revision < i.Registry.Revision {
			revision += " BEHIND"
		}
		rows = append(rows, []string{
			s.Service, short(s.Instance, 8), s.Version, short(s.Commit, 12), revision, stamp(s.StartedAt), stamp(s.SeenAt),
		})
	}
	return rows
}

// size is a number of bytes for people.
func size(n uint64) string {
	if n < 1<<10 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("% .1f", decor.SizeB1024(min(n, math.MaxInt64)))
}

// seconds is a duration for people.
func seconds(s float64) string {
	return time.Duration(s * float64(time.Second)).Round(100 * time.Millisecond).String()
}

// short is the beginning of an id.
func short(s string, n int) string { return s[:min(n, len(s))] }
