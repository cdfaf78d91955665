// Package httpserver is the HTTP server that the collector and the query API
// share: a listener with limits and a drain (Server), errors in one shape
// (Failure, an RFC 9457 problem), and the parts of a request that mean the same
// everywhere: paths, query parameters, entity tags and cursors.
//
// Clients that are slow, or send all before they read, are served: a body or an
// answer may take minutes while it makes progress (Pace, Transfer), and every
// answer can be read, also one that is given before the body was read: the rest
// is read, and connections are closed lingering. They keep no other client out:
// memory is shared (Budget), and everything else that a client may occupy is
// bounded by number, where one more ends the oldest.
//
// The routing of both services is package router beside it. It stands apart so
// that a process which only needs a listener, as every admin listener does,
// does not link a web framework.
package httpserver
