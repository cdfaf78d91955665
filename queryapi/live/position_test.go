package live

import "testing"

func TestPositionsComeBack(t *testing.T) {
	for text, ok := range map[string]bool{
		"1700000000000000-1": true, "0-18446744073709551615": true, "-5-7": false, "": false, "1": false, "1-": false, "-1": false, "01-2": false, "1-2 ": false,
	} {
		at, err := ParsePosition(text)
		if (err == nil) != ok || ok && FormatPosition(at) != text {
			t.Errorf("%q: %v, %v", text, at, err)
		}
	}
}
