// Package apidoc holds the document that describes the HTTP API of The Eye,
// OpenAPI 3.1, written by hand. Package apicheck, beside it, compares answers
// of running services with it.
package apidoc

import _ "embed"

//go:embed openapi.json
var document string

// Document returns the OpenAPI document as JSON; the copy is the caller's.
func Document() []byte { return []byte(document) }
