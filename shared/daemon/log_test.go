package daemon

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
)

const nasty = "line\r\nERR fake\x1b[31m red \u2028 \u009b2J \\x1b[32m"

// A record is one JSON object on one line, whatever its values contain.
func TestJSONRecordIsOneLine(t *testing.T) {
	var out bytes.Buffer
	log := NewLogger(&out, slog.LevelInfo).With(slog.String("from", nasty))
	log.Info("Constant", slog.String("text", nasty), slog.Any("error", errors.New(nasty)), slog.String(nasty, "key"))
	log.Debug("Not wanted")
	if n := strings.Count(out.String(), "\n"); n != 1 || strings.ContainsAny(out.String(), "\r\x1b") {
		t.Fatalf("%d lines: %q", n, out.String())
	}
	var record map[string]any
	if err := json.Unmarshal(out.Bytes(), &record); err != nil {
		t.Fatal(err)
	}
	if record["text"] != nasty || record["error"] != nasty || record["from"] != nasty {
		t.Errorf("record %v", record)
	}
}

// On a terminal no value can move the cursor or start a line.
func TestTerminalLogEscapesControlCharacters(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(terminalHandler(&out, slog.LevelInfo)).With(slog.String("from", nasty))
	log.Info("Constant", slog.String("text", nasty), slog.Any("error", errors.New(nasty)), slog.Any("faults", []string{nasty, "b"}))
	s := out.String()
	if strings.Count(s, "\n") != 1 || strings.ContainsAny(s, "\r\u2028\u009b") || strings.Contains(s, "\x1b[31m") || strings.Contains(s, "\x1b[32m") {
		t.Errorf("%q", s)
	}
	for _, want := range []string{"Constant", "ERR fake", "b"} {
		if !strings.Contains(s, want) {
			t.Errorf("%q lacks %q", s, want)
		}
	}
}
