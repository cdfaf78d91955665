// Package schema judges events: it compiles the JSON Schema of a type, and
// decides by the schemas and the policy of one registry revision what becomes
// of an event.
//
// Promises:
//
//   - Judge is a pure function of the event, its received time, its application
//     and the Set: no clock, no network, no state. The same faults come in the
//     same order in every process.
//   - Compile opens no file and no connection. A schema is read by our own
//     strict parser and checked whole; the library that evaluates it
//     (gojsonschema) gets a copy that holds nothing but checked keywords.
//   - Work and memory are bounded by the limits on schemas and events. A
//     schema whose evaluation could multiply is refused when it is compiled.
//   - A panic of the library is one fault, CodeValidatorFailed, of that event.
//   - No message of a fault quotes the data: it may be personal.
//
// Supported are the drafts 4, 6 and 7 of JSON Schema; a schema without $schema
// is of draft 7. Formats are checked, patterns are Go's regular expressions
// (RE2).
//
// One inexactness is the library's: const, enum and uniqueItems compare numbers
// as doubles. Compile refuses constants that a double does not tell apart.
//
// # Keywords of The Eye
//
// They judge no event. Others that start with "x-eye-" are not looked at.
//
//   - examples, at the root: data that the schema must take. It is compiled
//     only if it does.
//   - x-eye-reject-examples, at the root: data that it must not take.
//   - x-eye-supersedes, at the root: up to MaxSupersedes revisions of the
//     type's schema that this one replaces.
//   - x-eye-pii, "hash" or "drop": what becomes of a personal value. It may
//     stand where only properties and a single schema in items lead from the
//     root, so that a place has its mark whatever the data is.
//
// # Versions
//
// An event may name, as schema_version, the revision of the schema that it was
// made for. That version judges it, unless newer ones supersede it: then the
// newest of those does, or what supersedes that one in turn. A version that the
// type never had, or that is not among its MaxEarlier last ones, is
// event.CodeUnknownSchemaVersion. Events that name none are judged by the
// newest version; so are all events while that one cannot be used.
//
// # Personal values
//
// They are judged as they came, and replaced in what the store keeps
// (Verdict.Data): "drop" takes a member away and makes an element of an array
// null, "hash" puts "hmac-sha256:" and 64 hexadecimal digits in its place,
// HMAC-SHA-256 under the registry's key of the application, a zero byte and the
// value in the canonical form of package event. The marks of the version that
// judged and of the newest one hold together, drop before hash: naming an old
// version is no way round a newer mark. Everything else stays byte for byte.
//
// An original holds everything as it was sent. So those of rejected events, and
// their data, are kept for a type with marks only where the policy says "keep"
// for this very type; see Originals. The stream holds what came in any case, as
// long as its own retention lasts.
package schema
