package schema

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/format/native"
)

// tree reads the data of an event as native.Decode makes it.
func tree(t testing.TB, data string) map[string]any {
	t.Helper()
	ev, refusal := native.Decode([]byte(`{"data": ` + data + `}`))
	if refusal != nil || ev.Tree == nil {
		t.Fatalf("data %.200s: %v", data, refusal)
	}
	return ev.Tree
}

func TestValidate(t *testing.T) {
	for _, tc := range []struct {
		schema, data string
		want         []string // "<path> <message>"
	}{
		{`{}`, `{"a": [1, null, {"b": true}]}`, nil},
		{`false`, `{}`, []string{"/data nothing is allowed here"}},
		{`{"required": ["a", "b/c"]}`, `{}`, []string{"/data/a the member is missing", "/data/b~1c the member is missing"}},
		{`{"properties": {"a": {"type": "string"}}}`, `{"a": 1}`, []string{"/data/a must be of type string, not integer"}},
		{`{"properties": {"a": {"type": ["string", "null"]}}}`, `{"a": 1.5}`, []string{"/data/a must be of type [string,null], not number"}},
		{`{"properties": {"a": {"type": "integer"}}}`, `{"a": 1.0}`, nil},
		{`{"properties": {"a": {"type": "null"}}}`, `{"a": null}`, nil},
		{`{"properties": {"a": {"enum": ["x", 2, null, [1.0]]}}}`, `{"a": [1]}`, nil},
		{`{"properties": {"a": {"enum": ["x", 2]}}}`, `{"a": "secret"}`, []string{`/data/a is none of "x", 2`}},
		{`{"properties": {"a": {"const": {"b": 1}}}}`, `{"a": {"b": 2}}`, []string{`/data/a is not {"b":1}`}},
		{`{"properties": {"a": {"const": null}}}`, `{"a": 0}`, []string{`/data/a is not null`}},
		{`{"additionalProperties": false, "properties": {"a": {}}}`, `{"a": 1, "~": 1}`, []string{"/data/~0 the member is not allowed"}},
		{`{"additionalProperties": {"type": "string"}, "patternProperties": {"^n": {"type": "number"}}}`, `{"n1": "1", "s": 1}`, []string{"/data/n1 must be of type number, not string", "/data/s must be of type string, not integer"}},
		{`{"propertyNames": {"maxLength": 2}}`, `{"abc": 1}`, []string{"/data is longer than 2 characters", "/data/abc the name of the member is not allowed"}},
		{`{"minProperties": 1}`, `{}`, []string{"/data has fewer members than 1"}},
		{`{"maxProperties": 0}`, `{"a": 1}`, []string{"/data has more members than 0"}},
		{`{"dependencies": {"a": ["b"], "c": {"required": ["d"]}}}`, `{"a": 1, "c": 1}`, []string{"/data/b the member is missing; another one requires it", "/data/d the member is missing"}},
		{`{"properties": {"a": {"items": {"type": "string"}}}}`, `{"a": ["x", 1, 2]}`, []string{"/data/a/1 must be of type string, not integer", "/data/a/2 must be of type string, not integer"}},
		{`{"properties": {"a": {"items": [{"type": "string"}], "additionalItems": false}}}`, `{"a": [1, 2]}`, []string{"/data/a has more elements than are allowed", "/data/a/0 must be of type string, not integer"}},
		{`{"properties": {"a": {"minItems": 2, "uniqueItems": true}}}`, `{"a": [1]}`, []string{"/data/a has fewer elements than 2"}},
		{`{"properties": {"a": {"maxItems": 1, "uniqueItems": true}}}`, `{"a": [1, 1.0]}`, []string{"/data/a has equal elements", "/data/a has more elements than 1"}},
		{`{"properties": {"a": {"contains": {"const": 1}}}}`, `{"a": [2]}`, []string{"/data/a has no element that matches (contains)"}},
		{`{"properties": {"a": {"minLength": 2}}}`, `{"a": "é"}`, []string{"/data/a is shorter than 2 characters"}},
		{`{"properties": {"a": {"pattern": "^x+$"}}}`, `{"a": "y"}`, []string{"/data/a does not match the pattern ^x+$"}},
		{`{"properties": {"a": {"format": "date"}}}`, `{"a": "2026-02-30"}`, []string{"/data/a is not in the format date"}},
		{`{"properties": {"a": {"format": "date"}}}`, `{"a": 20260230}`, nil},
		{`{"properties": {"a": {"multipleOf": 0.01}}}`, `{"a": 19.99}`, nil},
		{`{"properties": {"a": {"multipleOf": 0.01}}}`, `{"a": 19.999}`, []string{"/data/a is not a multiple of 0.01"}},
		{`{"properties": {"a": {"minimum": 0.1}}}`, `{"a": 0.09}`, []string{"/data/a is less than 0.1"}},
		{`{"properties": {"a": {"exclusiveMinimum": 0.1}}}`, `{"a": 0.1}`, []string{"/data/a is not greater than 0.1"}},
		{`{"properties": {"a": {"maximum": 9007199254740992}}}`, `{"a": 9007199254740993}`, []string{"/data/a is greater than 9007199254740992"}},
		{`{"properties": {"a": {"exclusiveMaximum": 1e308}}}`, `{"a": 1e308}`, []string{"/data/a is not less than 1e+308"}},
		{`{` + draft4 + `"properties": {"a": {"minimum": 1, "exclusiveMinimum": true}}}`, `{"a": 1}`, []string{"/data/a is not greater than 1"}},
		{`{"not": {"required": ["a"]}}`, `{"a": 1}`, []string{"/data matches what is excluded (not)"}},
		{`{"anyOf": [{"required": ["a"]}, {"required": ["b"]}]}`, `{}`, []string{"/data matches none of the alternatives (anyOf): 0: /a the member is missing; 1: /b the member is missing"}},
		{`{"oneOf": [{}, {}]}`, `{}`, []string{"/data matches the alternatives 0 and 1; exactly one is allowed (oneOf)"}},
		{`{"allOf": [{"required": ["a"]}, {"required": ["a"]}]}`, `{}`, []string{"/data/a the member is missing"}},
		{`{"if": {"required": ["a"]}, "then": {"required": ["b"]}, "else": {"required": ["c"]}}`, `{"a": 1}`, []string{"/data/b the member is missing"}},
		{`{"if": {"required": ["a"]}, "then": {"required": ["b"]}, "else": {"required": ["c"]}}`, `{}`, []string{"/data/c the member is missing"}},
		{`{"definitions": {"a": {"type": "string"}}, "properties": {"b": {"$ref": "#/definitions/a"}}}`, `{"b": 1}`, []string{"/data/b must be of type string, not integer"}},
		{`{"properties": {"next": {"$ref": "#"}}, "required": ["v"]}`, `{"v": 1, "next": {"v": 1, "next": {}}}`, []string{"/data/next/next/v the member is missing"}},
		{`{"default": {"$id": "#/definitions/a", "type": "integer"}, "definitions": {"a": {"type": "string"}}, "properties": {"b": {"$ref": "#/definitions/a"}}}`, `{"b": "s"}`, nil},
	} {
		var got []string
		for _, f := range compile(t, tc.schema).Validate(tree(t, tc.data)) {
			if f.Code != event.CodeSchemaViolation {
				t.Errorf("%s on %s: code %s", tc.schema, tc.data, f.Code)
			}
			got = append(got, f.Path+" "+f.Message)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s on %s (-want +got):\n%s", tc.schema, tc.data, diff)
		}
	}
}

