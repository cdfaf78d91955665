package mongo

import (
	"math"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

func quote(s string) string {
	b, err := jsontext.AppendQuote(nil, s)
	if err != nil {
		return `"\ufffd"`
	}
	return string(b)
}

func unquote(t *testing.T, s string) string {
	t.Helper()
	b, err := jsontext.AppendUnquote(nil, s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func inf() float64 { return math.Inf(1) }
