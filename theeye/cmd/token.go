package cmd

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/api/client"
	"github.com/theeye/theeye/theeye/output"
)

// tokenCmd has the commands for query and operator tokens.
type tokenCmd struct {
	List   tokenListCmd   `cmd:"" help:"List tokens."`
	Create tokenCreateCmd `cmd:"" help:"Make a token."`
	Revoke tokenRevokeCmd `cmd:"" help:"Remove a token: it opens nothing from now on."`
}

type tokenListCmd struct{ serverFlags }

// Run prints a line for each token.
func (c *tokenListCmd) Run(p *output.Printer) error {
	return c.printAll(p, api.PathTokens, nil, wholeList{
		member: "tokens", header: []string{"ID", "ROLE", "APPLICATIONS", "TIME", "AUTHOR", "NOTE", "LAST USED"},
		rows: rowsOf(func(t *api.Token) [][]string {
			applications := strings.Join(t.Applications, " ")
			if t.Applications == nil {
				applications = "all"
			}
			return [][]string{{t.ID, t.Role, applications, p.Time(t.Time.Time), t.Author, t.Note, p.Time(t.LastUsedAt.Time)}}
		}),
		empty: "The registry has no token: theeye token create adds one. Tokens of settings are not listed.",
	})
}

type tokenCreateCmd struct {
	serverFlags
	noteFlag
	ID          string   `arg:"" help:"Id, which the history names as author: 1 to 64 of a-z, 0-9 and -."`
	Role        string   `required:"" enum:"analyst,operator" placeholder:"ROLE" help:"analyst queries; operator does everything."`
	Application []string `sep:"none" placeholder:"NAME" help:"The only application that an analyst sees. Repeatable; all without."`
}

// Run creates the token and prints its secret.
func (c *tokenCreateCmd) Run(p *output.Printer) error {
	body, err := json.Marshal(api.NewToken{ID: c.ID, Role: c.Role, Applications: c.Application})
	if err != nil {
		return fmt.Errorf("encode the token: %w", err)
	}
	var created api.CreatedToken
	resp, err := c.call(client.Request{Method: http.MethodPost, Path: api.PathTokens, Body: body, Note: c.Note}, &created)
	if client.Status(err) == http.StatusPreconditionFailed {
		return fmt.Errorf("token %s exists: %w", c.ID, err)
	}
	if err != nil {
		return fmt.Errorf("token %s: %w", c.ID, err)
	}
	if p.JSON {
		return p.Value(resp.Body)
	}
	p.Remarkf("token %s (%s); its secret, shown this once:", created.ID, created.Role)
	return p.Linef("%s", created.Secret)
}

type tokenRevokeCmd struct {
	serverFlags
	noteFlag
	yesFlag
	ID string `arg:"" help:"Id of the token."`
}

// Run removes the token. It asks before it removes the only one of an operator.
func (c *tokenRevokeCmd) Run(p *output.Printer) error {
	revoked, resp, err := c.revoke(c.Yes)
	if client.Code(err) == api.CodeLastOperator {
		err = c.confirm(p, "token "+c.ID+" is the only operator token of the registry: without it, "+
			"only EYE_OPERATOR_TOKEN or a restart of theeye up gives access to operators.")
		if err != nil {
			return err
		}
		revoked, resp, err = c.revoke(true)
	}
	if err != nil {
		return fmt.Errorf("token %s: %w", c.ID, err)
	}
	if p.JSON {
		return p.Value(resp.Body)
	}
	return p.Linef("token %s: revoked", revoked.ID)
}

// revoke removes the token; lastToo also the only one of an operator.
func (c *tokenRevokeCmd) revoke(lastToo bool) (revoked api.ChangedToken, resp *client.Response, err error) {
	request := client.Request{Method: http.MethodDelete, Path: api.TokenPath(c.ID), Note: c.Note}
	if lastToo {
		request.Query = url.Values{api.CodeLastOperator: {"true"}}
	}
	resp, err = c.call(request, &revoked)
	return revoked, resp, err
}