// No message quotes the data, however it is wrong; only paths name members.
func TestMessagesQuoteNoData(t *testing.T) {
	const secret = "s3cr3t"
	s := compile(t, `{"properties": {"a": {"enum": ["x"], "pattern": "^y", "format": "email", "maxLength": 1, "const": "z", "not": {"type": "string"}}}}`)
	for _, f := range s.Validate(tree(t, `{"a": "`+secret+`"}`)) {
		if strings.Contains(f.Message, secret) {
			t.Errorf("a message quotes the data: %q", f.Message)
		}
	}
}

// A long list of allowed values does not fill the faults.
func TestMessagesAreShort(t *testing.T) {
	s := compile(t, `{"properties": {"a": {"enum": [`+list(5000, `"é%d"`)+`]}}}`)
	for _, f := range s.Validate(tree(t, `{"a": 1}`)) {
		if len(f.Message) > maxDetail+40 {
			t.Errorf("a message of %d bytes", len(f.Message))
		}
	}
	for shift := range 2 { // the cut falls inside a character once
		s := compile(t, `{"properties": {"a": {"pattern": "^`+strings.Repeat("x", shift)+strings.Repeat("é", 200)+`"}}}`)
		faults := s.Validate(tree(t, `{"a": ""}`))
		if len(faults) != 1 || !strings.HasSuffix(faults[0].Message, "é…") {
			t.Errorf("faults: %v", faults)
		}
	}
}

