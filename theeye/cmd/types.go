package cmd

import (
	"net/url"
	"strconv"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/api/client"
	"github.com/theeye/theeye/theeye/output"
)

type typesCmd struct {
	serverFlags
	Application string `placeholder:"NAME" help:"Events of this application alone."`
	periodFlags
}

// Run prints a line for each type that was received or is registered.
func (c *typesCmd) Run(p *output.Printer) error {
	query := url.Values{}
	setParameter(query, "application", c.Application)
	if err := c.addPeriod(p, query); err != nil {
		return err
	}
	header := []string{"CATEGORY", "NAME", "SCHEMA", "STORED", "REJECTED", "SHARE", "LAST"}
	if p.Chart() {
		header = append(header, "CHART")
	}
	return c.printAll(p, api.PathTypes, query, wholeList{
		member: "types", header: header,
		rows: rowsOf(func(t *api.TypeSummary) [][]string {
			version, share := "none", ""
			if t.Registered {
				version = output.Uint(t.SchemaVersion)
			}
			if t.Stored+t.Rejected > 0 {
				share = shareText(p, t.ShareRejected)
			}
			row := []string{
				t.Category, t.Name, version, strconv.FormatInt(t.Stored, 10), strconv.FormatInt(t.Rejected, 10), share, p.Time(t.LastSeen.Time),
			}
			if p.Chart() {
				row = append(row, output.SparklineOf(t.Series))
			}
			return [][]string{row}
		}),
		empty: "No type was received in the range, which is the last seven days without --from, and none is registered.",
	})
}

type changesCmd struct {
	serverFlags
	Kind string `enum:",schema,policy,application,token,replay" default:"" placeholder:"KIND" help:"Changes of this kind alone: schema, policy, application, token or replay."`
	Name string `placeholder:"TEXT" help:"Changes of the application, type or token of this name alone."`
	listFlags
}

// defaultChanges is how many changes are listed without flags.
const defaultChanges = 50

// Run prints a line for each change of the registry, the newest first.
func (c *changesCmd) Run(p *output.Printer) error {
	query := url.Values{}
	setParameter(query, "kind", c.Kind)
	setParameter(query, "name", c.Name)
	return c.printList(p, c.serverFlags, list{
		path: api.PathChanges, member: "changes", query: query, pageSize: client.RecordPageSize, limit: defaultChanges,
		header: []string{"TIME", "KIND", "SUBJECT", "ACTION", "REVISION", "AUTHOR", "NOTE"},
		rows:   rowsOf(func(change *api.Change) [][]string { return [][]string{changeRow(p, change)} }),
		empty:  "The registry was not changed yet.",
	})
}

func changeRow(p *output.Printer, c *api.Change) []string {
	subject := c.Name
	if c.Category != "" {
		subject = c.Category + " / " + c.Name
	}
	return []string{p.Time(c.Time.Time), c.Kind, subject, c.Action, output.Uint(c.Revision), c.Author, c.Note}
}
