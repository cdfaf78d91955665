package analytics

import (
	"fmt"
	"strings"
	"testing"

	"github.com/theeye/theeye/shared/query/filter"
)

func TestTextIndexFindsTheCodesOfTexts(t *testing.T) {
	var x textIndex
	values := []filter.Value{{}}
	text := func(n int) string { return fmt.Sprint("text ", n, strings.Repeat("x", n%7*1000)) }
	const texts = 3000
	for n := range texts {
		if code := x.findCode(values, text(n)); code != 0 {
			t.Fatalf("%.20s is there with code %d", text(n), code)
		}
		values = append(values, filter.Text(x.copyText(text(n))))
		x.addCode(values, uint32(n+1))
	}
	values = append(values, filter.Text(x.copyText("")))
	x.addCode(values, texts+1)
	for n := range texts {
		held, _ := values[n+1].TextValue()
		if code := x.findCode(values, text(n)); int(code) != n+1 || held != text(n) {
			t.Fatalf("%.20s has code %d, want %d, and is held as %.20s", text(n), code, n+1, held)
		}
	}
	if x.findCode(values, "") != texts+1 || x.findCode(values, "text") != 0 {
		t.Error("the empty text is not found, or one that is not there is")
	}
}
