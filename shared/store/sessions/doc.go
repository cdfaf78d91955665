// Package sessions answers a question for sessions from what every store can
// read cheaply: the beginnings of sessions in order, and the events of some
// sessions in a light form. What a page holds, which figures a session has and
// what bounds an answer is here, once for all adapters.
//
// No table of sessions is kept: every figure is counted from the events, so none
// can drift from them. The cost of a page is that of the events from its first
// beginning to its last, and of the events of the sessions that it looks at.
// Sessions that began before the range cost a pass over the range, once a page.
// The deadline of the caller ends a question that takes too long.
package sessions
