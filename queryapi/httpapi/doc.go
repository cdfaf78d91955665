// Package httpapi serves the query API over HTTP. Every handler is three steps,
// parse → call → render: it parses path, parameters, headers and body into
// typed values, calls package events or package admin, and renders the value
// that they return.
//
//   - Parsing refuses unknown parameters and members instead of ignoring them: a
//     filter that is silently ignored would show too much (params.go, body.go).
//   - Failures are RFC 9457 problems with a stable code; failure.go has the one
//     table from errors to answers.
//   - Rendering uses the types of shared/api; only events are appended by hand,
//     since their data is spliced as the store keeps it (render.go).
//
// A request needs a token of the right role, one of a bounded number of slots,
// and ends within a time limit (service.go). The OpenAPI document of package apidoc
// describes all of it.
package httpapi
