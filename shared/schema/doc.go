// Package schema validates events: it compiles the JSON Schema of a type, and
// decides the outcome of an event by the schemas and the policy of one registry
// revision.
//
// Promises:
//
//   - Validate is a pure function of the event, its received time, its application
//     and the Set: no clock, no network, no state. The same faults come in the
//     same order in every process.
//   - Compile opens no file and no connection. A schema is read by our own
//     strict parser and checked as a whole; the library that evaluates it
//     (gojsonschema) gets copies that hold checked keywords only.
//   - A schema that is taken has the verdicts of its draft, as the official test
//     suite in testdata/suite wants them; what this package cannot evaluate so is
//     refused by its name.
//   - Work and memory are bounded by the limits on schemas and events. A
//     schema whose evaluation could multiply is refused when it is compiled,
//     and data whose evaluation needs more than MaxWork is a fault, which is
//     decided by an estimate before the evaluation: see Work.
//   - No evaluation waits for another.
//   - A panic of the library is one fault, CodeValidatorFailed, of that event.
//   - No message of a fault quotes the data: it may be personal.
//
// Supported are the drafts 4, 6, 7, 2019-09 and 2020-12 of JSON Schema; a schema
// without $schema is of draft 7. Formats are checked in all of them. Patterns are
// those of ECMA 262, translated to Go's regular expressions (RE2); look-around and
// references to groups are refused.
//
// The library evaluates a schema whose keywords it evaluates exactly and describes
// well. Otherwise an evaluator of our own walks schema and data, decides equality
// (numbers are decimals), alternatives, references and the keywords of later drafts,
// and lets the library evaluate the other assertions and subschemas. See the record
// 0021 in docs/adr.
//
// # Keywords of The Eye
//
// They do not constrain events. Other keywords that start with "x-eye-" are
// ignored.
//
//   - examples, at the root: data that the schema must accept; otherwise it is
//     not compiled.
//   - x-eye-reject-examples, at the root: data that it must reject.
//   - x-eye-supersedes, at the root: up to MaxSupersedes revisions of the
//     type's schema that this one replaces.
//   - x-eye-pii, "hash" or "drop": the treatment of a personal value. It is
//     allowed where only properties and a single schema in items lead from the
//     root, so that a location is marked independently of the data.
//
// # Versions
//
// An event may name, as schema_version, the revision of the schema that it was
// made for. That version validates it, unless newer versions supersede it: then
// the newest of those does, or the version that supersedes that one in turn. A
// version that the type never had, or that is not among its MaxEarlier last ones,
// is event.CodeUnknownSchemaVersion. Events that name no version are validated by
// the newest one; so are all events while the newest one cannot be used.
//
// # Personal values
//
// They are validated as received, and replaced in the stored data (Verdict.Data):
// "drop" removes a member and makes an element of an array null, "hash" puts "hmac-sha256:" and 64 hexadecimal digits in its place,
// HMAC-SHA-256 under the registry's key of the application, a zero byte and the
// value in the canonical form of package event. The marks of the version that
// validated the event and of the newest version both apply, drop before hash:
// naming an old version does not evade a newer mark. All other data stays byte
// for byte.
//
// An original holds all values as they were sent. The originals and the data of
// rejected events of a type with marks are therefore kept only where the policy
// says "keep" for this very type; see Originals. The stream keeps the received
// message in any case, within its own retention.
package schema
