package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/job"
)

// replayCmd is everything about replays and dry runs.
type replayCmd struct {
	Start  replayStartCmd  `cmd:"" default:"withargs" help:"Run accepted events through the newest registry revision again. The word start can be left out."`
	List   replayListCmd   `cmd:"" help:"List replays and dry runs, the newest first."`
	Show   replayShowCmd   `cmd:"" help:"Show a replay or dry run, with its report."`
	Cancel replayCancelCmd `cmd:"" help:"End a replay or dry run. What it has written stays."`
}

// span are the flags that choose a part of the stream.
type span struct {
	From    moment `placeholder:"TIME" help:"Received from this time on: RFC 3339, 'YYYY-MM-DD HH:MM:SS' (UTC), or how long ago, e.g. 90m or 7d."`
	To      moment `placeholder:"TIME" help:"Received before this time."`
	FromSeq uint64 `name:"from-seq" placeholder:"N" help:"From this sequence of the stream on."`
	ToSeq   uint64 `name:"to-seq" placeholder:"N" help:"Up to this sequence, which is included."`
}

// covered are the flags that choose accepted events. All of them hold together.
type covered struct {
	span
	Application string `placeholder:"NAME" help:"Events of this application alone."`
	Category    string `placeholder:"TEXT" help:"Events of this category alone."`
	Name        string `placeholder:"TEXT" help:"Events of this name alone."`
	Only        string `enum:",rejected" default:"" placeholder:"rejected" help:"rejected: events that are rejected at present alone."`
	Code        string `placeholder:"CODE" help:"Events that are rejected for this reason alone, e.g. unknown_type."`
}

// selection returns what the flags choose at the time now.
func (s span) selection(now time.Time) (job.Selection, error) {
	from, err := s.From.time(now)
	if err != nil {
		return job.Selection{}, fmt.Errorf("--from %w", err)
	}
	to, err := s.To.time(now)
	if err != nil {
		return job.Selection{}, fmt.Errorf("--to %w", err)
	}
	return job.Selection{From: from, To: to, FromSeq: s.FromSeq, ToSeq: s.ToSeq}, nil
}

func (c covered) selection(now time.Time) (job.Selection, error) {
	s, err := c.span.selection(now)
	s.Application, s.Category, s.Name, s.Only, s.Code = c.Application, c.Category, c.Name, c.Only, c.Code
	return s, err
}

// moment is a time as people type it; "" is none.
type moment string

// errMoment says how a time is typed.
var errMoment = invalid{errors.New("wants RFC 3339, 'YYYY-MM-DD HH:MM:SS' (UTC), or how long ago, e.g. 90m or 7d")}

// maxDays keeps days ago within what a duration holds.
const maxDays = 36500

// time returns the time that is meant, in UTC: the zero time for none.
func (m moment) time(now time.Time) (time.Time, error) {
	if m == "" {
		return time.Time{}, nil
	}
	if t, err := event.ParseTime(string(m)); err == nil {
		return t, nil
	}
	ago, err := time.ParseDuration(string(m))
	if digits, ok := strings.CutSuffix(string(m), "d"); ok {
		var days uint64
		if days, err = strconv.ParseUint(digits, 10, 64); days > maxDays {
			return time.Time{}, errMoment
		}
		ago = time.Duration(days) * 24 * time.Hour
	}
	if err != nil || ago <= 0 {
		return time.Time{}, errMoment
	}
	return now.Add(-ago).UTC().Truncate(time.Microsecond), nil
}
