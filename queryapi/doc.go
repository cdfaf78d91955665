// Package queryapi answers analysts and operators: stored events, sessions as
// timelines, one event with its outcome, what was rejected and why, and the
// registry with how it came to be.
//
// Every call is three steps, parse → find → render:
//
//   - parse: a token becomes the applications it may see, the query string a
//     typed query. What is not known is refused, never ignored: a filter that
//     silently does not apply would show too much.
//   - find: a store.Reader, and for one event the messages that still wait for
//     their outcome (backlog).
//   - render: members in a fixed order, data spliced as the store keeps it, so
//     every number comes back with every digit.
//
// Operators show and change the registry here (operators.go): schemas, policy,
// applications, keys and tokens. Every change says by If-Match what it
// replaces; a registry.Editor makes it, in the name of the token, and every
// service applies it. These calls need NATS and not the store. How the whole
// installation is, GET /v1/status tells them (status.go).
//
// Operators also order replays, dry runs and audits here (jobs.go): the order
// and its report are kept in a bucket, and processors do the work. How one event
// was judged before is told to whoever may see it (trace.go): earlier outcomes
// are not kept, they are computed again from the event's message.
//
// Work is bounded: queries at work, time of one, events and bytes of a page,
// messages of a look into the backlog. Errors are RFC 9457 problems with a
// stable code; package apidoc holds the document that describes all of it.
package queryapi