// The library walks maps, so its order changes from call to call.
func TestValidateIsDeterministic(t *testing.T) {
	s := compile(t, `{"additionalProperties": {"items": {"type": "string"}}, "required": ["x", "y", "z"]}`)
	data := tree(t, `{"a": [1,2,3,4,5,6,7,8,9,10,11,12], "b": [1], "c": 1, "d": [2,3]}`)
	first := s.Validate(data)
	if len(first) != 18 {
		t.Fatalf("%d faults, want 15 elements and 3 members", len(first))
	}
	if first[1].Path != "/data/a/1" || first[10].Path != "/data/a/10" {
		t.Errorf("elements are not in their order: %v", first)
	}
	for range 50 {
		if diff := cmp.Diff(first, s.Validate(data)); diff != "" {
			t.Fatalf("another call, another order (-first +now):\n%s", diff)
		}
	}
}

// A hundred thousand schema errors in one event are few in its document.
func TestErrorsWithoutMeasure(t *testing.T) {
	many := compile(t, `{"additionalProperties": {"items": {"allOf": [`+list(30, `{"type": "string", "enum": ["%d"]}`)+`]}}}`)
	data := tree(t, `{"a": [`+list(9000, "%d")+`]}`)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	faults := many.Validate(data)
	runtime.ReadMemStats(&after)
	if len(faults) != 1 || faults[0].Path != "/data" || !strings.Contains(faults[0].Message, "more than") {
		t.Errorf("faults: %v", faults)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 4*workMemory {
		t.Errorf("%d MB were allocated", used>>20)
	}
	if diff := cmp.Diff(faults, many.Validate(data)); diff != "" {
		t.Errorf("another call, another outcome:\n%s", diff)
	}
	// The counter is off again.
	few := tree(t, `{"a": ["7"]}`)
	if got := many.Validate(few); len(got) == 0 || got[0].Path == "/data" && len(got) == 1 {
		t.Errorf("few errors are not listed: %v", got)
	}
}

// The library keeps the path of each error: a long name would be kept for each
// element below it.
func TestLongNames(t *testing.T) {
	s := compile(t, `{"additionalProperties": {"items": {"type": "string"}}}`)
	data := tree(t, `{"`+strings.Repeat("n", 900_000)+`": [`+list(9000, "1")+`]}`)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	faults := s.Validate(data)
	runtime.ReadMemStats(&after)
	if len(faults) != 1 || len(faults[0].Path) > 1000 {
		t.Errorf("%d faults", len(faults))
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 8*workMemory {
		t.Errorf("%d MB were allocated", used>>20)
	}
}

// An error retains its path and the list of allowed values: fewer of them are
// listed when these are long, but never fewer than an event keeps.
func TestErrorsAreCountedByTheirMemory(t *testing.T) {
	s := compile(t, `{"additionalProperties": {"items": {"enum": [`+list(5000, `"value %d"`)+`]}}}`)
	if faults := s.Validate(tree(t, `{"a": [`+list(5000, "1")+`]}`)); len(faults) != 1 || !strings.Contains(faults[0].Message, "more than") {
		t.Errorf("each of 5000 errors retains 5000 values: %v", faults)
	}
	s = compile(t, `{"additionalProperties": {"items": {"type": "string"}}}`)
	data := tree(t, `{"`+strings.Repeat("n", 900_000)+`": [`+list(event.MaxFaults, "1")+`]}`)
	if faults := s.allFaults(data); len(faults) != event.MaxFaults {
		t.Errorf("%d faults of %d are listed", len(faults), event.MaxFaults)
	}
}

// Evaluations that are counted and others side by side.
func TestValidateConcurrently(t *testing.T) {
	s := compile(t, `{"additionalProperties": {"items": {"allOf": [`+list(30, `{"type": "string"}`)+`]}}}`)
	heavy, light := tree(t, `{"a": [`+list(5000, "1")+`]}`), tree(t, `{"a": [1]}`)
	wantHeavy, wantLight := s.Validate(heavy), s.Validate(light)
	var group sync.WaitGroup
	for i := range 4 {
		group.Go(func() {
			times, data, want := 200, light, wantLight
			if i == 0 {
				times, data, want = 4, heavy, wantHeavy
			}
			for range times {
				if got := s.Validate(data); !cmp.Equal(got, want) {
					t.Errorf("side by side: %v, want %v", got, want)
					return
				}
			}
		})
	}
	group.Wait()
}

func TestValidateLimits(t *testing.T) {
	deep := map[string]any{}
	for range event.MaxDepth {
		deep = map[string]any{"a": []any{deep}}
	}
	wide := make([]any, event.MaxValues+event.MaxKeys)
	for name, tc := range map[string]struct {
		data map[string]any
		want string
	}{
		"number":           {map[string]any{"a": []any{json.Number("1e1000001")}}, event.CodeNumberOutOfRange},
		"no number":        {map[string]any{"a": json.Number("x")}, event.CodeNumberOutOfRange},
		"depth":            {deep, event.CodeTooDeep},
		"values":           {map[string]any{"a": wide}, event.CodeTooLarge},
		"values and depth": {map[string]any{"a": wide, "b": deep}, event.CodeTooLarge},
		"none":             {nil, ""},
	} {
		faults := compile(t, `{"type": "object", "additionalProperties": {"items": {"minimum": 1}}}`).Validate(tc.data)
		if tc.want == "" && len(faults) == 0 {
			continue
		}
		if len(faults) != 1 || faults[0].Code != tc.want || faults[0].Path != "/data" {
			t.Errorf("%s: %v, want code %s", name, faults, tc.want)
		}
	}
}

// broken is an engine that fails.
type broken struct{ err error }

func (b broken) findFaults(any, int) ([]event.Fault, error) {
	if b.err == nil {
		panic("planted")
	}
	return nil, b.err
}

func TestValidatorFails(t *testing.T) {
	for name, engine := range map[string]engine{"panic": broken{}, "error": broken{errors.New("planted")}} {
		s := Schema{engine: engine, cost: 1}
		faults := s.Validate(map[string]any{})
		if len(faults) != 1 || faults[0].Code != event.CodeValidatorFailed || strings.Contains(faults[0].Message, "planted") {
			t.Errorf("%s: %v", name, faults)
		}
	}
}

// A panic while errors are counted is that event's alone: others are validated
// after it, with and without a count.
func TestValidatorFailsWhileErrorsAreCounted(t *testing.T) {
	const costly = 1 << 30
	data := map[string]any{"a": json.Number("1")}
	failing := Schema{engine: &validator{}, cost: costly} // panics: nothing is compiled
	if faults := failing.Validate(data); len(faults) != 1 || faults[0].Code != event.CodeValidatorFailed {
		t.Errorf("faults: %v", faults)
	}
	s := compile(t, `{"properties": {"a": {"type": "string"}}}`)
	for _, cost := range []int{costly, s.cost} {
		s.cost = cost
		if faults := s.Validate(data); len(faults) != 1 || faults[0].Path != "/data/a" {
			t.Errorf("at cost %d: %v", cost, faults)
		}
	}
}

// A schema that costs the most and an event that costs the most take seconds
// together, not hours: the estimate is an upper bound of the evaluations.
func TestCostBoundsErrors(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		depth := 1 + random.IntN(3)
		c := newChecker(nil)
		c.anyRoot = true // most allow no object
		s := c.compile(tree(t, failing(random, depth)))
		data := tree(t, `{"a": {"a": {"a": {}, "b": []}, "b": [{}, 1]}, "b": [{"a": {}}, [2]], "c": 3}`)
		faults, err := s.engine.findFaults(data, 1<<30)
		size, _ := measure(data)
		if err != nil || len(faults) > size.values*s.cost {
			t.Fatalf("%d faults of %d values at cost %d: %v", len(faults), size.values, s.cost, err)
		}
	}
}

// failing is a schema that finds fault with whatever it gets.
func failing(random *rand.Rand, depth int) string {
	if depth == 0 {
		return `{"type": "boolean"}`
	}
	next := func() string { return failing(random, depth-1) }
	return []string{
		fmt.Sprintf(`{"required": ["x", "y"], "properties": {"a": %s, "b": %s}}`, next(), next()),
		fmt.Sprintf(`{"allOf": [%s, %s], "additionalProperties": %s}`, next(), next(), next()),
		fmt.Sprintf(`{"patternProperties": {"a": %s, ".": %s}, "not": {}}`, next(), next()),
		fmt.Sprintf(`{"items": %s, "properties": {"b": {"contains": %s, "minItems": 9}}}`, next(), next()),
	}[random.IntN(4)]
}
