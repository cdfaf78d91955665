// Package queryapi is the query API as a service: it composes the questions of
// analysts (package events), the commands of operators (package admin) and
// their HTTP interface (package httpapi).
//
// Every call is three steps, parse → find → render:
//
//   - parse: a token becomes an access.Principal, the request a typed query or
//     command (httpapi).
//   - find: events reads a store and, for one event, the messages of the stream
//     without an outcome; admin reads and changes the registry, and starts jobs,
//     which the processors run.
//   - render: values of the wire contract (shared/api) as JSON (httpapi).
//
// The arrows point downwards alone: httpapi → {events, admin} → access →
// problem. The two halves know nothing of each other, and neither knows HTTP.
// Package apidoc holds the OpenAPI document, which is tested against the types
// of the contract and against every answer of the tests.
package queryapi
