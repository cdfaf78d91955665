// Package router routes the requests of one API. It measures every request,
// turns panics and errors into problems, and answers unknown paths and methods.
// Handlers are functions of net/http that may return an error; the web
// framework behind it, echo, is not visible to them.
package router
