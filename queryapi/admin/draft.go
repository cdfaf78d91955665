package admin

import (
	"errors"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/format/native"
	"github.com/theeye/theeye/shared/registry/editor"
	"github.com/theeye/theeye/shared/schema"
)

// ErrTooCostly says that the data takes more work than one request may cost.
var ErrTooCostly = errors.New("the data takes too much work to validate in one request")

// ValidateDraft validates data of events by a schema of a type that is not put, and keeps
// nothing. The schema is checked as PutSchema checks it: the error of one with faults is an
// *editor.InvalidError.
func (a *Admin) ValidateDraft(t schema.Type, raw []byte, data []jsontext.Value) (api.DraftVerdicts, error) {
	draft, faults := editor.CheckSchema(t, raw)
	if len(faults) > 0 {
		return api.DraftVerdicts{}, &editor.InvalidError{Faults: faults}
	}
	set := schema.NewSet(1, schema.DefaultPolicy(), map[schema.Type]schema.Versioned{t: {Schema: draft.CompiledSchema(), Revision: 1}}, make([]byte, 1))
	verdicts := api.DraftVerdicts{Results: make([]api.DraftVerdict, len(data))}
	left := schema.MaxWork
	for i, d := range data {
		found, work, ok := validateData(set, t, d, left)
		if !ok {
			return api.DraftVerdicts{}, ErrTooCostly
		}
		left -= work
		verdicts.Results[i] = api.DraftVerdict{Index: i, Errors: found}
	}
	return verdicts, nil
}

// validateData returns the faults of one event's data; false if it takes more work than
// limit.
func validateData(set *schema.Set, t schema.Type, data jsontext.Value, limit schema.Work) ([]event.Fault, schema.Work, bool) {
	raw := append(append([]byte(`{"data":`), data...), '}')
	read, refusal := native.Decode(raw)
	if refusal != nil {
		return []event.Fault{{Code: refusal.Code, Path: event.Pointer("data"), Message: refusal.Message}}, 0, true
	}
	now := time.Now()
	ev := &event.Event{Head: event.Head{Category: t.Category, Name: t.Name}, Timestamp: now, Data: read.Data, Tree: read.Tree}
	for _, f := range read.Faults {
		if f.Code == event.CodeInvalidData {
			ev.Faults = append(ev.Faults, f)
		}
	}
	v, ok := set.ValidateWithin(ev, now, "", limit)
	if v.Work > limit {
		return nil, v.Work, false
	}
	return v.Faults, v.Work, ok
}
