package analytics

import (
	"os"
	"strconv"
	"testing"

	"github.com/theeye/theeye/shared/natsd/natstest"
)

func TestMain(m *testing.M) { natstest.VerifyTestMain(m) }

// number reads a setting.
func number(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		t.Fatalf("%s=%q is no number", name, text)
	}
	return n
}
