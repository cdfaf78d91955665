package admin

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"

	"github.com/theeye/theeye/queryapi/problem"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/registry/editor"
	"github.com/theeye/theeye/shared/schema"
)

// The declaration of the default policy equals the policy in force without one.
func TestDefaultPolicyIsTheDefault(t *testing.T) {
	got, faults := schema.ParsePolicy([]byte(defaultPolicy))
	if diff := cmp.Diff(schema.DefaultPolicy(), got); diff != "" || len(faults) > 0 {
		t.Errorf("%s %v", diff, faults)
	}
}

// An error of NATS says that the registry is unavailable; one that a client can
// act on stays, and so does a record that cannot be read.
func TestErrorsOfNATSAreUnavailability(t *testing.T) {
	for _, err := range []error{
		registry.ErrNotFound, job.ErrNotFound, job.ErrTooMany, &editor.ConflictError{}, &editor.InvalidError{},
		problem.NotFound("d"), &jsontext.SyntacticError{},
	} {
		if got := classify(fmt.Errorf("x: %w", err)); !errors.Is(got, err) || isUnavailable(got) {
			t.Errorf("%v became %v", err, got)
		}
	}
	for _, err := range []error{nats.ErrTimeout, context.DeadlineExceeded, context.Canceled, errors.New("other")} {
		if got := classify(err); !errors.Is(got, err) || !isUnavailable(got) {
			t.Errorf("%v became %v", err, got)
		}
	}
	if err := classify(nil); err != nil {
		t.Error(err)
	}
}

func isUnavailable(err error) bool {
	var p *problem.Error
	return errors.As(err, &p) && p.Code == api.CodeRegistryUnavailable
}
