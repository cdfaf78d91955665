// Package schema judges events: it compiles the JSON Schema of a type, and
// decides by the schemas and the policy of one registry revision what becomes
// of an event.
//
// Promises:
//
//   - Judge is a pure function of the event, its received time and the Set: no
//     clock, no network, no state. The same faults come in the same order in
//     every process.
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
// (RE2). Keywords that start with "x-eye-" belong to The Eye and judge nothing.
//
// One inexactness is the library's: const, enum and uniqueItems compare numbers
// as doubles. Compile refuses constants that a double does not tell apart.
package schema
