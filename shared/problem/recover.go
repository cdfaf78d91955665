package problem

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
)

var errPanic = errors.New("panic")

// Recover runs the handler of one request. A panic becomes a line in the log
// and the failure that is returned. One that comes after the answer began, as
// answering reports, must break the connection instead, since the rest of the
// answer is missing: Recover then panics with http.ErrAbortHandler, as it does
// where the handler itself panics with it.
func Recover(ctx context.Context, log *slog.Logger, route string, answering func() bool, handle func() error) (err error) {
	defer func() {
		cause := recover()
		switch cause {
		case nil:
			return
		case http.ErrAbortHandler:
			panic(cause)
		}
		log.LogAttrs(ctx, slog.LevelError, "panic in a request",
			slog.String("route", route), slog.Any("panic", cause), slog.String("stack", string(debug.Stack())))
		if answering() {
			panic(http.ErrAbortHandler)
		}
		err = Internal(errPanic)
	}()
	return handle()
}
