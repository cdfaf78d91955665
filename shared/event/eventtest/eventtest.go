// Package eventtest draws parts of events for property tests.
package eventtest

import (
	"strconv"

	"pgregory.net/rapid"
)

// NumberText draws texts of JSON numbers, most of them within the limits.
func NumberText() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.StringMatching(`-?(0|[1-9][0-9]{0,40})`),
		rapid.StringMatching(`-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?`),
		rapid.Custom(func(t *rapid.T) string {
			return strconv.FormatFloat(rapid.Float64().Draw(t, "double"), 'g', -1, 64)
		}),
		rapid.Custom(func(t *rapid.T) string { return strconv.FormatInt(rapid.Int64().Draw(t, "int"), 10) }),
		rapid.SampledFrom([]string{"0", "-0", "1", "1.0", "1e2", "100.0", "9223372036854775808", "1e-308", "1e308", "5e-324", "-2.2250738585072011e-308"}),
	)
}
