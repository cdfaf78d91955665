// Package columns holds events as columns: parts, each the immutable rows of one
// application that were received on one UTC day, in memory or in a Parquet file.
//
// A part is a cache of the store and promises this:
//
//   - Every field of the filter grammar of a stored event is a Column whose value in each
//     row is what filter.Path.Resolve returns for the document, or ErrNotHeld. Values
//     are exact: 2^53 and 2^53+1 differ, 1 and 1.0 are one value, missing, null and empty
//     are three.
//   - Data objects are taken apart into leaves: members that hold no object, or an empty
//     one. An array is one value. A path that leads into an array is resolved over the
//     distinct values of it, one that leads to an object puts the object together again.
//     Of rejected events the data is not held.
//   - Counts in a part's description are those of its rows: they are counted from the
//     vectors that the part is made of.
//   - Work and memory are bounded: see MaxPaths, MaxValueBytes, MaxValues and
//     Builder.MaxBytes. A value over a bound is never wrong, it is ErrNotHeld or
//     ErrTooLarge.
//
// A Builder makes a part of documents. A View says which rows of a part count, so that
// a newer part can mask the slots that it replaces, and a Snapshot is a set of views that
// hold each document once. Vectors are decoded when they are asked for, and kept in a
// Cache.
package columns
