package main

import (
	"context"
	"net/url"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/job"
)

type replayListCmd struct {
	remote
	listed
}

// listed is what every command is told that lists jobs.
type listed struct {
	Limit int `default:"20" placeholder:"N" help:"How many at most, the newest first (${default})."`
}

// Help is the longer text of --help.
func (replayListCmd) Help() string { return "Example:\n  theeye replay list" }

// Run prints a line a replay or dry run.
func (c *replayListCmd) Run(t *terminal) error { return replays.list(t, c.remote, c.Limit) }

// list prints a line a job. With --json it is what the server sent, in one list.
func (k jobs) list(t *terminal, r remote, most int) error {
	if most < 1 {
		return invalidf("--limit wants at least 1")
	}
	client, err := r.client()
	if err != nil {
		return err
	}
	ctx, stop := interruptible()
	defer stop()
	all, err := k.newest(ctx, client, most)
	if err != nil {
		return err
	}
	if t.json {
		return t.printJSON(map[string]any{k.noun + "s": all})
	}
	rows := make([][]string, 0, len(all))
	for _, raw := range all {
		j := jobRecord{kind: k}
		if err := json.Unmarshal(raw, &j); err != nil {
			return noAnswer(err)
		}
		rows = append(rows, j.cells())
	}
	t.table([]string{"ID", "KIND", "STATE", "REVISION", "DONE", "TOTAL", "CREATED", "AUTHOR", "SELECTION", "NOTE"}, rows)
	return nil
}

// newest returns the newest jobs, as the server tells them.
func (k jobs) newest(ctx context.Context, client *client, most int) ([]jsontext.Value, error) {
	all, query := []jsontext.Value{}, url.Values{}
	for {
		query.Set("limit", strconv.Itoa(min(maxPage, most-len(all))))
		var page struct {
			Replays    []jsontext.Value `json:"replays"`
			Audits     []jsontext.Value `json:"audits"`
			NextCursor string           `json:"next_cursor"`
		}
		if _, err := client.get(ctx, k.path, query, &page); err != nil {
			return nil, err
		}
		found := append(page.Replays, page.Audits...)
		if all = append(all, found...); page.NextCursor == "" || len(found) == 0 || len(all) >= most {
			return all, nil
		}
		query.Set("cursor", page.NextCursor)
	}
}

// cells are the columns of a list.
func (j *jobRecord) cells() []string {
	what, state := j.kind.noun, string(j.State)
	if j.DryRun {
		what = "dry run"
	}
	if j.CancelRequested && j.State == job.Running {
		state = "ending"
	}
	revision := ""
	if j.TargetRevision > 0 {
		revision = strconv.FormatUint(j.TargetRevision, 10)
	}
	return []string{
		j.ID, what, state, revision, strconv.FormatUint(j.Done, 10), strconv.FormatUint(j.Total, 10),
		stamp(j.CreatedAt), j.Author, j.chosen(), j.Note,
	}
}
