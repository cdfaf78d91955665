// Package propose makes a first schema of a type, of draft 7, from the data of its events.
//
// Promises:
//
//   - Every event whose data was added is valid by the proposed schema, as package schema
//     validates it, whatever names and values the data has. Counts of further events (Widen)
//     only make the schema wider.
//   - Package schema takes the proposed schema: it is within the limits of a declaration, also
//     laid out with two spaces a level.
//   - The text depends on the events alone, not on their order, while their members are within
//     MaxObserved. It quotes no value: a value may be personal.
//   - Memory is bounded. Members that are beyond a bound are left out, and so unconstrained:
//     the deeper and the rarer ones first.
//
// A schema has the types that were seen at each place, the members of objects, those that every
// object at the place had as required, and one schema for all elements of an array. It has no
// formats, enumerations or ranges: they are what people know of a type, not what some events
// show.
package propose
