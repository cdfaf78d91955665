package oracle

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Number returns the exact value of a number as the store keeps it: integers as they
// are, every other number as the nearest double.
func Number(v any) (*big.Rat, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return nil, false
	}
	r, ok := new(big.Rat).SetString(string(n))
	if !ok || r.IsInt() {
		return r, ok
	}
	return nearest(r), true
}

// nearest rounds to the nearest double.
func nearest(r *big.Rat) *big.Rat {
	f, _ := r.Float64()
	return new(big.Rat).SetFloat64(f)
}

// Canonical spells a value; two values are equal if their spellings are.
func Canonical(v any) string {
	switch v := v.(type) {
	case json.Number:
		r, _ := Number(v)
		return r.RatString()
	case time.Time:
		return "t" + strconv.FormatInt(v.UnixMicro(), 10)
	case []any:
		parts := make([]string, len(v))
		for i := range v {
			parts[i] = Canonical(v[i])
		}
		return "[" + strings.Join(parts, ",") + "]"
	case map[string]any:
		var parts []string
		for _, name := range slices.Sorted(maps.Keys(v)) {
			parts = append(parts, strconv.Quote(name)+":"+Canonical(v[name]))
		}
		return "{" + strings.Join(parts, ",") + "}"
	case string:
		return strconv.Quote(v)
	}
	return fmt.Sprint(v)
}

// rank orders the kinds of values.
func rank(v any) int {
	switch v := v.(type) {
	case nil:
		return 0
	case bool:
		if v {
			return 2
		}
		return 1
	case json.Number:
		return 3
	case string:
		return 4
	}
	return 5
}

// compareValues orders values where counts are equal.
func compareValues(a, b any) int {
	if c := cmp.Compare(rank(a), rank(b)); c != 0 {
		return c
	}
	switch a := a.(type) {
	case json.Number:
		x, _ := Number(a)
		y, _ := Number(b)
		return x.Cmp(y)
	case string:
		return strings.Compare(a, b.(string)) //nolint:forcetypeassert // equal ranks
	}
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return strings.Compare(string(x), string(y))
}

// figure is a rational as an answer has it, rounded once; nil is null.
func figure(r *big.Rat) any {
	if r == nil {
		return nil
	}
	if r.IsInt() {
		return json.Number(r.RatString())
	}
	f, _ := r.Float64()
	return json.Number(strconv.FormatFloat(f, 'g', -1, 64))
}

func count(n int) any { return json.Number(strconv.Itoa(n)) }

// share is a/b to four decimals, 0 where b is.
func share(a, b int) any {
	if b == 0 {
		return json.Number("0")
	}
	f, _ := strconv.ParseFloat(big.NewRat(int64(a), int64(b)).FloatString(4), 64)
	return json.Number(strconv.FormatFloat(f, 'g', -1, 64))
}
