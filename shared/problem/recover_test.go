package problem_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/theeye/theeye/shared/problem"
)

// outcome is what became of one handler.
type outcome struct {
	err     error
	aborted bool // it panicked with http.ErrAbortHandler
	log     string
}

func run(t *testing.T, answering bool, handle func() error) (o outcome) {
	t.Helper()
	var b bytes.Buffer
	defer func() {
		o.log = b.String()
		if cause := recover(); cause != nil {
			err, _ := cause.(error)
			if o.aborted = errors.Is(err, http.ErrAbortHandler); !o.aborted {
				t.Errorf("it panics with %v", cause)
			}
		}
	}()
	o.err = problem.Recover(t.Context(), slog.New(slog.NewTextHandler(&b, nil)), "/v1/x",
		func() bool { return answering }, handle)
	return o
}

func TestRecover(t *testing.T) {
	own := errors.New("own")
	if o := run(t, false, func() error { return own }); !errors.Is(o.err, own) || o.aborted || o.log != "" {
		t.Errorf("an error: %+v", o)
	}

	o := run(t, false, func() error { panic("lost its way") })
	var f *problem.Failure
	if !errors.As(o.err, &f) || f.Status != http.StatusInternalServerError || f.Code != problem.CodeInternal || o.aborted {
		t.Errorf("a panic before the answer: %+v", o)
	}
	for _, part := range []string{"lost its way", "/v1/x", "recover_test.go"} {
		if !strings.Contains(o.log, part) {
			t.Errorf("the log lacks %q: %s", part, o.log)
		}
	}

	if o := run(t, true, func() error { panic("half way") }); !o.aborted || !strings.Contains(o.log, "half way") {
		t.Errorf("a panic in the answer: %+v", o)
	}
	for _, answering := range []bool{false, true} {
		if o := run(t, answering, func() error { panic(http.ErrAbortHandler) }); !o.aborted || o.log != "" {
			t.Errorf("an abort: %+v", o)
		}
	}
}
