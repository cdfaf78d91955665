package main

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
)

type schemaHistoryCmd struct {
	remote
	typed
	Limit int `default:"50" placeholder:"N" help:"How many versions at most, the newest first (${default})."`
}

// Help is the longer text of --help.
func (schemaHistoryCmd) Help() string {
	return "Example:\n  theeye schema history 'page interaction' 'cta click'"
}

// maxPage is how much is asked for at once.
const maxPage = 100

// Run prints a line a version, the newest first.
func (c *schemaHistoryCmd) Run(t *terminal) error {
	if c.Limit < 1 {
		return invalidf("--limit wants at least 1")
	}
	client, err := c.client()
	if err != nil {
		return err
	}
	ctx, stop := interruptible()
	defer stop()
	versions, err := c.fetch(ctx, client)
	if err != nil {
		return fmt.Errorf("%s: %w", c.typed, err)
	}
	if t.json {
		return t.printJSON(map[string]any{"versions": versions})
	}
	rows := make([][]string, 0, len(versions))
	for _, v := range versions {
		action := "put"
		if v.Removed {
			action = "removed"
		}
		rows = append(rows, append([]string{strconv.FormatUint(v.Revision, 10), action}, v.cells()...))
	}
	t.table([]string{"REVISION", "ACTION", "TIME", "AUTHOR", "NOTE"}, rows)
	return nil
}

func (c *schemaHistoryCmd) fetch(ctx context.Context, client *client) ([]version, error) {
	versions := []version{}
	query := url.Values{}
	for {
		query.Set("limit", strconv.Itoa(min(maxPage, c.Limit-len(versions))))
		var page struct {
			Versions   []version `json:"versions"`
			NextCursor string    `json:"next_cursor"`
		}
		if _, err := client.get(ctx, c.path()+"/history", query, &page); err != nil {
			return nil, err
		}
		versions = append(versions, page.Versions...)
		if page.NextCursor == "" || len(page.Versions) == 0 || len(versions) >= c.Limit {
			return versions, nil
		}
		query.Set("cursor", page.NextCursor)
	}
}
