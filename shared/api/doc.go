// Package api is the wire contract of The Eye's HTTP interface: paths, problem
// codes, and the JSON shapes of requests and responses, each declared once.
// The services answer with these types, clients decode into them, and the
// OpenAPI document is tested against them.
//
// It holds types and small helpers, no behaviour, and depends on the event
// vocabulary alone. A member that is absent when empty has the option omitzero
// or omitempty; every other member is always present. A client must ignore
// members that it does not know.
package api
