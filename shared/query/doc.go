// Package query holds the typed questions that a store answers: which events a
// question is about (Filter), and a page of them (Events).
//
// A question is a value. It depends on no database and no HTTP parameter, so its
// meaning and its bounds exist once: every store calls CheckBounds first and then
// translates a question that is within its bounds. No text of a client becomes an
// operator of a database.
//
// Pages are continued by keyset: a page starts behind the Position of the last
// event of the page before it, so that events which arrive or expire between two
// pages never shift the rest.
package query
