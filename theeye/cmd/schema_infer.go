package cmd

import (
	"errors"
	"net/url"
	"os"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/api/client"
	"github.com/theeye/theeye/theeye/output"
)

type schemaInferCmd struct {
	serverFlags
	typeArgs
	Application string `placeholder:"NAME" help:"Events of this application alone."`
	periodFlags
	Output string `short:"o" placeholder:"FILE" help:"Write it to a file, for schema put."`
}

// Run prints a first schema of the type, which the server makes from its events.
func (c *schemaInferCmd) Run(p *output.Printer) error {
	q := url.Values{}
	setParameter(q, "application", c.Application)
	if err := c.addPeriod(p, q); err != nil {
		return err
	}
	var proposal api.SchemaProposal
	if _, err := c.getStatistic(api.SchemaProposalPath(c.Category, c.Name), q, &proposal); err != nil {
		return c.explainNoEvents(err)
	}
	if proposal.Truncated {
		p.Remarkf("The events have more members than a schema may; the others are left out.")
	}
	p.Remarkf("Inferred from %d events. It says what they have, not what they should: read it before schema put.", max(proposal.Counted, int64(proposal.Stored))+int64(proposal.Rejected))
	text := output.IndentJSON(proposal.Schema)
	if c.Output == "" {
		return p.Document(text)
	}
	if err := os.WriteFile(c.Output, []byte(text), 0o644); err != nil { //nolint:gosec // a schema is for everyone to read
		return usageError{err}
	}
	return p.Linef("%s", c.Output)
}

// explainNoEvents says of a range without events how to ask for another one.
func (c *schemaInferCmd) explainNoEvents(err error) error {
	var problem *client.ProblemError
	if errors.As(err, &problem) && problem.Code == api.CodeNoEvents {
		return usageErrorf("no event of %s lies in the range, which is the last seven days without --from; "+
			"rejected ones are in theeye rejected", c.typeArgs)
	}
	return err
}
