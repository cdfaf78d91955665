package schema

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Numbers are compared by their decimal value, whatever their length and form, on
// their own and inside of arrays and objects.
func TestNumbersAreComparedExactly(t *testing.T) {
	for _, tc := range []struct {
		a, b  string
		equal bool
	}{
		{"1796547381226848257", "1796547381226848258", false},
		{"9007199254740992", "9007199254740993", false},
		{"0", "-0", true},
		{"0", "-0.0", true},
		{"0", "0e5", true},
		{"-0.00e-7", "0E+300", true},
		{"1", "1.0", true},
		{"1", "10e-1", true},
		{"100", "1e2", true},
		{"1.50", "15E-1", true},
		{"1", "-1", false},
		{"1", "1.00000000000000000000000000000000000001", false},
		{"0.1", "0.1000000000000000055511151231257827", false},
		{"123456789012345678901234567890", "123456789012345678901234567891", false},
		{"123456789012345678901234567890", "12345678901234567890123456789e1", true},
		{"1e308", "1.0e308", true},
		{"5e-300", "5.1e-300", false},
	} {
		for form, text := range map[string]string{
			"alone": `%s`, "in an array": `[[%s], 1]`, "in an object": `{"x": {"y": %s}, "z": "%[1]s"}`,
		} {
			if form == "in an object" {
				text = `{"x": {"y": %s}}`
			}
			a, b := fmt.Sprintf(text, tc.a), fmt.Sprintf(text, tc.b)
			for keyword, schema := range map[string]string{
				"const": `{"properties": {"v": {"const": ` + a + `}}}`,
				"enum":  `{"properties": {"v": {"enum": ["other", ` + a + `]}}}`,
				"not":   `{"properties": {"v": {"not": {"not": {"const": ` + a + `}}}}}`,
			} {
				if valid := len(compile(t, schema).Validate(tree(t, `{"v": `+b+`}`))) == 0; valid != tc.equal {
					t.Errorf("%s %s: %s is valid: %t", keyword, a, b, valid)
				}
			}
			unique := compile(t, `{"properties": {"v": {"uniqueItems": true}}}`)
			if valid := len(unique.Validate(tree(t, `{"v": [`+a+`, null, `+b+`]}`))) == 0; valid == tc.equal {
				t.Errorf("uniqueItems %s: %s and %s are valid: %t", form, a, b, valid)
			}
		}
	}
}

// Values that are equal for JSON are equal, others are not: against a comparison in
// rational numbers.
func TestKeysAreEqualForEqualValues(t *testing.T) {
	numbers := rapid.Map(rapid.SampledFrom([]string{"0", "-0", "0.0", "0e5", "1", "1.0", "10e-1", "-1", "2", "20e-1", "9007199254740993", "9007199254740992.0"}),
		func(s string) any { return json.Number(s) })
	texts := rapid.SampledFrom([]any{nil, true, false, "", "1", "n", "s1:1", "[", "a", "1:a"})
	var values func(depth int) *rapid.Generator[any]
	values = func(depth int) *rapid.Generator[any] {
		if depth == 0 {
			return rapid.OneOf(numbers, texts)
		}
		return rapid.OneOf(numbers, texts,
			rapid.Map(rapid.SliceOfN(values(depth-1), 0, 3), func(l []any) any { return l }),
			rapid.Map(rapid.MapOfN(rapid.SampledFrom([]string{"", "a", "1:a", "b"}), values(depth-1), 0, 3), func(o map[string]any) any { return o }))
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := values(2).Draw(t, "a"), values(2).Draw(t, "b")
		if rapid.Bool().Draw(t, "same") {
			b = a
		}
		if got, want := string(appendKey(nil, a)) == string(appendKey(nil, b)), areEqual(a, b); got != want {
			t.Fatalf("%v and %v: equal keys %t, equal %t", a, b, got, want)
		}
	})
}

func areEqual(a, b any) bool {
	switch a := a.(type) {
	case json.Number:
		b, ok := b.(json.Number)
		if !ok {
			return false
		}
		x, _ := new(big.Rat).SetString(string(a))
		y, _ := new(big.Rat).SetString(string(b))
		return x.Cmp(y) == 0
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !areEqual(a[i], b[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for name := range a {
			if other, ok := b[name]; !ok || !areEqual(a[name], other) {
				return false
			}
		}
		return true
	}
	return a == b
}

// BenchmarkUniqueItems shows that the time is linear in the length of an array.
func BenchmarkUniqueItems(b *testing.B) {
	s := compile(b, `{"properties": {"v": {"uniqueItems": true}}}`)
	for _, n := range []int{100, 1_000, 10_000} {
		data := tree(b, `{"v": [`+strings.TrimSuffix(strings.Repeat(`1`, 0)+list(n, `%d.5`), ",")+`]}`)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				s.Validate(data)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/element")
		})
	}
}
