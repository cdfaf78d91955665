// Package filter holds the filters of the query API: their grammar, the JSON values
// that they compare, and the one evaluator that decides whether an event matches.
// A database may only narrow the events to evaluate.
//
// A filter is a list of conditions, all of which must hold. A condition is a text
//
//	field op value        data.plan=pro   data.items[].price >= 9.5   type ^= "page "
//	field in array        data.plan in ["pro","team"]
//	field exists [bool]   data.coupon exists false
//
// A field is application, event_id, session_id, category, name, type, timestamp,
// received_at, schema_version, or data with a path: members as bare words of letters,
// digits, _ and -, or quoted as in JSON; digits name an element of an array or a member
// of an object, quoted ones a member only; [] stands for every element. type is the
// text "category / name".
//
// The operators are = != > >= < <= ^= (begins with) *= (contains) in exists. Spaces
// around an operator are skipped. A value of data or schema_version is JSON if it
// parses (strictly: no name twice, no half of a surrogate pair), else text. A field of
// text, ^= and *= always take text: a JSON string is unquoted, anything else stays as
// it is written. timestamp and received_at take the times of package when.
//
// What a condition means:
//
//   - Numbers are compared as exact decimals: 1 = 1.0, and 2^53+1 differs from 2^53.
//     Text is compared by its UTF-8 bytes, arrays and objects deeply, the latter without
//     regard to order.
//   - Values of different kinds are not equal and have no order; booleans, null, arrays
//     and objects have none among themselves either.
//   - A missing value meets no condition but != and exists false. A null is a value: it
//     exists, and equals null alone.
//   - Behind [] a condition holds if any element meets it, != if none is equal, exists
//     if there is an element. Any other value counts as an array of one.
//
// Work and memory are bounded by the sizes of filter and event: a number's exponent is
// never expanded. Conditions and values are immutable and safe for concurrent use; an
// Event is not, since it reads its data when it is first asked for them.
package filter
