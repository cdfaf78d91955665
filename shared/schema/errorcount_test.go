package schema

import (
	"encoding/json"
	"errors"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xeipuuv/gojsonschema"
)

// heldFormat is a format whose checker waits, so that an evaluation stays inside the
// library for as long as a test needs.
type heldFormat struct{ entered, leave chan struct{} }

func (f heldFormat) IsFormat(any) bool {
	f.entered <- struct{}{}
	<-f.leave
	return false
}

// An evaluation that is inside the library stops no other, whether their errors are
// counted or not: the evaluations of one application never wait for another's.
func TestEvaluationsDoNotWaitForEachOther(t *testing.T) {
	const format = "held by a test"
	held := heldFormat{make(chan struct{}), make(chan struct{})}
	gojsonschema.FormatCheckers.Add(format, held)
	t.Cleanup(func() { gojsonschema.FormatCheckers.Remove(format) })
	slow, err := compileValidator(map[string]any{"additionalProperties": map[string]any{"format": format}}, defaultDraft)
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for _, limit := range []int{0, 1000} {
		group.Go(func() {
			if faults, err := slow.findFaults(map[string]any{"a": "x"}, limit); err != nil || len(faults) != 1 {
				t.Errorf("held, at limit %d: %v, %v", limit, faults, err)
			}
		})
		<-held.entered
	}
	s := compile(t, `{"additionalProperties": {"items": {"allOf": [`+list(30, `{"type": "string"}`)+`]}}}`)
	for _, data := range []string{`{"a": [1]}`, `{"a": [` + list(9000, "1") + `]}`} {
		if len(s.Validate(tree(t, data))) == 0 {
			t.Errorf("%.40s is valid", data)
		}
	}
	compile(t, `{"type": "object"}`)
	close(held.leave)
	group.Wait()
}

// Counting changes no fault: neither paths, whatever the names of the members, nor
// messages, nor what references lead to.
func TestCountedEvaluationHasTheSameFaults(t *testing.T) {
	for _, schema := range []string{
		`{"type": "object", "additionalProperties": {"$ref": "#"}}`,
		`{"definitions": {"s": {"type": "string"}, "l": {"items": {"$ref": "#/definitions/s"}}}, "additionalProperties": {"anyOf": [{"$ref": "#/definitions/l"}, {"$ref": "#/definitions/s"}]}}`,
		`{"propertyNames": {"maxLength": 1}, "required": ["z"], "properties": {"z": {}}, "additionalProperties": false}`,
		`{` + draft4 + `"definitions": {"n": {"minimum": 5, "exclusiveMinimum": true}}, "additionalProperties": {"$ref": "#/definitions/n"}}`,
		`{"not": {"required": ["a"]}, "properties": {"": {"const": {"$ref": "#/x"}}}}`,
		`false`,
	} {
		for _, data := range []string{`{"a": 1, "": {"": [2]}, "b.c": {"d": 3}, "#~/": [[]]}`, `{}`, `{"": {"": {"": 1}}}`} {
			s, data := compile(t, schema), tree(t, data)
			want, wantErr := s.engine.findFaults(data, 0)
			got, gotErr := s.engine.findFaults(data, 1000)
			if wantErr != nil || gotErr != nil {
				t.Fatal(wantErr, gotErr)
			}
			sortFaults(want)
			sortFaults(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s on %v (-not counted +counted):\n%s", schema, data, diff)
			}
		}
	}
}

// Each evaluation has its own limit: the errors of others beside it do not count.
func TestEvaluationsAreCountedSeparately(t *testing.T) {
	s := compile(t, `{"additionalProperties": {"type": "string"}}`)
	data := map[string]any{}
	for _, name := range []string{"a", "b", "c", "d"} {
		data[name] = json.Number("1")
	}
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for range 200 {
				faults, err := s.engine.findFaults(data, 3+i%2)
				if i%2 == 0 && !errors.Is(err, errTooMany) || i%2 == 1 && (err != nil || len(faults) != len(data)) {
					t.Errorf("at limit %d: %d faults, %v", 3+i%2, len(faults), err)
					return
				}
			}
		})
	}
	group.Wait()
	if n := errorCounts.running.Load(); n != 0 {
		t.Errorf("%d evaluations are counted still", n)
	}
}
