package main

import "net/url"

// tokenCmd is everything about query and operator tokens.
type tokenCmd struct {
	List   tokenListCmd   `cmd:"" help:"List tokens."`
	Create tokenCreateCmd `cmd:"" help:"Make a token."`
	Revoke tokenRevokeCmd `cmd:"" help:"Remove a token: it opens nothing from now on."`
}

// pathTokens is where the registry's tokens are asked for.
const pathTokens = "/v1/tokens"

func tokenPath(id string) string { return pathTokens + "/" + url.PathEscape(id) }

// token is a token. Its secret is in the answer alone that made it.
type token struct {
	ID           string   `json:"id"`
	Role         string   `json:"role"`
	Applications []string `json:"applications"`
	Secret       string   `json:"secret"`
	version
}
