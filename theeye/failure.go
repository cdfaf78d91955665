package main

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/shared/event"
)

// errInterrupted is the end of a command that was told to end.
var errInterrupted = errors.New("interrupted")

// invalid is an error of what the command was given: exit code 2.
type invalid struct{ error }

// Is makes it a kind of daemon.ErrUsage.
func (invalid) Is(target error) bool { return target == daemon.ErrUsage }

// Unwrap returns what is wrong.
func (e invalid) Unwrap() error { return e.error }

func invalidf(format string, args ...any) error { return invalid{fmt.Errorf(format, args...)} }

// unreachable is an error of a request that got no answer: exit code 3.
type unreachable struct {
	address string
	cause   error
}

// Error names the address and the cause.
func (e *unreachable) Error() string {
	return fmt.Sprintf("%s could not be reached: %v", e.address, e.cause)
}

// Is makes it a kind of daemon.ErrUnreachable.
func (*unreachable) Is(target error) bool { return target == daemon.ErrUnreachable }

// Unwrap returns the cause.
func (e *unreachable) Unwrap() error { return e.cause }

// answered is a request that was answered with a problem. Its exit code comes
// from the status.
type answered struct {
	Status int           `json:"-"`
	Code   string        `json:"code"`
	Detail string        `json:"detail"`
	Faults []event.Fault `json:"faults"`
	// Revision is the one that is there, in a conflict; 0 is none.
	Revision uint64 `json:"revision"`

	retryAfter time.Duration
	// again says that an attempt before this one was answered 503, which does
	// not say whether it was carried out.
	again bool
}

// readProblem reads an answer that is not 2xx.
func readProblem(resp *http.Response, body []byte) *answered {
	var p answered
	if json.Unmarshal(body, &p) != nil || p.Code == "" {
		// Something between here and there answered, or no Eye at all.
		p = answered{Detail: "it is no answer of The Eye; is --url right?"}
	}
	p.Status = resp.StatusCode
	if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && s > 0 {
		p.retryAfter = time.Duration(min(s, 1<<20)) * time.Second
	}
	return &p
}

// Error says what was answered, all faults included, one a line.
func (e *answered) Error() string {
	var b strings.Builder
	b.WriteString(strings.TrimSpace(strconv.Itoa(e.Status) + " " + e.Code))
	if e.Detail != "" {
		b.WriteString(": " + e.Detail)
	}
	if e.Status == http.StatusUnauthorized {
		b.WriteString("\nset EYE_TOKEN, or --token, to a token of this installation")
	}
	if e.again {
		b.WriteString("\nan attempt before this one was answered 503, and may have been carried out")
	}
	for _, f := range e.Faults {
		b.WriteString("\n  " + strings.TrimSpace(f.Path+" ") + ": " + f.Message)
	}
	return b.String()
}

// Is tells the kind of failure that the exit code is made of.
func (e *answered) Is(target error) bool {
	switch e.Status {
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden,
		http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return target == daemon.ErrUsage
	case http.StatusServiceUnavailable, http.StatusRequestTimeout, http.StatusGatewayTimeout:
		return target == daemon.ErrUnreachable
	}
	return false
}

// status returns the status that a request was answered with, 0 when err is no
// answer.
func status(err error) int {
	var a *answered
	if errors.As(err, &a) {
		return a.Status
	}
	return 0
}
