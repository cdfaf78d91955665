// Package problem holds the error that the questions and commands of the query
// API return where a client can do something about it: a stable code of the
// wire contract, and one sentence for people. It knows nothing of HTTP, whose
// statuses httpapi assigns in one table.
package problem

import (
	"errors"
	"fmt"
	"time"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/query/filter"
)

// Error is an error with a code for clients. It is immutable.
type Error struct {
	// Code is one of the codes of package api.
	Code string
	// Detail is one sentence for people. It names no internals.
	Detail string
	// RetryAfter is how long a client should wait before it repeats the
	// request; zero is the default of the code.
	RetryAfter time.Duration
	// Members are further members of api.Problem.
	Members []Member
	// Cause is for the log alone; it may be nil.
	Cause error
}

// Member is a member of api.Problem. Its value is a number or a text.
type Member struct {
	Name  string
	Value any
}

// New returns an error without a cause.
func New(code, detail string) *Error { return &Error{Code: code, Detail: detail} }

// Newf is New with a formatted detail.
func Newf(code, format string, args ...any) *Error {
	return &Error{Code: code, Detail: fmt.Sprintf(format, args...)}
}

// NotFound returns the error of a question for a resource that does not exist.
func NotFound(detail string) *Error { return New(api.CodeNotFound, detail) }

// InvalidFilter returns the error of a filter that cannot be parsed. parameter is
// that of the query, or the member of the body, which holds the list of filters.
func InvalidFilter(parameter string, err *filter.Error) *Error {
	return &Error{
		Code: api.CodeInvalidFilter, Detail: parameter + " cannot be read: " + err.Error(),
		Members: []Member{{"parameter", parameter}, {"index", err.Index}, {"position", err.Position}, {"expected", err.Expected}},
	}
}

// Wrap returns an error with a cause.
func Wrap(code, detail string, cause error) *Error {
	return &Error{Code: code, Detail: detail, Cause: cause}
}

// Is reports whether err is an Error of this package.
func Is(err error) bool { return errors.As(err, new(*Error)) }

// Error is the text for the log; it includes the cause.
func (e *Error) Error() string {
	if e.Cause != nil {
		return fmt.Sprintf("%s: %s: %v", e.Code, e.Detail, e.Cause)
	}
	return e.Code + ": " + e.Detail
}

// Unwrap returns the cause, nil without one.
func (e *Error) Unwrap() error { return e.Cause }
