package main

import "strings"

type tokenListCmd struct{ remote }

// Help is the longer text of --help.
func (tokenListCmd) Help() string { return "Example:\n  theeye token list" }

// Run prints a line a token.
func (c *tokenListCmd) Run(t *terminal) error {
	var list struct {
		Tokens []token `json:"tokens"`
	}
	a, err := c.ask(pathTokens, &list)
	if err != nil {
		return err
	}
	if t.json {
		return t.printJSON(a.value())
	}
	rows := make([][]string, 0, len(list.Tokens))
	for _, k := range list.Tokens {
		applications := strings.Join(k.Applications, " ")
		if k.Applications == nil {
			applications = "all"
		}
		rows = append(rows, append([]string{k.ID, k.Role, applications}, k.cells()...))
	}
	t.table([]string{"ID", "ROLE", "APPLICATIONS", "TIME", "AUTHOR", "NOTE"}, rows)
	return nil
}
