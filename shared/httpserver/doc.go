// Package httpserver is the HTTP server that the collector and the query API
// share: a listener with time limits and a drain (Server), errors in one shape
// (Failure, an RFC 9457 problem), and the parts of a request that mean the same
// everywhere: query parameters, entity tags and cursors.
//
// The routing of both services is package router beside it. It stands apart so
// that a process which only needs a listener, as every admin listener does,
// does not link a web framework.
package httpserver
