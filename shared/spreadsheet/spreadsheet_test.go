package spreadsheet_test

import (
	"testing"

	"github.com/theeye/theeye/shared/spreadsheet"
)

func TestGuardText(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "a=1": "a=1", "é": "é", " =1": " =1",
		"=1": "'=1", "+1": "'+1", "-1": "'-1", "@a": "'@a", "\t=1": "'\t=1", "\r=1": "'\r=1", "'a": "''a",
	} {
		if got := spreadsheet.GuardText(text); got != want {
			t.Errorf("GuardText(%q) = %q, want %q", text, got, want)
		}
	}
}
