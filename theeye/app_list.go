package main

import (
	"strconv"
	"strings"
	"time"
)

type appListCmd struct{ remote }

// Help is the longer text of --help.
func (appListCmd) Help() string { return "Example:\n  theeye app list" }

// Run prints a line a write key. An application without keys has one too.
func (c *appListCmd) Run(t *terminal) error {
	var list struct {
		Applications []application `json:"applications"`
	}
	a, err := c.ask(pathApplications, &list)
	if err != nil {
		return err
	}
	if t.json {
		return t.printJSON(a.value())
	}
	now := time.Now()
	var rows [][]string
	for _, app := range list.Applications {
		revision := strconv.FormatUint(app.Revision, 10)
		for _, k := range app.Keys {
			rows = append(rows, []string{
				app.Name, k.ID, k.Kind, k.state(now), strings.Join(k.Origins, " "), k.limits(), revision, app.Author,
			})
		}
		if len(app.Keys) == 0 {
			rows = append(rows, []string{app.Name, "", "", "", "", "", revision, app.Author})
		}
	}
	t.table([]string{"APPLICATION", "KEY", "KIND", "STATE", "ORIGINS", "LIMITS", "REVISION", "AUTHOR"}, rows)
	return nil
}
